"""Streams of threads: our own events of all their runs, and the Agent Protocol's (operations 20 to 22)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Request, Response, WebSocket
from starlette.responses import StreamingResponse

from agentcore.api import (
    commands,
    following,
    inputs,  # noqa: F401 - registers its commands
    modes,
    schemas,
    sse,
    trees,  # noqa: F401 - registers its commands
    views,
)
from agentcore.api.caller import Closing, Tenant, Verbs, principal
from agentcore.api.commands import Desk
from agentcore.api.following import Gate
from agentcore.api.frames import EventStreamRequest, Frame, Place, Since
from agentcore.api.problems import problem
from agentcore.api.runs import After, LastEventID, polls
from agentcore.api.scopes import needs
from agentcore.api.sockets import Command, Connection
from agentcore.auth import Principal
from agentcore.events import ThreadCursor

routes = APIRouter(prefix="/threads/{thread_id}", tags=["Streaming"])
_REPLAYED = {
    "description": "Each event as `event: METHOD`, with its `eventId` as `id:`.",
    "content": {"text/event-stream": {"schema": {"description": "Server-sent events of the Agent Protocol."}}},
}
Who = Annotated[Principal, Depends(principal)]
LastFrame = Annotated[str | None, Header(alias="Last-Event-ID", max_length=100)]


@routes.get(
    "/events",
    response_model=schemas.Events,
    response_model_exclude_unset=True,
    responses={200: {"content": modes.DESCRIBED}, **schemas.refusals(404)},
)
@needs("threads:read")
async def thread_events(
    request: Request, thread_id: UUID, tenant: Tenant, verbs: Verbs, closing: Closing, after: After = None,
    wait: Annotated[float, Query(ge=0, le=3600)] = 0, last: LastEventID = None,
) -> Any:  # fmt: skip
    """All events of all runs of a thread after an id, and those to come: as a stream, or with
    `Accept: application/json` as a (long) poll."""
    ThreadCursor.parse(last or after)
    thread = await verbs.store.thread(tenant, str(thread_id))
    if polls(request):
        events = await verbs.thread_poll(tenant, thread.id, last or after, seconds=wait)
        return {"events": [views.event(e) for e in events], "after": events[-1].id if events else last or after}
    return sse.respond(verbs.thread_events(tenant, thread.id, last or after), closing)


@routes.post("/stream", response_class=StreamingResponse, responses={200: _REPLAYED, **schemas.refusals(404)})
@needs("threads:read")
async def open_thread_sse_stream(
    thread_id: UUID, body: EventStreamRequest, tenant: Tenant, verbs: Verbs, closing: Closing, last: LastFrame = None
) -> Response:
    """Stream the events of some channels: after `since` (or exactly after `Last-Event-ID`), else from the start of the
    run at work, or of the last one. The stream goes on over runs; closing it unsubscribes."""
    id = str(thread_id)
    since = await following.current(verbs, tenant, id)  # NotFound
    if last:
        since = Since(place=Place.parse(last))
    elif body.since is not None:
        since = Since(seq=body.since)
    gate = Gate(body, since)
    frames = following.follow(verbs, tenant, id, since, gate.passes)

    async def encoded() -> AsyncIterator[bytes]:
        if gate.begins():
            yield _encoded(await following.snapshot(verbs, tenant, id))
        async for frame in frames:
            yield _encoded(frame)

    return sse.EventStream(encoded(), frames, closing)


@routes.get("/stream", status_code=426, responses={101: {"description": "A WebSocket."}, **schemas.refusals(404, 426)})
@needs("threads:read")
async def open_thread_websocket_stream(thread_id: UUID, tenant: Tenant, verbs: Verbs) -> Response:
    """Open a WebSocket here: commands (also `subscription.*`) go in, their answers and events come out."""
    await verbs.store.thread(tenant, str(thread_id))
    text = "This is a WebSocket: ask for an upgrade. POST to the same path for server-sent events."
    return problem(426, text, code="upgrade_required", headers={"Upgrade": "websocket"})


@routes.websocket("/stream")
@needs("threads:read")
async def socket(websocket: WebSocket, thread_id: UUID, who: Who, verbs: Verbs, closing: Closing) -> None:
    """Each command in it also takes the scope of what it does."""
    await verbs.store.thread(who.tenant, str(thread_id))  # NotFound: instead of the handshake
    desk = Desk(verbs, who, str(thread_id), here=True)
    await Connection(websocket, desk, closing, verbs.settings.input_bytes * 3 + 65_536).serve()


@routes.post("/commands", **schemas.answers(schemas.CommandAnswer, 404))
@needs("threads:read")
async def send_thread_streaming_command(thread_id: UUID, body: Command, who: Who, verbs: Verbs) -> dict[str, Any]:
    """Send one command; it also takes the scope of what it does. `run.start` begins a thread that is not there yet;
    `subscription.*` need the WebSocket."""
    if body.method != "run.start":
        await verbs.store.thread(who.tenant, str(thread_id))
    desk = Desk(verbs, who, str(thread_id))
    return await commands.answer(desk, body.id, body.method, body.params)


def _encoded(frame: Frame) -> bytes:
    return sse.encode(frame.method, frame.envelope(), id=str(frame.place or ""))
