"""Hints from other processes, where something carries them. Nothing depends on one."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from agentcore.ports import Hints

log = logging.getLogger("agentcore.hints")
_RETRY = 1.0  # seconds before listening again, after the connection was lost; it doubles
_MOST = 16.0


async def listen(hints: Hints, channel: str, hear: Callable[[str], None]) -> None:
    """Call `hear` with each payload, for ever; return at once where there is no such thing.

    A lost connection is listened on again: what was missed meanwhile is found by polling. An outage is logged once.
    """
    pause, away = _RETRY, False
    while (listening := hints.listen(channel)) is not None:
        began = time.monotonic()
        try:
            async with listening as payloads:
                if away:
                    log.info("hints on %s are back", channel)
                pause, away = _RETRY, False
                async for payload in payloads:
                    hear(payload)
        except Exception as error:
            why = str(error).strip() or type(error).__name__
            log.log(logging.DEBUG if away else logging.WARNING, "hints on %s: %s; polling until then", channel, why)
            away = True
        if not away and time.monotonic() - began > _MOST:
            continue  # it ended in peace, after a long life
        await asyncio.sleep(pause)
        pause = min(_MOST, pause * 2)
