"""What a request may be, before anybody parses it."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agentcore.api.problems import problem, refuse
from agentcore.errors import AgentCoreError

_LOCAL = frozenset(("localhost", "127.0.0.1", "[::1]"))


class NotLocal(AgentCoreError):
    """The request is not for this machine, or comes from a page that is not of it."""

    code, status = "not_local", 403

    def __init__(self) -> None:
        super().__init__(
            "This server answers to localhost only, as it asks nobody who they are. AGENTCORE_AUTH=keys makes it ask."
        )


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
    """Answers only to this machine's own names and pages, where nobody is asked who they are.

    So no page from elsewhere reaches an open port here: not by DNS rebinding, not by a form, and not by a WebSocket,
    which browsers let any page open (RFC 6455, section 10.2). `origins` are those that may, as the settings say.
    """

    def __init__(self, app: ASGIApp, origins: Iterable[str] = ()) -> None:
        self._app, self._origins = app, frozenset(origins) - {"*"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket") and not self._allowed(Headers(scope=scope)):
            await refuse(NotLocal(), scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _allowed(self, headers: Headers) -> bool:
        origin = headers.get("origin")
        if _name(headers.get("host", "")) not in _LOCAL:
            return False
        if origin is None:
            return headers.get("sec-fetch-site") != "cross-site"
        return origin in self._origins or _name(origin.partition("://")[2]) in _LOCAL


def _name(host: str) -> str:
    """Without the port."""
    return (host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host).lower()
