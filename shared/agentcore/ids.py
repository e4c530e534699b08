"""Ids of rows."""

from __future__ import annotations

import os
import time
from uuid import UUID


def new_id() -> str:
    """A UUIDv7 (RFC 9562, section 5.7): ordered by time, so that a B-tree grows at one end."""
    value = (time.time_ns() // 1_000_000 & (1 << 48) - 1) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    return str(UUID(int=value & ~(0x3 << 62) | 0x2 << 62))
