"""Keeps the leases of a process whose event loop is held up, as by an async tool that blocks: no heartbeat beats then.

Without it, other workers would take over all that this one works on, and repeat what it is doing.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress

from agentcore.errors import LeaseLost
from agentcore.logs import brief
from agentcore.ports import StateStore
from agentcore.records import Lease
from agentcore.settings import Settings

log = logging.getLogger("agentcore.watchdog")
_LEAST = 0.5  # seconds that a loop may be late by before it counts as held up
_FRAMES = 4  # that are told of what holds it up


class Watchdog:
    """A thread beside the event loop, from the first slice on.

    It is no more patient than a host would be: a loop that is held up for a whole slice loses its runs after all.
    """

    def __init__(self, leases: Mapping[str, Lease], opened: Callable[[], StateStore], settings: Settings) -> None:
        """`leases` of what executes in this process; `opened` makes a store for an event loop of the thread's own."""
        self._leases, self._opened, self._settings = leases, opened, settings
        self._every = settings.lease_seconds / 3
        self._late = max(_LEAST, self._every / 2)
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def watch(self) -> None:
        """Begin, if it has not begun. Called on the event loop."""
        if self._thread is None:
            loop = asyncio.get_running_loop(), threading.get_ident()
            self._thread = threading.Thread(target=self._run, args=loop, name="agentcore-watchdog", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """End; nothing is waited for."""
        self._closed.set()

    def _run(self, loop: asyncio.AbstractEventLoop, ident: int) -> None:
        while not self._closed.wait(self._every):
            if self._leases:
                turned = threading.Event()
                with suppress(RuntimeError):  # closed
                    loop.call_soon_threadsafe(turned.set)
                    self._attend(turned, ident)

    def _attend(self, turned: threading.Event, ident: int) -> None:
        """Return once the loop turns."""
        since, told = time.monotonic(), False
        while not turned.wait(self._late) and not self._closed.is_set():
            if time.monotonic() - since < self._settings.slice_seconds:
                self._renew()
            if not told:
                told = True
                log.warning("the event loop is held up; what blocks belongs in a sync tool: %s", _at(ident))

    def _renew(self) -> None:
        try:
            asyncio.run(self._renewed())
        except Exception as error:
            log.warning("the leases cannot be renewed: %s", brief(error))

    async def _renewed(self) -> None:
        store, seconds = self._opened(), self._settings.lease_seconds
        try:
            async with asyncio.timeout(seconds):
                await store.open()
                for lease in list(self._leases.values()):
                    with suppress(LeaseLost):
                        await store.renew(lease, seconds)
        finally:
            await store.close()


def _at(ident: int) -> str:
    """Where that thread is: its innermost frames."""
    stack = traceback.extract_stack(sys._current_frames().get(ident), limit=_FRAMES)
    return " < ".join(f"{frame.name} ({frame.filename}:{frame.lineno})" for frame in reversed(stack))
