"""Server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from agentcore.api.problems import describe
from agentcore.errors import AgentCoreError
from agentcore.events import PublicEvent

Gone = Callable[[], object]
log = logging.getLogger("agentcore.api")
HEARTBEAT = 15.0  # seconds of silence: proxies and load balancers close what is silent for 30 to 60
_RETRY = b"retry: 1000\n\n"
_BEAT = b":\n\n"
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


dumps = json.JSONEncoder(separators=(",", ":"), default=_plain).encode


def encode(event: str, data: Mapping[str, Any], *, id: str = "") -> bytes:
    """One event. JSON has no line breaks of its own, so the data is one line."""
    lead = f"id: {id}\n" if id else ""
    return f"{lead}event: {event}\ndata: {dumps(data)}\n\n".encode()


def respond(
    events: AsyncIterator[PublicEvent], closing: asyncio.Event, *, first: bytes = b"",
    headers: Mapping[str, str] | None = None, gone: Gone | None = None,
) -> Response:  # fmt: skip
    """Stream events until they end, the client goes, or the server shuts down (the client comes back with its id).

    `gone` is called when it is the client that went, before the events ended.
    """

    async def encoded() -> AsyncIterator[bytes]:
        async for event in events:
            yield encode(event.type, event.data, id=event.id)

    return EventStream(encoded(), events, closing, first=first, headers=headers, gone=gone)


class EventStream(Response):
    """A response whose body comes in chunks, each sent as it is there. It is not read ahead: a client that does not
    read stops the reading of `chunks`, and that costs nobody else anything."""

    media_type = "text/event-stream"

    def __init__(
        self, chunks: AsyncIterator[bytes], source: Any, closing: asyncio.Event, *, first: bytes = b"",
        headers: Mapping[str, str] | None = None, gone: Gone | None = None,
    ) -> None:  # fmt: skip
        super().__init__(None, headers={**_HEADERS, **(headers or {})})
        del self.headers["content-length"]
        self._chunks, self._source, self._closing = chunks, source, closing
        self._first, self._gone = _RETRY + first, gone
        self._silent = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        await send(_chunk(self._first))
        writing = asyncio.create_task(self._write(send))
        left = asyncio.create_task(disconnected(receive))
        beating = asyncio.create_task(self._beat(send))  # until the server closes
        try:
            await asyncio.wait((writing, left, beating), return_when=asyncio.FIRST_COMPLETED)
            went = left.done() and not writing.done()
        finally:
            await stop(writing, left, beating)
            for one in (self._chunks, self._source):
                if close := getattr(one, "aclose", None):
                    await close()
        if went and self._gone is not None:
            self._gone()
        if not went:
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _write(self, send: Send) -> None:
        try:
            async for chunk in self._chunks:
                self._silent = False
                await send(_chunk(chunk))
        except Exception as error:
            await send(_chunk(_failure(error)))

    async def _beat(self, send: Send) -> None:
        while not self._closing.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(HEARTBEAT / 2):
                    await self._closing.wait()
            if self._silent and not self._closing.is_set():
                await send(_chunk(_BEAT))
            self._silent = True


async def disconnected(receive: Receive) -> None:
    """Return when the client has gone."""
    while (await receive())["type"] not in ("http.disconnect", "websocket.disconnect"):
        pass


async def stop(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks, and return when they have ended."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _chunk(body: bytes) -> dict[str, Any]:
    return {"type": "http.response.body", "body": body, "more_body": True}


def _failure(error: Exception) -> bytes:
    """The stream has begun, so no status can tell: an event does (not `error`, which EventSource keeps for itself)."""
    if isinstance(error, AgentCoreError):
        return encode("problem", describe(error))
    log.error("a stream failed", exc_info=error)
    return encode("problem", {"code": "internal", "message": "The stream failed here. Come back with Last-Event-ID."})
