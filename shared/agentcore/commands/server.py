"""The HTTP server, inside a process that has other things to do as well."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from agentcore.api import create_app
from agentcore.api.limits import LocalHost
from agentcore.errors import Misconfigured
from agentcore.service import Service
from agentcore.settings import Settings


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # signals are the command's business


def listen(settings: Settings) -> socket.socket:
    """A listening socket, so that what is printed is true and port 0 works. Misconfigured when it cannot be had."""
    where = f"{settings.host}:{settings.port}"
    try:
        family = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((settings.host, settings.port), family=family, backlog=2048)
    except OSError as error:
        raise Misconfigured(
            f"Cannot listen on {where}: {error.strerror or error}. Choose another with --port or AGENTCORE_PORT.",
            setting="AGENTCORE_PORT",
        ) from error


def address(listening: socket.socket) -> str:
    """The URL at which that socket answers."""
    host, port = listening.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - a name to show, nothing is bound
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def loopback(listening: socket.socket) -> bool:
    """Whether only this machine can reach it."""
    return ipaddress.ip_address(listening.getsockname()[0].partition("%")[0]).is_loopback


async def answer(service: Service, listening: socket.socket, stop: asyncio.Event) -> None:
    """Serve until told to stop; then streams end (their clients come back elsewhere) and answers are finished."""
    app = create_app(service)
    if loopback(listening) and not service.settings.allow_unauthenticated:
        app.add_middleware(LocalHost)
    patience = max(1, round(service.settings.deadline_margin))
    config = uvicorn.Config(
        app, lifespan="off", access_log=False, log_config=None, server_header=False, timeout_graceful_shutdown=patience
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    told = asyncio.create_task(stop.wait())
    await asyncio.wait((serving, told), return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    app.state.closing.set()
    server.should_exit = True
    await serving
