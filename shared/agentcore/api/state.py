"""A thread's state for the streaming protocol: its values, with its messages among them."""

from __future__ import annotations

from typing import Any

from agentcore.api.messages import message_of
from agentcore.records import Checkpoint
from agentcore.service import Service

_MOST = 1000  # of the newest messages


async def values(
    verbs: Service, tenant: str, thread_id: str, *, upto: int | None = None
) -> tuple[dict[str, Any], Checkpoint | None]:
    """The state after the run at a position (none: now), and the checkpoint that has it. NotFound."""
    last = await verbs.store.checkpoint_at(tenant, thread_id, upto)
    if last is None:
        found = await verbs.store.items(tenant, thread_id, end=_MOST)
        return {"messages": [message_of(item.data) for item in found]}, None
    items = await verbs.store.items(tenant, thread_id, start=max(last.start, last.end - _MOST), end=last.end)
    return {**last.values, "messages": [message_of(item.data) for item in items]}, last
