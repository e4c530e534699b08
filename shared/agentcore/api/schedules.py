"""Schedules: alarm clocks that start runs."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field

from agentcore.api import schemas, views
from agentcore.api.bodies import Body, Metadata, text_id
from agentcore.api.caller import Tenant, Verbs
from agentcore.api.messages import run_input
from agentcore.api.run_create import IdempotencyKey
from agentcore.api.scopes import needs
from agentcore.records import Misfire, Overlap
from agentcore.schedules import new_schedule
from agentcore.service import Service

routes = APIRouter(prefix="/schedules", tags=["Schedules"])


AgentId = Annotated[str, Field(min_length=1, max_length=200)]
Name = Annotated[str, Field(max_length=200)]
Zone = Annotated[str, Field(max_length=100)]


class ScheduleCreate(Body):
    agent_id: AgentId
    input: Any
    name: Name = ""
    thread_id: UUID | None = None  # none: each ring begins a new one
    due_at: Annotated[str, Field(max_length=100)] | None = None  # ISO 8601, or a duration such as 2h or 3d
    cron: Annotated[str, Field(max_length=200)] | None = None
    timezone: Zone = "UTC"
    overlap: Overlap = "queue"
    misfire: Misfire = "once"
    metadata: Metadata = Field(default_factory=dict)


class ScheduleChange(Body):
    """What is given is changed; null takes a thread or a cron away (then it rings once, at its time)."""

    agent_id: AgentId = Field(default_factory=str)  # no default that clients would be told: it is none they may send
    input: Any = None
    name: Name = ""
    thread_id: UUID | None = None
    due_at: Annotated[str, Field(max_length=100)] = ""
    cron: Annotated[str, Field(max_length=200)] | None = None
    timezone: Zone = ""
    overlap: Overlap = "queue"
    misfire: Misfire = "once"
    metadata: Metadata = Field(default_factory=dict)
    enabled: bool = True

    def changes(self) -> dict[str, Any]:
        """Of what was given, as `schedules.changed` has it."""
        given = self.model_dump(exclude_unset=True)
        if "input" in given:
            given["input"] = run_input(given["input"], None)
        if "thread_id" in given:
            given["thread_id"] = text_id(given["thread_id"])
        return {{"agent_id": "agent", "due_at": "due"}.get(name, name): value for name, value in given.items()}


@routes.post("", **schemas.answers(schemas.Schedule, 404))
@needs("schedules:write")
async def create_schedule(body: ScheduleCreate, tenant: Tenant, verbs: Verbs) -> dict[str, Any]:
    """Set an alarm clock: once at `due_at`, or by `cron`."""
    await _check_thread(body.thread_id, tenant, verbs)
    made = new_schedule(
        verbs.settings, await verbs.store.now(), tenant=tenant, agent=body.agent_id,
        input=run_input(body.input, None), name=body.name, due=body.due_at, cron=body.cron, timezone=body.timezone,
        thread_id=text_id(body.thread_id), overlap=body.overlap, misfire=body.misfire, metadata=body.metadata,
    )  # fmt: skip
    return views.schedule(await verbs.put_schedule(made))


@routes.get("", **schemas.answers(list[schemas.Schedule]))
@needs("schedules:read")
async def list_schedules(
    tenant: Tenant, verbs: Verbs, thread_id: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 50, offset: Annotated[int, Query(ge=0, le=2**31)] = 0,
) -> list[dict[str, Any]]:  # fmt: skip
    found = await verbs.store.schedules(
        tenant, thread_id=str(thread_id) if thread_id else None, limit=limit, offset=offset
    )
    return [views.schedule(s) for s in found]


@routes.get("/{schedule_id}", **schemas.answers(schemas.Schedule, 404))
@needs("schedules:read")
async def get_schedule(schedule_id: UUID, tenant: Tenant, verbs: Verbs) -> dict[str, Any]:
    return views.schedule(await verbs.store.schedule(tenant, str(schedule_id)))


@routes.patch("/{schedule_id}", **schemas.answers(schemas.Schedule, 404, 409))
@needs("schedules:write")
async def change_schedule(
    schedule_id: UUID, body: ScheduleChange, tenant: Tenant, verbs: Verbs
) -> dict[str, Any]:  # fmt: skip
    """Change an alarm clock. Its next time is worked out anew when its times change, and else stays."""
    await _check_thread(body.thread_id, tenant, verbs)
    return views.schedule(await verbs.change_schedule(tenant, str(schedule_id), body.changes()))


@routes.post("/{schedule_id}/pause", **schemas.answers(schemas.Schedule, 404))
@needs("schedules:write")
async def pause_schedule(schedule_id: UUID, tenant: Tenant, verbs: Verbs) -> dict[str, Any]:
    """Let it be silent until it is resumed."""
    return views.schedule(await verbs.change_schedule(tenant, str(schedule_id), {"enabled": False}))


@routes.post("/{schedule_id}/resume", **schemas.answers(schemas.Schedule, 404))
@needs("schedules:write")
async def resume_schedule(schedule_id: UUID, tenant: Tenant, verbs: Verbs) -> dict[str, Any]:
    """Let it ring again: a cron at its next time, whatever it missed; one that rings once needs a time to come."""
    return views.schedule(await verbs.change_schedule(tenant, str(schedule_id), {"enabled": True}))


@routes.post("/{schedule_id}/run", **schemas.answers(schemas.Run, 404, 409))
@needs("schedules:write")
async def run_schedule(
    schedule_id: UUID, tenant: Tenant, verbs: Verbs, key: IdempotencyKey = None
) -> dict[str, Any]:  # fmt: skip
    """Start a run of it now, also when it is paused. The answer is the run; the schedule's next time stays."""
    return views.run(await verbs.ring_now(tenant, str(schedule_id), idempotency_key=key))


@routes.delete("/{schedule_id}", **schemas.nothing(404))
@needs("schedules:write")
async def delete_schedule(schedule_id: UUID, tenant: Tenant, verbs: Verbs) -> None:
    await verbs.store.delete_schedule(tenant, str(schedule_id))


async def _check_thread(thread_id: UUID | None, tenant: str, verbs: Service) -> None:
    """NotFound, be the thread another tenant's or nobody's: that one of them may be named would tell them apart."""
    if thread_id is not None:
        await verbs.store.thread(tenant, str(thread_id))
