"""A process that runs until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from agentcore import loading

log = logging.getLogger("agentcore.process")


@contextmanager
def stopping() -> Iterator[asyncio.Event]:
    """An event that the first SIGTERM or SIGINT sets. The second one ends the process as if nobody had listened."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def heard() -> None:
        stop.set()
        _forget(loop)

    try:
        for one in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(one, heard)
    except NotImplementedError:  # Windows: Ctrl-C cancels the main task instead
        pass
    try:
        yield stop
    finally:
        _forget(loop)


def _forget(loop: asyncio.AbstractEventLoop) -> None:
    for one in (signal.SIGTERM, signal.SIGINT):
        with suppress(NotImplementedError):
            loop.remove_signal_handler(one)


async def together(stop: asyncio.Event, *parts: Coroutine[Any, Any, Any]) -> None:
    """Run the parts of a process side by side; when one ends, for whatever reason, all are told to stop."""

    async def part(one: Coroutine[Any, Any, Any]) -> None:
        try:
            await one
        finally:
            stop.set()

    ends = await asyncio.gather(*(part(one) for one in parts), return_exceptions=True)
    for end in ends:
        if isinstance(end, BaseException):
            raise end


async def preload() -> None:
    """Import the SDK once requests are answered, so that neither the start nor the first stream waits for it."""
    try:
        await asyncio.to_thread(loading.engine)
    except Exception:
        log.exception("the engine cannot be imported: runs will fail")
