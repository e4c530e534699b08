"""What the product costs, beside its peers: ratios of medians, measured in interleaved rounds on this machine."""
