"""Runs: start, follow, stop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request, Response

from agentcore.api import sse, views
from agentcore.api.caller import Closing, Tenant, Verbs
from agentcore.api.run_create import IdempotencyKey, RunCreate, accept
from agentcore.events import Cursor, PublicEvent
from agentcore.records import Run, Status
from agentcore.service import Service

routes = APIRouter(prefix="/runs", tags=["Runs"])
Seconds = Annotated[float, Query(alias="timeout", ge=0, le=3600)]
After = Annotated[str | None, Query(max_length=50)]
LastEventID = Annotated[str | None, Header(alias="Last-Event-ID", max_length=50)]


@routes.post("")
async def create_run(body: RunCreate, tenant: Tenant, verbs: Verbs, key: IdempotencyKey = None) -> dict[str, Any]:
    """Take on a run; its state and events are read later."""
    return views.run(await accept(verbs, tenant, body, key))


@routes.post("/wait")
async def create_and_wait_run(
    body: RunCreate, tenant: Tenant, verbs: Verbs, closing: Closing, key: IdempotencyKey = None, seconds: Seconds = 60
) -> dict[str, Any]:
    """Take on a run; answer when it has ended, asks a person, sleeps, or `timeout` seconds have passed."""
    run = await accept(verbs, tenant, body, key, here=True, deltas=False)
    return await _waited(verbs, tenant, run.id, closing, seconds)


@routes.post("/stream")
async def create_and_stream_run(
    body: RunCreate, tenant: Tenant, verbs: Verbs, closing: Closing, key: IdempotencyKey = None
) -> Response:
    """Take on a run and stream its events. A client that goes away does not stop it."""
    run = await accept(verbs, tenant, body, key, here=True)
    first = sse.encode("run", views.run(run))
    headers = {"Location": f"/runs/{run.id}", "Content-Location": f"/runs/{run.id}/events"}
    return sse.respond(verbs.events(tenant, run.id), closing, first=first, headers=headers)


@routes.get("")
async def list_runs(
    tenant: Tenant, verbs: Verbs, thread_id: UUID | None = None, status: views.RunStatus | None = None,
    state: Status | None = None, agent_id: Annotated[str | None, Query(pattern=r"^[^\x00]{1,200}$")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 10, offset: Annotated[int, Query(ge=0, le=2**31)] = 0,
) -> list[dict[str, Any]]:  # fmt: skip
    """Runs, the newest first."""
    found = await verbs.store.runs(
        tenant, thread_id=str(thread_id) if thread_id else None, agent=agent_id, limit=limit, offset=offset,
        status=[state] if state else views.states_of(status),
    )  # fmt: skip
    return [views.run(run) for run in found]


@routes.get("/{run_id}")
async def get_run(run_id: UUID, tenant: Tenant, verbs: Verbs) -> dict[str, Any]:
    return views.run(await verbs.store.run(tenant, str(run_id)))


@routes.get("/{run_id}/wait")
async def wait_run(
    run_id: UUID, tenant: Tenant, verbs: Verbs, closing: Closing, seconds: Seconds = 60
) -> dict[str, Any]:
    """Answer when the run has ended, asks a person, sleeps, or `timeout` seconds have passed."""
    await verbs.store.run(tenant, str(run_id))
    return await _waited(verbs, tenant, str(run_id), closing, seconds)


@routes.get("/{run_id}/stream")
async def stream_run(run_id: UUID, tenant: Tenant, verbs: Verbs, closing: Closing) -> Response:
    """Stream what happens from now on. `events` has what happened before, too."""
    run = await verbs.store.run(tenant, str(run_id))
    return sse.respond(verbs.events(tenant, run.id, str(run.last_seq)), closing)


@routes.get("/{run_id}/events")
async def run_events(
    request: Request, run_id: UUID, tenant: Tenant, verbs: Verbs, closing: Closing, after: After = None,
    wait: Annotated[float, Query(ge=0, le=3600)] = 0, last: LastEventID = None,
) -> Any:  # fmt: skip
    """All events of a run after an id: as a stream, or with `Accept: application/json` as a (long) poll."""
    cursor = Cursor.parse(last or after)
    run = await verbs.store.run(tenant, str(run_id))
    accepts = request.headers.get("accept", "")
    if "application/json" in accepts and "text/event-stream" not in accepts:
        return await _polled(verbs, tenant, run.id, last or after, wait)
    if last and run.terminal and cursor.seq >= run.last_seq:
        return Response(status_code=204)  # nothing will come: tells an EventSource to stop coming back
    return sse.respond(verbs.events(tenant, run.id, last or after), closing)


@routes.post("/{run_id}/cancel", status_code=204)
async def cancel_run(
    run_id: UUID, tenant: Tenant, verbs: Verbs, closing: Closing, wait: bool = False, seconds: Seconds = 60,
    action: Literal["interrupt", "rollback"] = "interrupt",
) -> None:  # fmt: skip
    """Stop a run: keep its work (interrupt) or drop it (rollback). With `wait`, answer when it has stopped."""
    run = await verbs.cancel(tenant, str(run_id), action)
    if wait and not run.terminal:
        await _ended(verbs.events(tenant, run.id), closing, seconds)


@routes.post("/{run_id}/redrive")
async def redrive_run(run_id: UUID, tenant: Tenant, verbs: Verbs) -> dict[str, Any]:
    """Start a failed, cancelled or expired run again, from where its journal ends. The answer is the new run."""
    return views.run(await verbs.redrive(tenant, str(run_id)))


async def _waited(verbs: Service, tenant: str, run_id: str, closing: asyncio.Event, seconds: float) -> dict[str, Any]:
    waiting = asyncio.ensure_future(verbs.wait(tenant, run_id, seconds))
    await _first(waiting, closing)
    run: Run = waiting.result() if waiting.done() and not waiting.cancelled() else await verbs.store.run(tenant, run_id)
    asked = await verbs.store.questions(tenant, run_id=run_id) if run.status == "waiting" else []
    return views.waited(run, asked)


async def _ended(events: AsyncIterator[PublicEvent], closing: asyncio.Event, seconds: float) -> None:
    async def read() -> None:
        async for _ in events:
            pass

    await _first(asyncio.ensure_future(asyncio.wait_for(read(), seconds)), closing)


async def _first(waiting: asyncio.Future[Any], closing: asyncio.Event) -> None:
    """Wait for it, but no longer than this server lives."""
    over = asyncio.ensure_future(closing.wait())
    try:
        await asyncio.wait((waiting, over), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in (waiting, over):
            one.cancel()
        await asyncio.gather(waiting, over, return_exceptions=True)


async def _polled(verbs: Service, tenant: str, run_id: str, after: str | None, wait: float) -> dict[str, Any]:
    run, events = await verbs.poll(tenant, run_id, after, seconds=wait)
    found = [{"id": e.id, "type": e.type, "data": e.data} for e in events]
    return {"run": views.run(run), "events": found, "after": events[-1].id if events else after}
