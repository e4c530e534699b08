"""A small HTTP application to which a platform posts its messages, or the ticks of its clock."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from agentcore.api import problems
from agentcore.api.limits import BodyLimit
from agentcore.envelope import LARGEST
from agentcore.errors import AgentCoreError
from agentcore.hosts.resident import Resident
from agentcore.hosts.sigterm import on_sigterm


def posts(resident: Resident, handle: Callable[[Request], Awaitable[Response]]) -> Starlette:
    """An application that gives `handle` each POST to its root, and answers /healthz."""

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        await resident.opened()
        on_sigterm(resident.stop)
        yield
        await resident.close()

    routes = [Route("/", handle, methods=["POST"]), Route("/healthz", _healthz)]
    return Starlette(
        routes=routes, lifespan=lifespan, exception_handlers={AgentCoreError: _refused},
        middleware=[Middleware(BodyLimit, most=2 * LARGEST)],  # base64 makes four bytes of three
    )  # fmt: skip


async def _healthz(request: Request) -> Response:
    return Response(status_code=204)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, AgentCoreError)
    return problems.problem(error.status, error.message, code=error.code)
