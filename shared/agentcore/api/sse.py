"""Server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime
from typing import Any

from anyio import CancelScope
from starlette.responses import StreamingResponse

from agentcore.api.problems import describe
from agentcore.errors import AgentCoreError
from agentcore.events import PublicEvent

log = logging.getLogger("agentcore.api")
HEARTBEAT = 15.0  # seconds: proxies and load balancers close what is silent for 30 to 60
_RETRY = b"retry: 1000\n\n"
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def encode(event: str, data: Mapping[str, Any], *, id: str = "") -> bytes:
    """One event. JSON has no line breaks of its own, so the data is one line."""
    lead = f"id: {id}\n" if id else ""
    return f"{lead}event: {event}\ndata: {json.dumps(data, separators=(',', ':'), default=_plain)}\n\n".encode()


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def respond(
    events: AsyncIterator[PublicEvent], closing: asyncio.Event, *, first: bytes = b"",
    headers: Mapping[str, str] | None = None, gone: Callable[[], object] | None = None,
) -> StreamingResponse:  # fmt: skip
    """Stream events until they end, the client goes, or the server shuts down (the client comes back with its id).

    `gone` is called where it was the client that ended it.
    """
    body = _lines(events, closing, first, gone)
    return StreamingResponse(body, headers={**_HEADERS, **(headers or {})}, media_type="text/event-stream")


async def _lines(
    events: AsyncIterator[PublicEvent], closing: asyncio.Event, first: bytes, gone: Callable[[], object] | None
) -> AsyncIterator[bytes]:
    over = asyncio.ensure_future(closing.wait())
    coming: asyncio.Future[PublicEvent] | None = None
    left = True
    try:
        yield _RETRY + first
        while not closing.is_set():
            coming = coming or asyncio.ensure_future(anext(events))
            done, _ = await asyncio.wait((coming, over), timeout=HEARTBEAT, return_when=asyncio.FIRST_COMPLETED)
            if coming in done:
                event, coming = coming.result(), None
                yield encode(event.type, event.data, id=event.id)
            elif not done:
                yield b":\n\n"
        left = False
    except StopAsyncIteration:
        left = False
    except Exception as error:
        left = False
        yield _failure(error)
    finally:
        if left and gone is not None and not closing.is_set():
            gone()
        with CancelScope(shield=True):  # a client that went cancels every await of this response
            await _stop(over, coming, events)


async def _stop(over: asyncio.Future[Any], coming: asyncio.Future[Any] | None, events: AsyncIterator[Any]) -> None:
    pending = [over] if coming is None else [over, coming]
    for one in pending:
        one.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    if close := getattr(events, "aclose", None):
        await close()


def _failure(error: Exception) -> bytes:
    """The stream has begun, so no status can tell: an event does (not `error`, which EventSource keeps for itself)."""
    if isinstance(error, AgentCoreError):
        return encode("problem", describe(error))
    log.error("a stream failed", exc_info=error)
    return encode("problem", {"code": "internal", "message": "The stream failed here. Come back with Last-Event-ID."})
