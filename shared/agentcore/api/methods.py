"""Which methods a path takes: the others are answered 405, with all that it takes (RFC 9110, section 15.5.6)."""

from __future__ import annotations

from collections.abc import Set

from fastapi import FastAPI, Request
from fastapi.routing import iter_route_contexts
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import ASGIApp, Receive, Scope, Send

from agentcore.api.problems import problem


class Methods:
    """ASGI middleware, before any route is tried.

    `GET /runs/wait` is no run called wait: a path without parameters goes before one with them (OpenAPI 3.1, Paths
    Object), whatever their methods are.
    """

    def __init__(self, app: ASGIApp, fixed: dict[str, set[str]]) -> None:
        self._app, self._fixed = app, fixed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        takes = self._fixed.get(scope["path"]) if scope["type"] == "http" else None
        if takes is None or scope["method"] in takes:
            await self._app(scope, receive, send)
        else:
            await _refusal(takes)(scope, receive, send)


def install(app: FastAPI) -> None:
    """Answer so in this application, which has all its routes."""
    fixed: dict[str, set[str]] = {}
    for route in iter_route_contexts(app.routes):
        if route.methods and "{" not in str(route.path_format):
            fixed.setdefault(str(route.path_format), set()).update(route.methods)
    app.add_middleware(Methods, fixed=fixed)
    app.add_exception_handler(405, _unknown)


async def _unknown(request: Request, error: Exception) -> Response:
    """Starlette names the methods of the first route with this path only, and each of ours has one."""
    routes = iter_route_contexts(request.app.routes)
    return _refusal({m for r in routes if r.matches(dict(request.scope))[0] != Match.NONE for m in r.methods or ()})


def _refusal(takes: Set[str]) -> Response:
    allow = ", ".join(sorted(takes))
    return problem(405, f"This takes {allow}.", code="method_not_allowed", headers={"Allow": allow})
