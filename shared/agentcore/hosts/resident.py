"""The service of a process that a host keeps for many events: one event loop, opened by the first of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cache, cached_property
from typing import Any, TypeVar

from agentcore import app, loading, logs
from agentcore import settings as environment
from agentcore.deadline import Deadline
from agentcore.errors import Misconfigured
from agentcore.service import Service
from agentcore.settings import Settings
from agentcore.stint import Stint, stint

log = logging.getLogger("agentcore.hosts")
T = TypeVar("T")


class Resident:
    """Built when its module is imported, connected by the first event, and kept while the host keeps the process."""

    def __init__(self, settings: Settings | None = None) -> None:
        """Raises Misconfigured. Nothing is connected yet, and the SDK is not imported."""
        self.settings = settings or environment.load()
        logs.set_up(self.settings)
        if self.settings.bus_url.startswith("memory:"):
            raise Misconfigured(
                "AGENTCORE_BUS_URL=memory:// ends with this process, so no other would hear. See docs/hosts.md.",
                setting="AGENTCORE_BUS_URL",
            )
        self.service = app.build(self.settings)
        self._home: asyncio.AbstractEventLoop | None = None
        self._opening: asyncio.Task[None] | None = None
        self._scheduled = self._freezes = False
        self._reset()

    def _reset(self) -> None:
        self._open, self._opening = AsyncExitStack(), None
        self.room = asyncio.Semaphore(self.settings.concurrency)  # for runs that execute here at once

    def preload(self) -> None:
        """Import the SDK now, while the host waits for the process to be ready."""
        loading.engine()

    def deadline(self, seconds: float) -> Deadline:
        """The deadline of an event that may take so long from now."""
        return Deadline(seconds, margin=self.settings.deadline_margin)

    @asynccontextmanager
    async def event(self, limit: Deadline) -> AsyncIterator[tuple[Service, Stint]]:
        """Handle one event of the host. On leaving, all that was begun meanwhile is finished or handed over."""
        service = await self.opened()
        try:
            async with stint(limit, margin=self.settings.deadline_margin) as one:
                yield service, one
        finally:
            if self._freezes:  # nobody reads any more
                await service.look.close()

    async def opened(self) -> Service:
        """The service, connected in the loop that runs. Events that come together share the one attempt."""
        loop = asyncio.get_running_loop()
        if self._home is not loop:
            self._move(loop)
        if self._opening is None or (self._opening.done() and self._opening.exception()):
            self._opening = loop.create_task(self._connect())
        await asyncio.shield(self._opening)
        return self.service

    def _move(self, loop: asyncio.AbstractEventLoop) -> None:
        """Connections belong to the loop that made them: with another one, everything is made anew."""
        if self._home is not None:
            log.warning("the host changed the event loop of this process; connecting again")
            if self.service.watchdog:
                self.service.watchdog.close()
            self.service = app.build(self.settings)
        self._home = loop
        self._reset()

    async def _connect(self) -> None:
        await self._open.enter_async_context(app.running(self.service))

    async def put_schedules(self) -> None:
        """Store the schedules that agents are registered with, once in the life of this process."""
        if not self._scheduled:
            await app.put_schedules(await self.opened())
            self._scheduled = True

    def stop(self) -> None:
        """The process will be killed soon: every slice that executes here ends at its next step boundary."""
        for one in self.service.deadlines:
            one.bring_forward(self.settings.deadline_margin)

    async def close(self) -> None:
        """Hand over and disconnect, where the host says that it is about to end this process."""
        await self._open.aclose()
        self._reset()

    # -- hosts that call a plain function

    @cached_property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The one loop of a process that runs only while an event is handled, and is frozen in between."""
        self._freezes = True
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        return loop

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do it, in that loop."""
        return self.loop.run_until_complete(work)


@cache
def shared() -> Resident:
    """The one of this process, where a host runs several of our functions in it."""
    return Resident()
