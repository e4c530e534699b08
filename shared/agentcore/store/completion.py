"""Whether a thread goes with the end of a run (`on_completion: delete`): nobody else may have use for it."""

from __future__ import annotations

from sqlalchemy import bindparam, exists, select

from agentcore.records import Run, Thread
from agentcore.store.database import Tx
from agentcore.store.tables import run, schedule, thread

FORGETS = run.c.request["on_completion"].as_string() == "delete"
RINGS = exists().where(
    schedule.c.tenant == thread.c.tenant, schedule.c.thread_id == thread.c.id, schedule.c.enabled
).correlate(thread)  # fmt: skip
_RINGS = select(thread.c.id).where(thread.c.id == bindparam("id"), RINGS)


async def forgets(tx: Tx, thread: Thread, ending: Run) -> bool:
    """Whether this run's end deletes its thread: no run was accepted behind it, and no schedule rings there."""
    last = thread.next_position == ending.position + 1
    if not last or (ending.request or {}).get("on_completion") != "delete":
        return False
    return await tx.first(_RINGS, id=thread.id) is None
