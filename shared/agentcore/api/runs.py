"""Runs: start, follow, stop."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import Field
from starlette.responses import StreamingResponse

from agentcore.api import modes, schemas, sse, views, waiting
from agentcore.api.bodies import Body, Limit, Metadata, Offset, text_id
from agentcore.api.caller import Closing, Tenant, Verbs
from agentcore.api.run_create import IdempotencyKey, RunCreate, RunStream, accept
from agentcore.api.scopes import needs
from agentcore.events import Cursor
from agentcore.service import Service

routes = APIRouter(prefix="/runs", tags=["Runs"])
Seconds = Annotated[float, Query(alias="timeout", ge=0, le=3600)]
After = Annotated[str | None, Query(max_length=50)]
LastEventID = Annotated[str | None, Header(alias="Last-Event-ID", max_length=50)]


class RunSearchRequest(Body):
    metadata: Metadata = Field(default_factory=dict)
    status: schemas.RunStatus | None = None
    thread_id: UUID | None = None
    agent_id: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    limit: Limit = 10
    offset: Offset = 0


@routes.post("", **schemas.answers(schemas.Run, 404, 409))
@needs("runs:write")
async def create_run(body: RunStream, tenant: Tenant, verbs: Verbs, key: IdempotencyKey = None) -> dict[str, Any]:
    """Take on a run; its state and events are read later."""
    return views.run(await accept(verbs, tenant, body, key))


@routes.post("/wait", **schemas.answers(schemas.RunWait, 404, 409))
@needs("runs:write")
async def create_and_wait_run(
    request: Request, body: RunCreate, tenant: Tenant, verbs: Verbs, closing: Closing, key: IdempotencyKey = None,
    seconds: Seconds = 60,
) -> dict[str, Any]:  # fmt: skip
    """Take on a run; answer when it has ended, asks a person, sleeps, or `timeout` seconds have passed."""
    run = await accept(verbs, tenant, body, key, here=True, deltas=False)
    if body.on_disconnect == "cancel":
        return await waiting.waited(verbs, run, closing, seconds, request=request)
    return await waiting.waited(verbs, run, closing, seconds)


@routes.post(
    "/stream",
    response_class=StreamingResponse,
    responses={200: {"content": modes.DESCRIBED}, **schemas.refusals(404, 409)},
)
@needs("runs:write")
async def create_and_stream_run(
    request: Request, body: RunStream, tenant: Tenant, verbs: Verbs, closing: Closing, key: IdempotencyKey = None
) -> Response:
    """Take on a run and stream its events. A client that goes away does not stop it, unless `on_disconnect` says so."""
    run = await accept(verbs, tenant, body, key, here=True)
    first = sse.encode("run", views.run(run))
    headers = {"Location": f"/runs/{run.id}", "Content-Location": f"/runs/{run.id}/events"}
    events = modes.chosen(verbs.events(tenant, run.id), body.stream_mode)
    gone = partial(waiting.abandon, verbs, tenant, run.id) if body.on_disconnect == "cancel" else None
    if gone is not None and await request.is_disconnected():  # before there was a stream that could notice
        gone()
    return sse.respond(events, closing, first=first, headers=headers, gone=gone)


@routes.post("/search", **schemas.answers(list[schemas.Run], 404))
@needs("runs:read")
async def search_runs(body: RunSearchRequest, tenant: Tenant, verbs: Verbs) -> list[dict[str, Any]]:
    """Runs, the newest first. A thread or an agent that does not exist is not found."""
    found = await verbs.store.runs(
        tenant, thread_id=text_id(body.thread_id), agent=body.agent_id, metadata=body.metadata, limit=body.limit,
        offset=body.offset, status=views.states_of(body.status),
    )  # fmt: skip
    if not found and body.thread_id:
        await verbs.store.thread(tenant, str(body.thread_id))
    if not found and body.agent_id:
        verbs.registry.get(body.agent_id)
    return [views.run(run) for run in found]


@routes.get("/{run_id}", **schemas.answers(schemas.Run, 404))
@needs("runs:read")
async def get_run(run_id: UUID, tenant: Tenant, verbs: Verbs) -> dict[str, Any]:
    return views.run(await verbs.store.run(tenant, str(run_id)))


@routes.delete("/{run_id}", **schemas.nothing(404, 409))
@needs("runs:write")
async def delete_run(run_id: UUID, tenant: Tenant, verbs: Verbs) -> None:
    """Delete a run that has ended, with its journal. What was said stays in its thread."""
    await verbs.store.delete_run(tenant, str(run_id))


@routes.get("/{run_id}/wait", **schemas.answers(schemas.RunWait, 404))
@needs("runs:read")
async def wait_run(
    run_id: UUID, tenant: Tenant, verbs: Verbs, closing: Closing, seconds: Seconds = 60
) -> dict[str, Any]:
    """Answer when the run has ended, asks a person, sleeps, or `timeout` seconds have passed."""
    run = await verbs.store.run(tenant, str(run_id))
    return await waiting.waited(verbs, run, closing, seconds)


@routes.get(
    "/{run_id}/stream",
    response_class=StreamingResponse,
    responses={200: {"content": modes.DESCRIBED}, **schemas.refusals(404)},
)
@needs("runs:read")
async def stream_run(run_id: UUID, tenant: Tenant, verbs: Verbs, closing: Closing) -> Response:
    """Stream what happens from now on. `events` has what happened before, too."""
    run = await verbs.store.run(tenant, str(run_id))
    return sse.respond(verbs.events(tenant, run.id, str(run.last_seq)), closing)


@routes.get(
    "/{run_id}/events",
    response_model=schemas.RunEvents,
    response_model_exclude_unset=True,
    responses={200: {"content": modes.DESCRIBED}, 204: {"description": modes.ALL}, **schemas.refusals(404)},
)
@needs("runs:read")
async def run_events(
    request: Request, run_id: UUID, tenant: Tenant, verbs: Verbs, closing: Closing, after: After = None,
    wait: Annotated[float, Query(ge=0, le=3600)] = 0, last: LastEventID = None,
) -> Any:  # fmt: skip
    """All events of a run after an id: as a stream, or with `Accept: application/json` as a (long) poll."""
    cursor = Cursor.parse(last or after)
    run = await verbs.store.run(tenant, str(run_id))
    if polls(request):
        return await _polled(verbs, tenant, run.id, last or after, wait)
    if last and run.terminal and cursor.seq >= run.last_seq:
        return Response(status_code=204)  # nothing will come: tells an EventSource to stop coming back
    return sse.respond(verbs.events(tenant, run.id, last or after), closing)


@routes.post("/{run_id}/cancel", **schemas.nothing(404, 409))
@needs("runs:write")
async def cancel_run(
    run_id: UUID, tenant: Tenant, verbs: Verbs, closing: Closing, wait: bool = False, seconds: Seconds = 60,
    action: Literal["interrupt", "rollback"] = "interrupt",
) -> None:  # fmt: skip
    """Stop a run: keep its work (interrupt) or drop it (rollback). With `wait`, answer when it has stopped."""
    run = await verbs.cancel(tenant, str(run_id), action)
    if wait and not run.terminal:
        await waiting.ended(verbs.events(tenant, run.id), closing, seconds)


@routes.post("/{run_id}/redrive", **schemas.answers(schemas.Run, 404, 409))
@needs("runs:write")
async def redrive_run(run_id: UUID, tenant: Tenant, verbs: Verbs) -> dict[str, Any]:
    """Start a failed, cancelled or expired run again, from where its journal ends. The answer is the new run."""
    return views.run(await verbs.redrive(tenant, str(run_id)))


def polls(request: Request) -> bool:
    """Whether a client wants to poll, where it could stream."""
    accepts = request.headers.get("accept", "")
    return "application/json" in accepts and "text/event-stream" not in accepts


async def _polled(verbs: Service, tenant: str, run_id: str, after: str | None, wait: float) -> dict[str, Any]:
    run, events = await verbs.poll(tenant, run_id, after, seconds=wait)
    found = [views.event(e) for e in events]
    return {"run": views.run(run), "events": found, "after": events[-1].id if events else after}
