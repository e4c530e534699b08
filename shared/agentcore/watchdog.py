"""Keeps the leases of a process whose event loop is held up, as by an async tool that blocks: no heartbeat beats then.

Without it, other workers would take over all that this one works on, and repeat what it is doing.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import sysconfig
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress

from agentcore.errors import LeaseLost
from agentcore.logs import brief
from agentcore.ports import StateStore
from agentcore.records import Lease
from agentcore.settings import Settings

log = logging.getLogger("agentcore.watchdog")
_LEAST = 0.5  # seconds that a loop may be late by before it counts as held up
_AT_ONCE = 4  # leases that are renewed side by side: a row that the held up loop has locked holds up no other's
_FRAMES = 3  # that are told of what holds it up
_LIBRARIES = (sysconfig.get_path("stdlib"), sysconfig.get_path("purelib"), "<")


class Watchdog:
    """A thread beside the event loop, from the first slice on.

    It is no more patient than a host would be: a loop that is held up for a whole slice loses its runs after all.
    """

    def __init__(
        self, leases: Mapping[str, Lease], kept: dict[Lease, float], opened: Callable[[], StateStore],
        settings: Settings,
    ) -> None:  # fmt: skip
        """`leases` of what executes in this process; when (monotonic) one was renewed here is noted in `kept`.

        `opened` makes a store for an event loop of the thread's own.
        """
        self._leases, self._kept, self._opened, self._settings = leases, kept, opened, settings
        self._every = settings.lease_seconds / 6
        self._late = max(_LEAST, self._every)
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
        while not self._closed.wait(self._every) and not loop.is_closed():
            # A loop that a host has stopped between two events is not held up.
            if self._leases and loop.is_running():
                turned = threading.Event()
                with suppress(RuntimeError):  # closed just now
                    loop.call_soon_threadsafe(turned.set)
                if not turned.wait(self._late) and loop.is_running():
                    log.warning("the event loop is held up; what blocks belongs in a sync tool: %s", _at(ident))
                    with _own_loop() as own:
                        own.run_until_complete(self._attend(loop, turned))

    async def _attend(self, loop: asyncio.AbstractEventLoop, turned: threading.Event) -> None:
        """Renew all leases until that loop turns. This thread's own may block: it has nothing else to do."""
        store, end = self._opened(), time.monotonic() + self._settings.slice_seconds
        try:
            while loop.is_running() and not self._closed.is_set():
                if time.monotonic() < end:
                    await self._renew(store)
                if turned.wait(self._late):
                    return
        finally:
            await store.close()

    async def _renew(self, store: StateStore) -> None:
        room = asyncio.Semaphore(_AT_ONCE)

        async def one(lease: Lease) -> None:
            async with room, asyncio.timeout(self._late):
                began = time.monotonic()
                await store.renew(lease, self._settings.lease_seconds)
                self._kept[lease] = began

        ends = await asyncio.gather(*map(one, list(self._leases.values())), return_exceptions=True)
        for error in ends:
            if isinstance(error, Exception) and not isinstance(error, LeaseLost):
                log.warning("a lease cannot be renewed while the event loop is held up: %s", brief(error))


@contextmanager
def _own_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop for this thread. Its end waits for nobody, as that of asyncio.run would for a hanging resolver."""
    loop = asyncio.new_event_loop()
    try:
        yield loop
    except Exception as error:
        log.warning("no lease can be renewed while the event loop is held up: %s", brief(error))
    finally:
        loop.close()


def _at(ident: int) -> str:
    """Where that thread is: the innermost frames that are no library's."""
    stack = list(reversed(traceback.extract_stack(sys._current_frames().get(ident))))
    own = [frame for frame in stack if not frame.filename.startswith(_LIBRARIES)] or stack
    return " < ".join(f"{frame.name} ({frame.filename}:{frame.lineno})" for frame in own[:_FRAMES])
