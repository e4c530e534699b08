"""Which addresses of the network a request may go to that somebody else chose (server-side request forgery). Pure."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: an IPv4 address behind a translator
_GLOBAL = IPv6Network("2000::/3")  # all that is routed (RFC 4291, section 2.4); what lies outside is none's, or ours
# Of this machine's cloud, though they look public: Azure's platform service, and a block of the IETF's (RFC 6890) that
# Oracle's metadata service uses and only newer Pythons call private. Other clouds have link-local or private ones.
_PLATFORM = (IPv4Network("168.63.129.16/32"), IPv4Network("192.0.0.0/24"))


def public(address: str) -> bool:
    """Whether it is an address of the public internet, and not of this machine, its network or its cloud.

    Looks through IPv6 addresses that carry an IPv4 one: mapped (::ffff:0:0/96), 6to4, Teredo and NAT64.
    """
    found = ip_address(address.partition("%")[0])
    inner = _inner(found) if isinstance(found, IPv6Address) else found
    if isinstance(inner, IPv4Address):
        return inner.is_global and not inner.is_multicast and not any(inner in network for network in _PLATFORM)
    return inner in _GLOBAL and inner.is_global and not inner.is_multicast


def _inner(address: IPv6Address) -> IPv4Address | IPv6Address:
    if address.teredo:
        return address.teredo[1]
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address
