"""Where tokens come from, a cloud a file, imported on use."""
