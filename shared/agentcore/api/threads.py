"""Threads: conversations, and what was said in them."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field

from agentcore.api import views
from agentcore.api.bodies import Body, text_id
from agentcore.api.caller import Tenant, Verbs
from agentcore.errors import Conflict
from agentcore.records import Thread
from agentcore.service import Service

routes = APIRouter(prefix="/threads", tags=["Threads"])


class ThreadCreate(Body):
    thread_id: UUID | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)
    if_exists: Literal["raise", "do_nothing"] = "raise"


@routes.post("")
async def create_thread(tenant: Tenant, verbs: Verbs, body: ThreadCreate | None = None) -> dict[str, Any]:
    """Begin a conversation. The client may bring the id."""
    body = body or ThreadCreate()
    thread, new = await verbs.create_thread(tenant, thread_id=text_id(body.thread_id), metadata=body.metadata)
    if not new and body.if_exists == "raise":
        raise Conflict(f"The thread {thread.id} exists.", field="thread_id")
    return await _view(verbs, thread)


@routes.get("")
async def list_threads(
    tenant: Tenant, verbs: Verbs,
    limit: Annotated[int, Query(ge=1, le=1000)] = 10, offset: Annotated[int, Query(ge=0, le=2**31)] = 0,
) -> list[dict[str, Any]]:  # fmt: skip
    return [await _view(verbs, thread) for thread in await verbs.store.threads(tenant, limit=limit, offset=offset)]


@routes.get("/{thread_id}")
async def get_thread(thread_id: UUID, tenant: Tenant, verbs: Verbs) -> dict[str, Any]:
    return await _view(verbs, await verbs.store.thread(tenant, str(thread_id)))


@routes.get("/{thread_id}/items")
async def list_items(
    thread_id: UUID, tenant: Tenant, verbs: Verbs,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100, start: Annotated[int, Query(ge=0, le=2**31)] = 0,
) -> list[dict[str, Any]]:  # fmt: skip
    """The history by position, as the SDK's input items."""
    thread = await verbs.store.thread(tenant, str(thread_id))
    return [views.item(i) for i in await verbs.store.items(tenant, thread.id, start=start, end=start + limit)]


async def _view(verbs: Service, thread: Thread) -> dict[str, Any]:
    return views.thread(thread, await _status(verbs, thread))


async def _status(verbs: Service, thread: Thread) -> views.ThreadStatus:
    """Agent Protocol's status: that of the run at the front, or of how the last one ended."""
    if thread.head_id is not None:
        head = await verbs.store.run(thread.tenant, thread.head_id)
        return "interrupted" if head.status == "waiting" else "busy"
    last = await verbs.store.runs(thread.tenant, thread_id=thread.id, limit=1) if thread.next_position > 1 else []
    return "error" if last and last[0].status == "failed" else "idle"
