"""An ASGI application on a host: opened by its first request, and no request takes longer than the host allows."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agentcore import auth
from agentcore.api import create_app, problems
from agentcore.api.caller import CLOSING
from agentcore.deadline import Deadline
from agentcore.errors import Misconfigured
from agentcore.hosts.resident import Resident
from agentcore.hosts.sigterm import on_sigterm
from agentcore.service import Service

log = logging.getLogger("agentcore.hosts")
_LONG = 86_400.0  # seconds: longer than any request
Seconds = Callable[[Scope], float]


class Hosted:
    """The API, for whichever ASGI server the host has."""

    def __init__(self, resident: Resident, seconds: Seconds, make: Callable[[Service], ASGIApp] = create_app) -> None:
        """`seconds`: how long a request may take; infinite where nothing ends or freezes it.

        Raises Misconfigured where callers would not be asked who they are.
        """
        settings = resident.settings
        if make is create_app and not auth.methods(settings) and not settings.allow_unauthenticated:
            raise Misconfigured(
                "AGENTCORE_AUTH=none asks nobody who they are, and a host is open to others. Unset it; or set "
                "AGENTCORE_ALLOW_UNAUTHENTICATED=true where something in front of it asks.",
                setting="AGENTCORE_AUTH",
            )
        self.resident, self._seconds, self._make = resident, seconds, make
        self._app, self._of = make(resident.service), resident.service
        self._open: set[asyncio.Event] = set()  # one for each request: set when it must end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        limit = self.resident.deadline(self._seconds(scope))
        try:
            await self.resident.opened()
        except Misconfigured as error:
            log.error("not ready: %s", error)
            await problems.refuse(error, scope, receive, send)
            return
        async with self._closing(limit.soft) as closing:
            scope = {**scope, CLOSING: closing}
            if limit.left == float("inf"):
                await self._for(self.resident.service)(scope, receive, send)
            else:
                await self._limited(limit, scope, receive, send)

    async def _limited(self, limit: Deadline, scope: Scope, receive: Receive, send: Send) -> None:
        async with self.resident.event(limit) as (service, stint):

            async def last(message: Message) -> None:
                # The host may freeze the process once it has the whole answer: hand over before that.
                if message["type"] == "http.response.body" and not message.get("more_body"):
                    await stint.over()
                await send(message)

            await self._for(service)(scope, receive, last)

    def _for(self, service: Service) -> ASGIApp:
        if self._of is not service:
            self._app, self._of = self._make(service), service
        return self._app

    @asynccontextmanager
    async def _closing(self, seconds: float) -> AsyncIterator[asyncio.Event]:
        """Tells what waits or streams to come to its end: clients go on with their cursor."""
        closing = asyncio.Event()
        timer = asyncio.get_running_loop().call_later(min(max(0.0, seconds), _LONG), closing.set)
        self._open.add(closing)
        try:
            yield closing
        finally:
            timer.cancel()
            self._open.discard(closing)

    def _close(self) -> None:
        for one in self._open:
            one.set()
        self.resident.stop()

    async def _live(self, receive: Receive, send: Send) -> None:
        """Servers that say when they start and stop (ASGI's lifespan)."""
        await receive()
        try:
            service = await self.resident.opened()
            await self.resident.put_schedules()
        except Misconfigured as error:
            await send({"type": "lifespan.startup.failed", "message": f"agentcore: {error}"})
            return
        beside = asyncio.create_task(_beside(service))
        on_sigterm(self._close)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self._close()
        beside.cancel()
        await asyncio.gather(beside, return_exceptions=True)
        await self.resident.close()
        await send({"type": "lifespan.shutdown.complete"})


class Through(Response):
    """An answer that an application gives, for frameworks that want a function to return one."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__()
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


async def _beside(service: Service) -> None:
    """What a server does beside its requests."""
    from agentcore.commands.process import preload
    from agentcore.worker import listen_for_news

    await asyncio.gather(preload(service.registry), listen_for_news(service))
