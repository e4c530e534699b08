"""Local MCP servers: connected when a run first needs them, once each, and closed when no run can need them again."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Callable, Iterable
from contextvars import Context
from typing import Any
from weakref import WeakKeyDictionary

from agents import UserError
from agents.mcp import MCPServer, MCPServerManager
from anyio import BrokenResourceError, ClosedResourceError
from mcp.types import CONNECTION_CLOSED

from agentcore.errors import Transient

log = logging.getLogger("agentcore.mcp")


class ServerLost(Transient, UserError):
    """A server cannot be reached: the run is tried again. Also a UserError, which alone leaves the SDK unchanged."""


class Servers:
    """The MCP servers that this process has connected, for one event loop. Others' connections are left alone."""

    def __init__(self, *, connect_seconds: float, close_seconds: float) -> None:
        self._connect_seconds, self._close_seconds = connect_seconds, close_seconds
        # A server is known by its object. Its connection is owned by a task of the manager's, as it must be left in
        # the task that entered it.
        self._managers: dict[MCPServer, MCPServerManager] = {}
        self._lost: set[MCPServer] = set()
        self._locks: WeakKeyDictionary[MCPServer, asyncio.Lock] = WeakKeyDictionary()
        self._slices: WeakKeyDictionary[MCPServer, int] = WeakKeyDictionary()  # how many have brought it
        self._single: set[MCPServer] = set()  # what the slice that ended last has brought, and no other yet

    async def connect(self, brought: set[MCPServer], servers: Iterable[MCPServer]) -> None:
        """Return once they are connected, again where a connection was lost. Raises Transient where that fails.

        `brought` notes those of a slice, for `leave`.
        """
        for server in servers:
            if server not in brought:
                brought.add(server)
                self._slices[server] = self._slices.get(server, 0) + 1
            async with self._lock(server):
                await self._connect(server)

    async def leave(self, brought: set[MCPServer]) -> None:
        """Close what was made for one slice: a function that makes its agent anew makes such servers each time.

        They look like those that a module keeps, until another slice has ended without them. So that is awaited.
        """
        over, self._single = self._single - brought, {one for one in brought if self._slices[one] == 1}
        await asyncio.gather(*(self._close_single(server) for server in over))

    async def _close_single(self, server: MCPServer) -> None:
        async with self._lock(server):
            if self._slices[server] == 1:
                await self._close(server)

    def _lock(self, server: MCPServer) -> asyncio.Lock:
        return self._locks.setdefault(server, asyncio.Lock())

    async def _connect(self, server: MCPServer) -> None:
        if server in self._lost:
            await self._close(server)
        if server in self._managers or getattr(server, "session", None) is not None:
            return
        manager = MCPServerManager(
            [server], strict=True, connect_in_parallel=True, connect_timeout_seconds=self._connect_seconds,
            cleanup_timeout_seconds=self._close_seconds,
        )  # fmt: skip
        self._managers[server] = manager
        try:
            # In a context of its own: what the connection does is part of no run.
            await asyncio.create_task(manager.connect_all(), context=Context())
        except BaseException as error:
            self._lost.add(server)  # it is cleaned up before the next attempt
            if not isinstance(error, Exception):
                raise
            raise ServerLost(
                f"MCP server {server.name!r} cannot be reached: {error or type(error).__name__}"
            ) from error
        server.list_tools = self._watched(server, server.list_tools)  # type: ignore[method-assign]
        server.call_tool = self._watched(server, server.call_tool)  # type: ignore[method-assign]

    def _watched(self, server: MCPServer, verb: Callable[..., Any]) -> Callable[..., Any]:
        """Notice that the connection is closed. Whether a call has happened is unknown then, as after a crash."""
        if hasattr(verb, "__wrapped__"):
            return verb

        @functools.wraps(verb)
        async def watched(*args: Any, **kwargs: Any) -> Any:
            try:
                return await verb(*args, **kwargs)
            except Exception as error:
                if not _closed(error):
                    raise
                self._lost.add(server)
                raise ServerLost(f"MCP server {server.name!r} has closed its connection.") from error

        return watched

    async def _close(self, server: MCPServer) -> None:
        self._lost.discard(server)
        manager = self._managers.pop(server, None)
        if manager is not None:
            try:
                await manager.cleanup_all()
            except Exception:
                log.warning("MCP server %r was not closed in order", server.name, exc_info=True)

    async def close(self) -> None:
        """Close all that were connected here."""
        await asyncio.gather(*(self._close(server) for server in list(self._managers)))


def _closed(error: Exception) -> bool:
    """Whether the connection is gone. The code alone may also be a server's own for any error (JSON-RPC 2.0, 5.1)."""
    said = getattr(error, "error", None)
    told = getattr(said, "code", None) == CONNECTION_CLOSED and getattr(said, "message", "") == "Connection closed"
    return told or isinstance(error, (ClosedResourceError, BrokenResourceError))
