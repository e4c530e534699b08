"""Hints between processes: nothing here, as nothing depends on them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

from agentcore.store.base import Verbs


class NoHints(Verbs):
    async def notify(self, channel: str, *payloads: str) -> None:
        pass

    def listen(self, channel: str) -> AbstractAsyncContextManager[AsyncIterator[str]] | None:
        return None
