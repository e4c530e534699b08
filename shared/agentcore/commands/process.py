"""A process that runs until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from agentcore import loading
from agentcore.app import THREADS
from agentcore.registry import Registry

log = logging.getLogger("agentcore.process")
_GRACE = 3.0  # seconds in which idle threads end


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


def leave(code: int) -> int:
    """The exit code of a process whose work is over; it ends here and now if a thread would keep it from exiting.

    The interpreter waits for every thread, and a sync tool that hangs cannot be stopped. Its run is safe: its outcome
    is unknown, as if the process had been killed, and the next worker goes on from there.
    """
    until = time.monotonic() + _GRACE
    for thread in (threads := [t for t in threading.enumerate() if t.name.startswith(THREADS)]):
        thread.join(max(0.0, until - time.monotonic()))
    if any(thread.is_alive() for thread in threads):
        log.warning("leaving while a sync tool still runs in its thread; its call counts as one of unknown outcome")
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code


async def preload(registry: Registry) -> None:
    """Import the SDK once requests are answered, so that neither the start nor the first stream waits for it.

    Then look at the agents: no new run of one that cannot run is accepted here any more.
    """
    try:
        await asyncio.to_thread(loading.engine)
        from agentcore.preflight import unfit  # which imports the engine

        registry.refused = await unfit(registry)
    except Exception:
        log.exception("the agents cannot be looked at: runs may fail")
    for name, error in registry.refused.items():
        log.error("agent %r is refused: %s", name, error)
