"""IP addresses in one form, so that the same address is the same text."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv6Address, ip_address

LONGEST_ADDRESS = 64  # IPv6 has at most 45 characters, and a scope behind it
_REMEMBERED = 10_000


@lru_cache(_REMEMBERED)
def known_address(text: str) -> str | None:
    """An IP address in its usual form, without scope; IPv4 inside IPv6 as IPv4; None when it is none."""
    if len(text) > LONGEST_ADDRESS:
        return None
    try:
        address = ip_address(text.strip().partition("%")[0])
    except ValueError:
        return None
    inside = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(inside or address)
