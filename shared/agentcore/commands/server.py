"""The HTTP server, inside a process that has other things to do as well."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import uvicorn

from agentcore import auth
from agentcore.api import create_app, headers
from agentcore.api.limits import LocalHost
from agentcore.commands.protocol import Bounded
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
        listening = socket.create_server((settings.host, settings.port), family=family, backlog=2048)
    except OSError as error:
        raise Misconfigured(
            f"Cannot listen on {where}: {error.strerror or error}. Choose another with --port or AGENTCORE_PORT.",
            setting="AGENTCORE_PORT",
        ) from error
    # asyncio does this only where it makes the socket. Else an answer's body waits 40 ms for its headers to be
    # acknowledged, on each request of a connection that is kept open.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def address(listening: socket.socket) -> str:
    """The URL at which that socket answers."""
    host, port = listening.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - a name to show, nothing is bound
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def loopback(listening: socket.socket) -> bool:
    """Whether only this machine can reach it."""
    return ipaddress.ip_address(listening.getsockname()[0].partition("%")[0]).is_loopback


def guarded(settings: Settings, listening: socket.socket, *, local: str = "") -> Settings:
    """The settings with it decided how callers show who they are. Misconfigured where others could call unasked.

    `local` is what holds where AGENTCORE_AUTH says nothing and only this machine can call.
    """
    if not settings.auth and loopback(listening):
        settings = replace(settings, auth=local)
    if auth.methods(settings) or settings.allow_unauthenticated or loopback(listening):
        return settings
    raise Misconfigured(
        f"AGENTCORE_HOST={settings.host} is open to others, and AGENTCORE_AUTH=none asks nobody who they are. "
        "Unset AGENTCORE_AUTH, or listen on 127.0.0.1; or set AGENTCORE_ALLOW_UNAUTHENTICATED=true where something in "
        "front of it asks.",
        setting="AGENTCORE_AUTH",
    )


def asks(settings: Settings) -> str:
    """How callers show who they are, in a few words."""
    texts = {"keys": "API keys", "oidc": f"tokens of {settings.oidc_issuer}"}
    return " and ".join(text for method, text in texts.items() if method in auth.methods(settings)) or "nobody is asked"


async def answer(service: Service, listening: socket.socket, stop: asyncio.Event) -> None:
    """Serve until told to stop; then streams end (their clients come back elsewhere) and answers are finished."""
    app = create_app(service)
    settings = service.settings
    if loopback(listening) and not auth.methods(settings) and not settings.allow_unauthenticated:
        app.add_middleware(LocalHost, origins=headers.origins(settings))
    patience = max(1, round(settings.deadline_margin))
    config = uvicorn.Config(
        app, http=Bounded, lifespan="off", access_log=False, log_config=None, server_header=False,
        timeout_graceful_shutdown=patience,
    )  # fmt: skip
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    told = asyncio.create_task(stop.wait())
    await asyncio.wait((serving, told), return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    app.state.closing.set()
    server.should_exit = True
    await serving
