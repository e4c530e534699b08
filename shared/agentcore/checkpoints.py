"""The names of checkpoints. One is (thread, position), so its id says both and is stored nowhere."""

from __future__ import annotations

import hashlib
from uuid import UUID

from agentcore.errors import NotFound


def checkpoint_id(thread_id: str, position: int) -> str:
    """A UUIDv8 (RFC 9562, section 5.8): the position, then what only this thread has with it."""
    rest = int.from_bytes(hashlib.sha256(f"{thread_id}:{position}".encode()).digest()[:12], "big")
    plain = (position << 96 | rest) & ~(0xF << 76) & ~(0x3 << 62)
    return str(UUID(int=plain | 0x8 << 76 | 0x2 << 62))


def position_of(thread_id: str, id: str) -> int:
    """Where in its thread a checkpoint is. NotFound for an id that is none of this thread's."""
    position = UUID(id).int >> 96
    if checkpoint_id(thread_id, position) != str(UUID(id)):
        raise NotFound(f"Thread {thread_id} has no checkpoint {id}.", field="checkpoint")
    return position
