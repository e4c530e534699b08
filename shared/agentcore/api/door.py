"""Asks callers who they are, before any route is reached and before anything of their body is read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi.routing import RouteContext
from starlette.datastructures import Headers
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agentcore import auth
from agentcore.api import problems
from agentcore.api.scopes import signable
from agentcore.callers import Callers
from agentcore.errors import AgentCoreError, Unauthenticated
from agentcore.webhooks import Signature

# A browser cannot set headers on a WebSocket, and what stands in a URL ends up in logs. So it offers two subprotocols,
# [PROTOCOL, BEARER + credential], as Kubernetes' API has it done; we answer with the first and drop the second.
PROTOCOL, BEARER = "agentcore", "bearer."

Routes = Sequence[tuple[RouteContext, auth.Scope | None]]


class Door:
    """ASGI middleware. What gets through has its Principal as `scope["user"]`; public routes and 404s have none."""

    def __init__(self, app: ASGIApp, routes: Routes, callers: Callers) -> None:
        self._app, self._routes, self._callers = app, routes, callers
        # Most requests are for a path without parameters: what is found there is known before they come.
        paths = {(method, r.path) for r, _ in routes if "{" not in str(r.path) for method in r.methods or ()}
        self._fixed = {key: self._matched({"type": "http", "method": key[0], "path": key[1]}) for key in paths}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        try:
            bearers = _bearers(scope)
            if scope["type"] == "websocket":
                scope, send = _without_credential(scope), _agreeing(scope, send)
            endpoint, needed = self._found(scope)
            if needed is not None:
                signature = _signature(scope) if signable(endpoint) else None
                scope = {**scope, "user": await self._admit(bearers, signature, needed), "agentcore.scope": needed}
        except AgentCoreError as error:
            await problems.refuse(error, scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _found(self, scope: Scope) -> tuple[Any, auth.Scope | None]:
        """The route to which this goes, and what it takes. None: it is public, or there is none."""
        plain = scope["type"] == "http" and not scope.get("root_path")  # which routes do not see of a path
        return (self._fixed.get((scope["method"], scope["path"])) if plain else None) or self._matched(scope)

    def _matched(self, scope: Scope) -> tuple[Any, auth.Scope | None]:
        for route, needed in self._routes:
            if route.matches(dict(scope))[0] == Match.FULL:
                return route.endpoint, needed
        return None, None

    async def _admit(self, bearers: list[str], signature: Signature | None, needed: auth.Scope) -> auth.Principal:
        if len(bearers) + (signature is not None) > 1:  # which of them counts is nothing to guess about
            raise Unauthenticated(given=True)
        if signature is None:
            principal = await self._callers.identify(bearers[0] if bearers else None)
        else:
            principal = await self._callers.verify(signature)
        principal.need(needed)
        return principal


def _bearers(scope: Scope) -> list[str]:
    """The credentials that came: RFC 6750, section 2.1, or a WebSocket's subprotocol. Empty text: of another kind."""
    found = []
    for value in Headers(scope=scope).getlist("authorization"):
        scheme, _, credential = value.partition(" ")
        found.append(credential.strip() if scheme.lower() == "bearer" else "")
    offered = scope.get("subprotocols", ())
    return [*found, *(one.removeprefix(BEARER) for one in offered if one.startswith(BEARER))]


def _signature(scope: Scope) -> Signature | None:
    """The signature that came, of an empty body: what a body says, nobody reads. None: there is none."""
    headers = Headers(scope=scope)
    if "webhook-signature" not in headers:
        return None
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    if any(len(headers.getlist(name)) != 1 for name in names):
        raise Unauthenticated(given=True)
    message_id, timestamp, signatures = (headers[name] for name in names)
    return Signature(message_id=message_id, timestamp=timestamp, signatures=signatures)


def _without_credential(scope: Scope) -> Scope:
    """The same handshake, with no secret left in what it offers."""
    offered = [one for one in scope.get("subprotocols", ()) if not one.startswith(BEARER)]
    headers = [(name, value) for name, value in scope["headers"] if name != b"sec-websocket-protocol"]
    if offered:
        headers.append((b"sec-websocket-protocol", ", ".join(offered).encode("latin-1")))
    return {**scope, "subprotocols": offered, "headers": headers}


def _agreeing(scope: Scope, send: Send) -> Send:
    """A browser hangs up unless one of the subprotocols that it offered is accepted."""
    if PROTOCOL not in scope.get("subprotocols", ()):
        return send

    async def agreeing(message: Message) -> None:
        if message["type"] == "websocket.accept" and not message.get("subprotocol"):
            message = {**message, "subprotocol": PROTOCOL}
        await send(message)

    return agreeing
