"""The ASGI application, over one service."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.types import ASGIApp

from agentcore.api import (
    agents,
    approvals,
    deliveries,
    events,
    headers,
    health,
    methods,
    metrics,
    openapi,
    problems,
    runs,
    schedules,
    store,
    thread_streams,
    threads,
    tick,
    usage,
)  # fmt: skip
from agentcore.api.door import Door
from agentcore.api.leaving import Leaving
from agentcore.api.limits import BodyLimit
from agentcore.api.scopes import declared, public
from agentcore.callers import Callers
from agentcore.service import Service
from agentcore.version import __version__

_NOUNS = (
    health, agents, threads, thread_streams, runs, deliveries, approvals, schedules, store, events, usage, metrics,
    tick,
)  # fmt: skip
_SPARE = 65_536  # bytes of a body beside the input


class Application(FastAPI):
    def build_middleware_stack(self) -> ASGIApp:
        # Around everything, so that a page also gets to read what went wrong when the server failed.
        return headers.around(super().build_middleware_stack(), self.state.service.settings)

    def openapi(self) -> dict[str, Any]:
        if not self.openapi_schema:
            self.openapi_schema = openapi.described(super().openapi(), self)
        return self.openapi_schema


def create_app(service: Service, *more: APIRouter) -> FastAPI:
    """All routes, for callers who show who they are as the settings say. Raises Misconfigured.

    `more` are served beside ours; their routes declare their scopes too, or this raises TypeError.
    `app.state.closing` is set by the server when it shuts down: streams then end, to be resumed, and requests that it
    cuts off in the end are answered 503.
    """
    # No interactive docs: their page loads scripts from elsewhere. /openapi.json has all there is to know.
    app = Application(
        title="agentcore", version=__version__, docs_url=None, redoc_url=None, redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,  # the Agent Protocol's operationIds
    )  # fmt: skip
    app.state.service = service
    app.state.closing = asyncio.Event()
    app.state.probe = health.Probe(service)
    for route in app.routes:
        public(route.endpoint)  # type: ignore[attr-defined]  # so far there is only /openapi.json, a Route
    for noun in _NOUNS:
        app.include_router(noun.routes)
    for router in more:
        app.include_router(router)
    callers = Callers(service.store, service.settings, service.shared)
    service.hearers.append(callers.forget)
    app.add_middleware(Door, routes=tuple(declared(app)), callers=callers)
    methods.install(app)
    headers.origins(service.settings)  # Misconfigured now, not at the first request
    # JSON may escape each character of an input as \uXXXX: three bytes for one of its UTF-8.
    app.add_middleware(BodyLimit, most=3 * service.settings.input_bytes + _SPARE)
    app.add_middleware(Leaving, closing=app.state.closing)
    problems.install(app)
    return app
