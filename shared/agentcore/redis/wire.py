"""What is asked of a client of Redis, whichever way it talks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

PATIENCE = 2.0  # seconds for an answer that nobody waits for


class Wire(Protocol):
    async def call(self, *command: str | int | float) -> Any:
        """A command's answer. Raises whatever the client raises."""
        ...

    def subscribe(self, channel: str) -> AbstractAsyncContextManager[AsyncIterator[str]]:
        """Messages of a channel; once entered, none is missed. They end, or raise, when the connection is lost."""
        ...

    async def close(self) -> None: ...
