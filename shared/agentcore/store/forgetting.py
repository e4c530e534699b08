"""Threads and runs that are deleted, with everything they own."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, delete, exists, insert, select

from agentcore.errors import RunUnfinished, ThreadBusy
from agentcore.records import Thread
from agentcore.store.base import Verbs
from agentcore.store.columns import later, now
from agentcore.store.database import Tx
from agentcore.store.held import Held, lock_run, lock_thread, lock_thread_of, save_thread
from agentcore.store.reading import missing
from agentcore.store.states import timeline
from agentcore.store.tables import delivery, entry, item, question, revision, run, schedule, subscription, thread
from agentcore.store.threads import lock_there

_LOCK_RUNS = select(run.c.id).where(run.c.thread_id == bindparam("id")).order_by(run.c.position).with_for_update()
_ITS_RUNS = select(run.c.id).where(run.c.thread_id == bindparam("id")).scalar_subquery()
_OTHERS = select(run.c.id).where(run.c.thread_id == bindparam("id"), run.c.id != bindparam("the_run")).limit(1)
# Children first. What a run or a thread comes to own later belongs into these lists.
_RUNS_OWN = (entry, question, subscription, delivery)
OF_RUN = tuple(delete(table).where(table.c.run_id == bindparam("id")) for table in _RUNS_OWN)
OF_THREAD = (
    *(delete(table).where(table.c.run_id.in_(_ITS_RUNS)) for table in _RUNS_OWN),
    *(delete(table).where(table.c.thread_id == bindparam("id")) for table in (schedule, item, revision, run)),
    delete(thread).where(thread.c.id == bindparam("id")),
)
_DELETE_RUN = delete(run).where(run.c.id == bindparam("id"))
_KEEP = insert(revision).values(created_at=now())
_UNTOLD = exists().where(
    run.c.thread_id == thread.c.id, run.c.webhook.is_not(None), delivery.c.run_id == run.c.id,
    delivery.c.due_at.is_not(None),
).correlate(thread)  # fmt: skip
_GONE = (
    select(thread.c.id)
    .where(thread.c.deleted_at.is_not(None), thread.c.deleted_at <= later("age"), ~_UNTOLD)
    .order_by(thread.c.deleted_at)
    .limit(bindparam("limit"))
)


class Forgetting(Verbs):
    async def delete_thread(self, tenant: str, thread_id: str) -> None:
        async def work(tx: Tx) -> None:
            if tx.repeat and await lock_thread(tx, thread_id) is None:
                return  # it was deleted, and the answer got lost
            found = await lock_there(tx, tenant, thread_id)
            if found.head_id is not None:
                raise ThreadBusy(f"Run {found.head_id} of this thread is unfinished. Cancel it.", run_id=found.head_id)
            await purge(tx, thread_id)

        await self.database.transaction(work)

    async def delete_run(self, tenant: str, run_id: str) -> None:
        async def work(tx: Tx) -> None:
            of = await lock_thread_of(tx, run_id)
            held = await lock_run(tx, run_id) if of else None
            if of is None or held is None or held.run.tenant != tenant:
                if tx.repeat:
                    return
                raise missing(run_id)
            if not held.run.terminal:
                raise RunUnfinished(f"Run {run_id} is {held.run.status}. Cancel it first.", run_id=run_id)
            if of.deleted_at is not None and not await tx.first(_OTHERS, id=of.id, the_run=run_id):
                await purge(tx, of.id)
                return
            await _keep_checkpoint(tx, of, held)
            for statement in (*OF_RUN, _DELETE_RUN):
                await tx.run(statement, {"id": run_id})

        await self.database.transaction(work)

    async def purge_deleted(self, *, after: float, limit: int) -> int:
        rows = await self.database.fetch(_GONE, {"age": -after, "limit": limit})
        for row in rows:
            await self.database.transaction(lambda tx, id=row.id: _purge_deleted(tx, id))  # type: ignore[misc]
        return len(rows)


async def purge(tx: Tx, thread_id: str) -> None:
    """Delete a thread, whose lock is held, with all it owns."""
    await tx.all(_LOCK_RUNS, id=thread_id)
    for statement in OF_THREAD:
        await tx.run(statement, {"id": thread_id})


async def _purge_deleted(tx: Tx, thread_id: str) -> None:
    found = await lock_thread(tx, thread_id)
    if found is not None and found.deleted_at is not None:  # a redrive may have taken it back
        await purge(tx, thread_id)


async def _keep_checkpoint(tx: Tx, of: Thread, held: Held) -> None:
    """What was said stays in the thread, and with it the checkpoint that the run was."""
    found = await timeline(tx, of, upto=held.run.position, limit=1)
    if not found or found[0].position != held.run.position:
        return  # it left nothing
    one = found[0]
    about: dict[str, Any] = {"thread_id": of.id, "position": one.position, "id": held.run.id, "tenant": of.tenant}
    kept = {"begin": one.begin, "start": one.start, "end": one.end, "state": dict(one.values), "source": "run"}
    await tx.run(_KEEP, {**about, **kept})
    if one.position > (of.revision or 0):
        await save_thread(tx, of.id, state=dict(one.values), revision=one.position)
