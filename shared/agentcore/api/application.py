"""The ASGI application, over one service."""

from __future__ import annotations

import asyncio

from fastapi import FastAPI

from agentcore.api import agents, approvals, deliveries, events, health, problems, runs, schedules, store, threads
from agentcore.api.limits import BodyLimit
from agentcore.service import Service
from agentcore.version import __version__

_SPARE = 65_536  # bytes of a body beside the input


def create_app(service: Service) -> FastAPI:
    """All routes. `app.state.closing` is set by the server when it shuts down: streams then end, to be resumed."""
    # No interactive docs: their page loads scripts from elsewhere. /openapi.json has all there is to know.
    app = FastAPI(
        title="agentcore", version=__version__, docs_url=None, redoc_url=None, redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,  # the Agent Protocol's operationIds
    )  # fmt: skip
    app.state.service = service
    app.state.closing = asyncio.Event()
    for noun in (health, agents, threads, runs, deliveries, approvals, schedules, store, events):
        app.include_router(noun.routes)
    # JSON may escape each character of an input as \uXXXX: three bytes for one of its UTF-8.
    app.add_middleware(BodyLimit, most=3 * service.settings.input_bytes + _SPARE)
    problems.install(app)
    return app
