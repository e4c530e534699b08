"""What a worker does to the run it holds: claim, append, renew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, and_, bindparam, case, func, or_, select, update

from agentcore.errors import NotFound
from agentcore.records import Ack, Claim, Entry, Lease
from agentcore.store.base import Verbs
from agentcore.store.columns import later, now
from agentcore.store.database import Tx
from agentcore.store.held import lock_leased, lost
from agentcore.store.journal import read_claim
from agentcore.store.rows import RUN, to_run
from agentcore.store.tables import question, run

# Only the head of a thread has a wake_at. It is in the run's own row, so that the condition is checked again on the
# row as it is once its lock was waited for.
CLAIM = (
    update(run)
    .where(
        run.c.id == bindparam("the_run"),
        run.c.wake_at.is_not(None),
        or_(run.c.status == "queued", and_(run.c.status == "running", run.c.wake_at <= now())),
    )
    .values(
        status="running",
        fence=run.c.fence + 1,
        wake_at=later("lease"),
        started_at=func.coalesce(run.c.started_at, now()),
        claimed_seq=run.c.last_seq,
        # A dead worker's attempt: it failed unless it added a step. What a living one lets go of is counted then.
        failures=case(
            (run.c.status == "queued", run.c.failures),
            (run.c.step_seq > run.c.claimed_seq, 0),
            else_=run.c.failures + 1,
        ),
    )
    .returning(*RUN)
)
HOLDS = and_(run.c.id == bindparam("the_run"), run.c.fence == bindparam("the_fence"), run.c.status == "running")
_RENEW = (
    update(run)
    .where(HOLDS)
    .values(wake_at=later("lease"))
    .returning(run.c.last_seq, run.c.cancel_requested, now().label("at"))
)
_HELD = select(run.c.last_seq, run.c.cancel_requested, now().label("at")).where(HOLDS)

_OVERDUE = (
    select(question)
    .where(question.c.run_id == bindparam("id"), question.c.status == "pending", question.c.expires_at <= now())
    .order_by(question.c.created_at, question.c.id)
    .with_for_update()
)
EXPIRE = update(question).where(question.c.id == bindparam("the_question")).values(status="expired", decided_at=now())


class Working(Verbs):
    async def claim(self, run_id: str, *, lease: float, window: int) -> Claim | None:
        try:
            return await self._claim(run_id, lease, window)
        except NotFound:
            return None  # the message is not one of ours

    async def _claim(self, run_id: str, lease: float, window: int) -> Claim | None:
        async def work(tx: Tx) -> Claim | None:
            row = await tx.first(CLAIM, the_run=run_id, lease=lease)
            return await read_claim(tx, to_run(row), window) if row else None

        return await self.database.transaction(work)

    async def append(self, lease: Lease, entries: Sequence[Entry], *, renew: float | None = None) -> Ack:
        async def work(tx: Tx) -> Ack:
            held = await lock_leased(tx, lease)
            await held.write(entries)
            if renew is None:
                await held.save()
            else:
                await held.due(renew, status="running")
            return Ack(last_seq=held.run.last_seq, cancel_requested=held.run.cancel_requested, at=held.clock)

        return await self.database.transaction(work)

    async def renew(self, lease: Lease, seconds: float) -> Ack:
        params = {"the_run": lease.run_id, "the_fence": lease.fence, "lease": seconds}
        return ack(await self.database.fetch(_RENEW, params, write=True), lease)

    async def held(self, lease: Lease) -> Ack:
        return ack(await self.database.fetch(_HELD, {"the_run": lease.run_id, "the_fence": lease.fence}), lease)

    async def expire_questions(self, lease: Lease) -> tuple[Entry, ...]:
        async def work(tx: Tx) -> tuple[Entry, ...]:
            held = await lock_leased(tx, lease)
            overdue = await tx.all(_OVERDUE, id=lease.run_id)
            await tx.run(EXPIRE, [{"the_question": asked.id} for asked in overdue])
            written = await held.write([_expired(asked) for asked in overdue])
            await held.save()
            return written

        return await self.database.transaction(work)


def ack(rows: Sequence[Row[Any]], lease: Lease) -> Ack:
    """The answer to a write or a look under a lease. LeaseLost where it found no run."""
    if not rows:
        raise lost(lease)
    return Ack(last_seq=rows[0].last_seq, cancel_requested=rows[0].cancel_requested, at=rows[0].at)


def _expired(asked: Row[Any]) -> Entry:
    gentle = "give_up" if asked.kind == "outcome" else "reject"
    return decided(asked, "fail" if asked.on_expiry == "fail" else gentle, by=None, note="expired", result=None)


def decided(asked: Any, decision: str, *, by: str | None, note: str | None, result: Any) -> Entry:
    """The journal's line of a decision on a question."""
    data = {
        "question": asked.id, "key": asked.key, "call_id": asked.call_id, "tool": asked.tool, "kind": asked.kind,
        "decision": decision, "by": by, "note": note, "result": result,
    }  # fmt: skip
    return Entry(key=f"decided:{asked.id}", kind="decided", data=data)
