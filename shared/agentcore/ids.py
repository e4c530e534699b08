"""Ids of rows."""

from __future__ import annotations

import os
import time
from uuid import UUID, uuid5


def new_id() -> str:
    """A UUIDv7 (RFC 9562, section 5.7): ordered by time, so that a B-tree grows at one end."""
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    part = (rest << 12) // 1_000_000  # of the millisecond (section 6.2, method 3): those made in a row stay in order
    random = int.from_bytes(os.urandom(8), "big") >> 2
    return str(UUID(int=(milliseconds & (1 << 48) - 1) << 80 | 0x7 << 76 | part << 64 | 0x2 << 62 | random))


def delivery_id(run_id: str) -> str:
    """Of the message that tells a run's webhook of its end: made from the run, so that it is written once."""
    return str(uuid5(UUID(run_id), "webhook"))
