"""Threads: conversations, what was said in them, and what they were before."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from agentcore.api import schemas, views
from agentcore.api.bodies import Body, Limit, Metadata, Offset, text_id
from agentcore.api.caller import Tenant, Verbs
from agentcore.api.messages import items_of
from agentcore.api.pages import messages_of
from agentcore.api.scopes import needs
from agentcore.checkpoints import position_of
from agentcore.errors import Conflict, Invalid
from agentcore.records import State, ThreadStatus
from agentcore.service import Service

routes = APIRouter(prefix="/threads", tags=["Threads"])
_MESSAGES = 1000  # the newest of a thread's that are shown with it; `items` has all, page by page
Messages = Annotated[list[dict[str, Any]], Field(max_length=_MESSAGES)]


class ThreadCreate(Body):
    thread_id: UUID | None = None
    metadata: Metadata = Field(default_factory=dict)
    if_exists: Literal["raise", "do_nothing"] = "raise"


class ThreadSearchRequest(Body):
    metadata: Metadata = Field(default_factory=dict)
    values: Metadata = Field(default_factory=dict)
    status: ThreadStatus | None = None
    limit: Limit = 10
    offset: Offset = 0


class NamedCheckpoint(BaseModel):
    model_config = ConfigDict(extra="allow")  # so that what history showed can be given back as it is

    checkpoint_id: UUID


class ThreadPatch(Body):
    checkpoint: NamedCheckpoint | None = None
    metadata: Metadata | None = None
    values: dict[str, Any] | None = None
    messages: Messages | None = None

    def changes(self) -> tuple[dict[str, Any] | None, list[dict[str, Any]] | None]:
        """The values, and the messages as items: also those that came among the values."""
        values, messages, field = self.values, self.messages, "messages"
        if values is not None and "messages" in values:
            if messages is not None or not isinstance(values["messages"], list):
                raise Invalid("values.messages: it must be a list, and the only messages.", field="values.messages")
            messages, field = values["messages"], "values.messages"
            values = {name: value for name, value in values.items() if name != "messages"}
        return values, None if messages is None else items_of(messages, field)


@routes.post("", **schemas.answers(schemas.Thread, 409))
@needs("threads:write")
async def create_thread(body: ThreadCreate, tenant: Tenant, verbs: Verbs) -> dict[str, Any]:
    """Begin a conversation. The client may bring the id."""
    thread, new = await verbs.create_thread(tenant, thread_id=text_id(body.thread_id), metadata=body.metadata)
    if new or body.thread_id is None:  # an id of our own may be there already after a lost connection
        return views.thread(State(thread=thread, status="idle"))
    if body.if_exists == "raise":
        raise Conflict(f"The thread {thread.id} exists.", field="thread_id")
    return await _shown(verbs, tenant, thread.id)


@routes.post("/search", **schemas.answers(list[schemas.Thread]))
@needs("threads:read")
async def search_threads(body: ThreadSearchRequest, tenant: Tenant, verbs: Verbs) -> list[dict[str, Any]]:
    """Threads that contain this metadata and these values, the newest first."""
    found = await verbs.store.states(
        tenant, metadata=body.metadata, values=body.values, status=body.status, limit=body.limit, offset=body.offset,
        items=_MESSAGES,
    )  # fmt: skip
    return [views.thread(state) for state in found]


@routes.get("/{thread_id}", **schemas.answers(schemas.Thread, 404))
@needs("threads:read")
async def get_thread(thread_id: UUID, tenant: Tenant, verbs: Verbs) -> dict[str, Any]:
    return await _shown(verbs, tenant, str(thread_id))


@routes.patch("/{thread_id}", **schemas.answers(schemas.Thread, 404, 409))
@needs("threads:write")
async def patch_thread(thread_id: UUID, body: ThreadPatch, tenant: Tenant, verbs: Verbs) -> dict[str, Any]:
    """Merge metadata. Values and messages make a revision: on the newest state, or on that of `checkpoint`."""
    values, items = body.changes()
    await verbs.patch_thread(
        tenant, str(thread_id), metadata=body.metadata, values=values, items=items,
        checkpoint_id=text_id(body.checkpoint.checkpoint_id) if body.checkpoint else None,
    )  # fmt: skip
    return await _shown(verbs, tenant, str(thread_id))


@routes.delete("/{thread_id}", **schemas.nothing(404, 409))
@needs("threads:write")
async def delete_thread(thread_id: UUID, tenant: Tenant, verbs: Verbs) -> None:
    """Delete a thread with its runs, messages, questions and schedules. One that is busy is refused."""
    await verbs.store.delete_thread(tenant, str(thread_id))


@routes.post("/{thread_id}/copy", **schemas.answers(schemas.Thread, 404))
@needs("threads:write")
async def copy_thread(thread_id: UUID, tenant: Tenant, verbs: Verbs) -> dict[str, Any]:
    """A new thread with the same state and history. Its runs and schedules stay where they are."""
    copy = await verbs.copy_thread(tenant, str(thread_id))
    return await _shown(verbs, tenant, copy.id)


@routes.get("/{thread_id}/history", **schemas.answers(list[schemas.ThreadState], 404))
@needs("threads:read")
async def get_thread_history(
    thread_id: UUID, tenant: Tenant, verbs: Verbs, limit: Annotated[int, Query(ge=1, le=100)] = 10,
    before: UUID | None = None,
) -> list[dict[str, Any]]:  # fmt: skip
    """What the thread was after its runs and revisions, the newest first; `before` is a checkpoint's id."""
    position = None if before is None else position_of(str(thread_id), str(before))
    found = await verbs.store.checkpoints(tenant, str(thread_id), limit=limit, before=position)
    said = await messages_of(verbs.store, tenant, str(thread_id), found)
    return [views.checkpoint(str(thread_id), one, items) for one, items in zip(found, said, strict=True)]


@routes.get("/{thread_id}/items", **schemas.answers(list[schemas.HistoryItem], 404))
@needs("threads:read")
async def list_items(
    thread_id: UUID, tenant: Tenant, verbs: Verbs,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100, start: Annotated[int, Query(ge=0, le=2**31)] = 0,
) -> list[dict[str, Any]]:  # fmt: skip
    """All that was ever said by position, as the SDK's input items."""
    found = await verbs.store.items(tenant, str(thread_id), start=start, end=start + limit)
    return [views.item(i) for i in found]


async def _shown(verbs: Service, tenant: str, thread_id: str) -> dict[str, Any]:
    return views.thread(await verbs.store.state(tenant, thread_id, items=_MESSAGES))
