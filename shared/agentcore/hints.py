"""Hints from other processes, where the database can send them. Nothing depends on one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from agentcore.ports import StateStore

log = logging.getLogger("agentcore.hints")
_RETRY = 1.0  # seconds before listening again, after the connection was lost


async def listen(store: StateStore, channel: str, hear: Callable[[str], None]) -> None:
    """Call `hear` with each payload, for ever; return at once where the database has no such thing.

    A lost connection is listened on again: what was missed meanwhile is found by polling.
    """
    while (listening := store.listen(channel)) is not None:
        try:
            async with listening as payloads:
                async for payload in payloads:
                    hear(payload)
        except Exception:
            log.warning("hints on %s stopped; polling until they are back", channel, exc_info=True)
        await asyncio.sleep(_RETRY)
