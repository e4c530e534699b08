"""Rows that a transaction has locked. The order is: thread, then run, then the rest; lock first, read afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, delete, insert, null, select, update

from agentcore.errors import LeaseLost
from agentcore.ids import delivery_id
from agentcore.records import STEPS, Entry, Lease, Run, Thread
from agentcore.store.columns import later, now
from agentcore.store.database import Tx
from agentcore.store.rows import RUN, THREAD, to_run, to_thread
from agentcore.store.tables import delivery, entry, item, question, run, subscription, thread

# SQLite ignores "for update": its transactions have the whole database locked from the start.
_LOCK_THREAD = select(*THREAD).where(thread.c.id == bindparam("id")).with_for_update(key_share=True)
_LOCK_RUN = select(*RUN, run.c.step_seq, now().label("clock")).where(run.c.id == bindparam("id"))
_LOCK_RUN = _LOCK_RUN.with_for_update(key_share=True, of=run)
_THREAD_OF = select(run.c.thread_id).where(run.c.id == bindparam("id"))

_RUN = update(run).where(run.c.id == bindparam("the_run"))
_RUN_DUE = _RUN.values(wake_at=later("wait"))
_RUN_END = _RUN.values(wake_at=null())
_THREAD = update(thread).where(thread.c.id == bindparam("the_thread")).values(updated_at=now())

_KEYS = select(entry.c.key).where(entry.c.run_id == bindparam("id"), entry.c.key.in_(bindparam("keys", expanding=True)))
_INSERT = insert(entry)
_SUCCESSOR = (
    select(run.c.id)
    .where(run.c.thread_id == bindparam("id"), run.c.position > bindparam("after"), run.c.status == "queued")
    .order_by(run.c.position)
    .limit(1)
)
_WITHDRAW = update(question).where(question.c.run_id == bindparam("the_run"), question.c.status == "pending")
_WITHDRAW = _WITHDRAW.values(status="withdrawn", decided_at=now())
_UNSUBSCRIBE = delete(subscription).where(subscription.c.run_id == bindparam("id"))
_ITEMS = insert(item)
_TELL = insert(delivery).values(status="pending", attempts=0, tries=0, due_at=now(), created_at=now())


class Held:
    """A run whose row this transaction has locked."""

    def __init__(self, tx: Tx, row: Row[Any]) -> None:
        self.tx = tx
        self.run: Run = to_run(row)
        self.clock: datetime = row.clock
        self._step_seq: int = row.step_seq

    @property
    def progressed(self) -> bool:
        """Whether a step was added since the last claim."""
        return self._step_seq > self.run.claimed_seq

    async def write(self, entries: Sequence[Entry]) -> tuple[Entry, ...]:
        """Append to the journal what it does not have yet; those that are new. `save` must follow."""
        if not entries:
            return ()
        known = {row.key for row in await self.tx.all(_KEYS, id=self.run.id, keys=[e.key for e in entries])}
        first = {e.key: e for e in reversed(entries)}  # of a key that comes twice, its first entry
        fresh = [e for e in entries if e.key not in known and first[e.key] is e]
        fresh = [replace(e, seq=self.run.last_seq + n) for n, e in enumerate(fresh, 1)]
        about = {"run_id": self.run.id, "tenant": self.run.tenant, "created_at": self.clock}
        await self.tx.run(
            _INSERT, [{**about, "seq": e.seq, "key": e.key, "kind": e.kind, "data": e.data} for e in fresh]
        )
        if fresh:
            self.run = replace(self.run, last_seq=fresh[-1].seq)
        if any(e.kind in STEPS for e in fresh):
            self._step_seq = self.run.last_seq
        return tuple(fresh)

    async def save(self, **changes: Any) -> None:
        await self.tx.run(_RUN, self._params(changes))

    async def due(self, wait: float, **changes: Any) -> None:
        """Queue the run, to be looked at by then."""
        await self.tx.run(_RUN_DUE, self._params({"status": "queued", **changes, "wait": wait}))

    async def end(self, **changes: Any) -> None:
        """Make the run terminal, with what it asked of others and what its webhook is to be told."""
        await self.let_go()
        await self.tx.run(_RUN_END, self._params({**changes, "finished_at": self.clock}))
        if self.run.webhook is not None:
            about = {"id": delivery_id(self.run.id), "tenant": self.run.tenant, "run_id": self.run.id}
            await self.tx.run(_TELL, about)

    async def let_go(self) -> None:
        """Withdraw the run's questions and subscriptions."""
        await self.tx.run(_WITHDRAW, {"the_run": self.run.id})
        await self.unsubscribe()

    async def unsubscribe(self) -> None:
        await self.tx.run(_UNSUBSCRIBE, {"id": self.run.id})

    def _params(self, changes: dict[str, Any]) -> dict[str, Any]:
        return {**changes, "the_run": self.run.id, "last_seq": self.run.last_seq, "step_seq": self._step_seq}


async def lock_thread(tx: Tx, thread_id: str) -> Thread | None:
    row = await tx.first(_LOCK_THREAD, id=thread_id)
    return to_thread(row) if row else None


async def lock_thread_of(tx: Tx, run_id: str) -> Thread | None:
    """Lock the thread of a run; None where there is no such run."""
    row = await tx.first(_THREAD_OF, id=run_id)
    return await lock_thread(tx, row.thread_id) if row else None


async def lock_run(tx: Tx, run_id: str) -> Held | None:
    row = await tx.first(_LOCK_RUN, id=run_id)
    return Held(tx, row) if row else None


async def lock_leased(tx: Tx, lease: Lease) -> Held:
    """Lock the run that a worker has claimed. LeaseLost."""
    held = await lock_run(tx, lease.run_id)
    if held is None or held.run.fence != lease.fence or held.run.status != "running":
        raise lost(lease)
    return held


def lost(lease: Lease) -> LeaseLost:
    return LeaseLost(f"Run {lease.run_id} is no longer held with fence {lease.fence}.", run_id=lease.run_id)


async def save_thread(tx: Tx, thread_id: str, **changes: Any) -> None:
    await tx.run(_THREAD, {"the_thread": thread_id, **changes})


async def save_threads(tx: Tx, changes: Sequence[dict[str, Any]]) -> None:
    """The same to many; each of the changes names `the_thread`, and all change the same columns."""
    await tx.run(_THREAD, changes)


async def add_items(tx: Tx, held: Held, items: Sequence[Any], *, start: int) -> None:
    about = {"thread_id": held.run.thread_id, "tenant": held.run.tenant, "run_id": held.run.id}
    await tx.run(_ITEMS, [{**about, "position": n, "data": data} for n, data in enumerate(items, start)])


async def promote(
    tx: Tx, thread: Thread, after: int, *, item_count: int, redelivery: float, **changes: Any
) -> tuple[str, ...]:
    """Make the next queued run the head of its thread, whose lock is held; its id, to be sent."""
    row = await tx.first(_SUCCESSOR, id=thread.id, after=after)
    head_id = row.id if row else None
    await save_thread(tx, thread.id, head_id=head_id, item_count=item_count, **changes)
    if head_id is None:
        return ()
    due = {"the_run": head_id, "wait": redelivery, "history_end": item_count}
    await tx.run(_RUN_DUE, due)
    return (head_id,)
