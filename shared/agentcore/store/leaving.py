"""How a worker lets go of a run: pause it, or finish it and promote its successor."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, insert, or_, select

from agentcore.records import Ack, Entry, Finish, Lease, Pause, Question, Requeue, Run, Sleep, Thread, Wait
from agentcore.storable import clean
from agentcore.store.base import Verbs
from agentcore.store.columns import now
from agentcore.store.completion import forgets
from agentcore.store.database import Tx
from agentcore.store.held import Held, add_items, lock_leased, lock_thread_of, lost, promote
from agentcore.store.journal import read_run
from agentcore.store.rows import values
from agentcore.store.tables import idempotency, question, run, subscription
from agentcore.store.waking import wake

_ASK = insert(question).values(created_at=now())
_PENDING = select(func.count().label("pending"), func.min(question.c.expires_at).label("first")).where(
    question.c.run_id == bindparam("id"), question.c.status == "pending"
)
_MESSAGES = (
    select(run.c.id)
    .where(run.c.thread_id == bindparam("id"), run.c.position > bindparam("after"))
    .where(run.c.status == "queued", run.c.trigger == "message")
    .limit(1)
)
_SUBSCRIBE = insert(subscription)
_WANTED = bindparam("correlation", type_=idempotency.c.correlation.type)
_CAME = (
    select(idempotency.c.data)
    .where(idempotency.c.tenant == bindparam("tenant"), idempotency.c.name == bindparam("name"))
    .where(or_(_WANTED == "", idempotency.c.correlation == _WANTED))
    .where(idempotency.c.created_at >= bindparam("since", type_=idempotency.c.created_at.type))
    .order_by(idempotency.c.created_at)
    .limit(1)
)


class Leaving(Verbs):
    async def pause(
        self, lease: Lease, entries: Sequence[Entry], to: Pause, *, redelivery: float, repeat: bool = False
    ) -> tuple[str, ...]:
        return await self._pause(lease, entries, to, redelivery, repeat=repeat)

    async def _pause(
        self, lease: Lease, entries: Sequence[Entry], to: Pause, redelivery: float, *, repeat: bool = False
    ) -> tuple[str, ...]:
        async def work(tx: Tx) -> tuple[str, ...]:
            if tx.repeat and (send := await _paused(tx, lease, to)) is not None:
                return send
            if isinstance(to, Sleep) and to.event is not None:
                await self._meet(tx, to.event, waits=True)
            # Whether to sleep depends on what waits behind: nothing may be accepted meanwhile.
            thread = await lock_thread_of(tx, lease.run_id) if isinstance(to, Sleep) else None
            held = await lock_leased(tx, lease)
            await held.write(entries)
            await held.unsubscribe()
            return await pause(tx, thread, held, to, redelivery)

        return await self.database.transaction(work, repeat=repeat)

    async def finish(
        self, lease: Lease, entries: Sequence[Entry], end: Finish, *, redelivery: float, repeat: bool = False
    ) -> tuple[Ack, tuple[str, ...]]:
        return await self._finish(lease, entries, end, redelivery, repeat=repeat)

    async def _finish(
        self, lease: Lease, entries: Sequence[Entry], end: Finish, redelivery: float, *, repeat: bool = False
    ) -> tuple[Ack, tuple[str, ...]]:
        async def work(tx: Tx) -> tuple[Ack, tuple[str, ...]]:
            thread = await lock_thread_of(tx, lease.run_id)
            if thread is None:
                raise lost(lease)
            if tx.repeat and (done := await _finished(tx, thread, lease)) is not None:
                return done
            held = await lock_leased(tx, lease)
            await held.write(entries)
            await add_items(tx, held, end.items, start=thread.item_count)
            await held.end(status=end.status, output=end.output, error=_plain(end.error), usage=dict(end.usage))
            summary = {"summary": clean(end.summary), "summary_until": end.summary_until}
            told: dict[str, Any] = summary if end.summary is not None else {}
            if await forgets(tx, thread, held.run):
                told["deleted_at"] = held.clock
            count = thread.item_count + len(end.items)
            send = await promote(tx, thread, held.run.position, item_count=count, redelivery=redelivery, **told)
            return _ack(held.run, held.clock), send

        return await self.database.transaction(work, repeat=repeat)


def _plain(error: Any) -> Any:
    return dict(error) if error is not None else None


async def _paused(tx: Tx, lease: Lease, to: Pause) -> tuple[str, ...] | None:
    """What to send when this pause was committed and its answer got lost. None: it was not."""
    now = await read_run(tx, lease.run_id)
    if now is None or now.fence != lease.fence or now.status not in ("queued", "waiting", "sleeping"):
        return None
    later = isinstance(to, Requeue) and to.delay > 0 and not now.cancel_requested
    return (now.id,) if now.status == "queued" and not later else ()


async def _finished(tx: Tx, thread: Thread, lease: Lease) -> tuple[Ack, tuple[str, ...]] | None:
    """What to answer, in the same way, to a finish."""
    now = await read_run(tx, lease.run_id)
    if now is None or now.fence != lease.fence or not now.terminal:
        return None
    head = await read_run(tx, thread.head_id) if thread.head_id else None
    return _ack(now, now.finished_at), (head.id,) if head and head.status == "queued" else ()


def _ack(ended: Run, at: datetime | None) -> Ack:
    return Ack(last_seq=ended.last_seq, cancel_requested=ended.cancel_requested, at=at)


async def pause(tx: Tx, thread: Thread | None, held: Held, to: Pause, redelivery: float) -> tuple[str, ...]:
    """Let go of an unfinished run; its id where it is to go on at once."""
    if isinstance(to, Wait):
        await _ask(tx, held, to.questions)
    failures = 0 if held.progressed else held.run.failures
    if isinstance(to, Requeue):
        failures = int(to.failed) if held.progressed else failures + 1
    if held.run.cancel_requested or (isinstance(to, Requeue) and to.delay <= 0):
        await held.due(redelivery, failures=failures)
        return (held.run.id,)
    match to:
        case Requeue():
            await held.due(to.delay, failures=failures)
            return ()
        case Wait():
            return await _wait(tx, held, failures, redelivery)
        case Sleep():
            assert thread is not None
            return await _sleep(tx, thread, held, to, failures, redelivery)


async def _ask(tx: Tx, held: Held, questions: Sequence[Question]) -> None:
    status = {"status": "withdrawn"} if held.run.cancel_requested else {}
    rows = [values(asked, **status) for asked in questions]
    for row in rows:
        del row["created_at"]
    await tx.run(_ASK, rows)


async def _wait(tx: Tx, held: Held, failures: int, redelivery: float) -> tuple[str, ...]:
    """Wait for whatever is undecided: questions of this pause, and such as were asked before."""
    row = await tx.first(_PENDING, id=held.run.id)
    assert row is not None
    if not row.pending:
        await held.due(redelivery, failures=failures)
        return (held.run.id,)
    ends = [at for at in (row.first, held.run.expires_at) if at is not None]
    await held.save(status="waiting", wake_at=min(ends, default=None), failures=failures)
    return ()


async def _sleep(tx: Tx, thread: Thread, held: Held, to: Sleep, failures: int, redelivery: float) -> tuple[str, ...]:
    if to.event is not None and to.since is not None:
        wanted = {"tenant": held.run.tenant, "name": to.event, "correlation": to.correlation, "since": to.since}
        if came := await tx.first(_CAME, **wanted):
            await held.save(failures=failures)
            return await wake(tx, held, by="event", data=came.data, redelivery=redelivery, key=to.key)
    if await tx.first(_MESSAGES, id=thread.id, after=held.run.position):
        await held.save(failures=failures)
        return await wake(tx, held, by="message", redelivery=redelivery, key=to.key)
    if to.event is not None:
        about = {"run_id": held.run.id, "tenant": held.run.tenant, "key": to.key, "expires_at": to.until}
        await tx.run(_SUBSCRIBE, {**about, "name": to.event, "correlation": to.correlation})
    ends = [at for at in (to.until, held.run.expires_at) if at is not None]
    await held.save(status="sleeping", wake_at=min(ends), failures=failures)
    return ()
