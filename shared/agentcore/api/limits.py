"""What a request may be, before anybody parses it."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agentcore.api.problems import problem


class BodyLimit:
    """Refuses bodies that are too large: by what they declare, and by what really comes."""

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app, self._most = app, most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "0")
        if not declared.isdecimal() or int(declared[:20]) > self._most:
            await problem(413, self._text, code="too_large")(scope, receive, send)
            return
        await self._app(scope, self._counted(receive), send)

    def _counted(self, receive: Receive) -> Receive:
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._most:
                raise HTTPException(413, self._text)
            return message

        return counted

    @property
    def _text(self) -> str:
        return f"The body is larger than {self._most} bytes, which AGENTCORE_INPUT_BYTES allows."


class LocalHost:
    """Answers only to this machine's own names, so that no web page reaches an open port here by DNS rebinding."""

    def __init__(self, app: ASGIApp, names: Iterable[str] = ("localhost", "127.0.0.1", "[::1]")) -> None:
        self._app, self._names = app, frozenset(names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self._allowed(Headers(scope=scope)):
            text = "This server answers to localhost only. AGENTCORE_ALLOW_UNAUTHENTICATED=true lifts that."
            await problem(403, text, code="not_local")(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _allowed(self, headers: Headers) -> bool:
        host = headers.get("host", "")
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
        return name.lower() in self._names and headers.get("sec-fetch-site") != "cross-site"
