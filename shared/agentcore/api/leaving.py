"""Requests that are still waiting when this server goes."""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agentcore.api.problems import refuse
from agentcore.errors import Unavailable


class Leaving:
    """Answers a request that the server cuts off as it stops: it did not fail, so it is to be sent again, elsewhere.

    Without this the client reads a 500, and takes it for an error that will come again.
    """

    def __init__(self, app: ASGIApp, closing: asyncio.Event) -> None:
        self._app, self._closing = app, closing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = scope["type"] != "http"

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except asyncio.CancelledError:
            if begun or not self._closing.is_set():
                raise
            await refuse(Unavailable("This server is stopping. Send the request again."), scope, receive, send)
