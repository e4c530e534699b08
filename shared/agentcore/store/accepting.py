"""New runs: at their thread's end, once for each idempotency key."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, bindparam, case, func, insert, null, select
from sqlalchemy.dialects.postgresql import insert as upsert

from agentcore.errors import Conflict, IdempotencyMismatch, InputRequired, Invalid, ThreadBusy
from agentcore.records import STEPS, Accepted, Entry, Multitask, Run, Thread
from agentcore.store.base import Verbs
from agentcore.store.columns import later, now
from agentcore.store.database import Again, Tx
from agentcore.store.held import Held, lock_run, lock_thread, save_thread, save_threads
from agentcore.store.journal import ONE_RUN, read_claim, read_run
from agentcore.store.rows import to_run, values
from agentcore.store.stopping import stop_behind, stop_head
from agentcore.store.tables import entry, idempotency, question, run
from agentcore.store.threads import add_thread, missing
from agentcore.store.waking import wake

CLAIMED_AT = case((bindparam("claimed", type_=Boolean), now()), else_=null())
END = func.coalesce(bindparam("new_expires_at", type_=run.c.expires_at.type), later("life"))
_INSERT_RUN = insert(run).values(created_at=now(), wake_at=later("wait"), started_at=CLAIMED_AT, expires_at=END)
_INSERT_ENTRY = insert(entry).values(created_at=now())
_SEEN = select(idempotency.c.request_hash, idempotency.c.run_id).where(
    idempotency.c.tenant == bindparam("tenant"), idempotency.c.key == bindparam("key")
)
# SQLite took this syntax over from PostgreSQL, and SQLAlchemy compiles it for both.
_TAKE_KEY = upsert(idempotency).values(created_at=now()).on_conflict_do_nothing().returning(idempotency.c.key)
_PENDING = select(question.c.id).where(question.c.run_id == bindparam("id"), question.c.status == "pending")


@dataclass(frozen=True, kw_only=True)
class Terms:
    """On what terms a run is accepted."""

    redelivery: float
    multitask: Multitask = "enqueue"
    explicit: bool = True
    key: str | None = None
    request_hash: str = ""
    lease: float | None = None
    window: int = 0
    life: float | None = None  # seconds that a run may take which does not say when it expires
    creates: bool = True  # the thread, where it does not exist


def scoped(kind: str, *parts: str) -> str:
    """A key of what was seen; long ones by their hash, as an index entry has room for some 2,700 bytes."""
    text = ":".join([kind, *parts]) if len(parts) == 1 else f"{kind}:{json.dumps(parts)}"
    return text if len(text) <= 500 else f"{kind}:sha256:{hashlib.sha256(text.encode()).hexdigest()}"


async def take_key(
    tx: Tx, tenant: str, key: str, *, request_hash: str = "", run_id: str | None = None, **event: Any
) -> bool:
    """Whether this is the first time the key is seen. `event`: what to remember of it."""
    row = await tx.first(_TAKE_KEY, tenant=tenant, key=key, request_hash=request_hash, run_id=run_id, **event)
    return row is not None


class Accepting(Verbs):
    async def accept(
        self, run: Run, *, redelivery: float, multitask: Multitask = "enqueue", explicit: bool = False,
        idempotency_key: str | None = None, request_hash: str = "", lease: float | None = None, window: int = 0,
        creates: bool = True,
    ) -> Accepted:  # fmt: skip
        key = scoped("accept", idempotency_key) if idempotency_key is not None else None
        terms = Terms(
            redelivery=redelivery, multitask=multitask, explicit=explicit, key=key, request_hash=request_hash,
            lease=lease, window=window, life=self.settings.run_ttl, creates=creates,
        )  # fmt: skip
        for name in ("id", "thread_id"):
            _check_id(name, getattr(run, name))
        return await self._accept(run if run.root_id else replace(run, root_id=run.id), terms)

    async def _accept(self, run: Run, terms: Terms, *, repeat: bool = False) -> Accepted:
        return await self.database.transaction(lambda tx: place(tx, run, terms), repeat=repeat)


def _check_id(name: str, value: str) -> None:
    try:
        UUID(value)
    except ValueError:
        raise Invalid(f"{name}: {value!r} is not a UUID.", field=name) from None


def told(run: Run) -> dict[str, Any]:
    """What the first line of a run's journal says."""
    return {"agent": run.agent, "trigger": run.trigger}


async def place(tx: Tx, run: Run, terms: Terms) -> Accepted:
    """Put a run at its thread's end."""
    seen = await _seen(tx, run, terms)
    if seen is not None:
        return seen
    thread = await lock_thread(tx, run.thread_id)
    if thread is None and terms.creates:
        await add_thread(tx, Thread(id=run.thread_id, tenant=run.tenant, agent=run.agent))
        thread = await lock_thread(tx, run.thread_id)
    if thread is None or thread.tenant != run.tenant or thread.deleted_at is not None:
        raise missing(run.thread_id)
    if terms.key and not await take_key(tx, run.tenant, terms.key, request_hash=terms.request_hash, run_id=run.id):
        raise Again  # the same request came at the same time: now it can be seen
    head = await lock_run(tx, thread.head_id) if thread.head_id else None
    send = await _make_way(tx, thread, head, run, terms) if head else ()
    accepted = Entry(key="accepted", kind="accepted", data=told(run))
    added = await add_run(tx, thread, run, [accepted], redelivery=terms.redelivery, lease=terms.lease, life=terms.life)
    if head:
        return Accepted(run=added, created=True, send=send)
    return await _answer(tx, added, terms)


async def _seen(tx: Tx, run: Run, terms: Terms) -> Accepted | None:
    """The answer that was given to this request before."""
    before = await read_run(tx, run.id)
    if before and (before.tenant, before.thread_id) == (run.tenant, run.thread_id):
        # It came before, and its answer got lost: in this call (then its claim is ours), or in the caller's hands.
        return await _answer(tx, before, terms if tx.repeat else replace(terms, lease=None))
    row = await tx.first(_SEEN, tenant=run.tenant, key=terms.key) if terms.key else None
    if row is None:
        return None
    if row.request_hash != terms.request_hash:
        raise IdempotencyMismatch("This idempotency key came with another request before.", run_id=row.run_id)
    before = await read_run(tx, row.run_id)
    if before is None:
        raise Conflict("The run that this idempotency key started was deleted. Use another key.", run_id=row.run_id)
    return Accepted(run=before, created=False)


async def _answer(tx: Tx, added: Run, terms: Terms) -> Accepted:
    if added.status == "running" and added.fence == 1 and terms.lease is not None:
        return Accepted(run=added, created=True, claim=await read_claim(tx, added, terms.window))
    return Accepted(run=added, created=True, send=(added.id,) if added.wake_at and added.status == "queued" else ())


async def _make_way(tx: Tx, thread: Thread, head: Held, run: Run, terms: Terms) -> tuple[str, ...]:
    """Settle what a new run means for the thread's unfinished ones; the ids to send."""
    status = head.run.status
    if status == "waiting" and run.trigger == "message" and not terms.explicit:
        questions = [row.id for row in await tx.all(_PENDING, id=head.run.id)]
        raise InputRequired(
            f"Run {head.run.id} of this thread waits for a person's decision.", run_id=head.run.id, questions=questions
        )
    if terms.multitask == "reject":
        raise ThreadBusy(f"Run {head.run.id} of this thread is unfinished.", run_id=head.run.id)
    if terms.multitask != "enqueue":
        send = await stop_head(tx, head, terms.multitask, redelivery=terms.redelivery)
        await stop_behind(tx, thread, head.run.position, terms.multitask)
        return send
    if status == "sleeping" and run.trigger == "message":
        return await wake(tx, head, by="message", redelivery=terms.redelivery)
    return ()


def _inserted(
    thread: Thread, new: Run, entries: Sequence[Entry], *, redelivery: float, lease: float | None = None,
    life: float | None = None,
) -> dict[str, Any]:  # fmt: skip
    """A run at the end of a thread, as the parameters of its insert."""
    head, seq = thread.head_id is None, len(entries)
    claimed = head and lease is not None
    params: dict[str, Any] = values(
        new, position=thread.next_position, status="running" if claimed else "queued",
        fence=new.fence + 1 if claimed else new.fence, last_seq=seq, claimed_seq=seq,
        history_end=thread.item_count if head else 0, failures=0, kept=2, claimed=claimed,
        wait=(lease if claimed else redelivery) if head else None,
        step_seq=max((n for n, e in enumerate(entries, 1) if e.kind in STEPS), default=0),
        new_expires_at=new.expires_at, life=life,
    )  # fmt: skip
    for name in ("wake_at", "expires_at", "created_at", "started_at", "finished_at"):
        del params[name]
    return params


async def add_heads(tx: Tx, new: Sequence[tuple[Thread, Run]], terms: Terms) -> None:
    """Put runs on idle threads, whose locks are held: the same as `add_run` does to one."""
    runs, lines, fronts = [], [], []
    for thread, one in new:
        line = Entry(key="accepted", kind="accepted", data=told(one))
        runs.append(_inserted(thread, one, [line], redelivery=terms.redelivery, life=terms.life))
        about = {"run_id": one.id, "tenant": one.tenant, "seq": 1}
        lines.append({**about, "key": line.key, "kind": line.kind, "data": line.data})
        fronts.append({"the_thread": thread.id, "next_position": thread.next_position + 1, "head_id": one.id})
    await tx.run(_INSERT_RUN, runs)
    await tx.run(_INSERT_ENTRY, lines)
    await save_threads(tx, fronts)


async def add_run(
    tx: Tx, thread: Thread, new: Run, entries: Sequence[Entry], *, redelivery: float, lease: float | None = None,
    life: float | None = None,
) -> Run:  # fmt: skip
    """Insert a run at the end of a thread, whose lock is held, with the beginning of its journal."""
    head = thread.head_id is None
    await tx.run(_INSERT_RUN, _inserted(thread, new, entries, redelivery=redelivery, lease=lease, life=life))
    about = {"run_id": new.id, "tenant": new.tenant}
    await tx.run(
        _INSERT_ENTRY,
        [{**about, "seq": n, "key": e.key, "kind": e.kind, "data": e.data} for n, e in enumerate(entries, 1)],
    )
    front = {"head_id": new.id} if head else {}
    await save_thread(tx, thread.id, next_position=thread.next_position + 1, **front)
    row = await tx.first(ONE_RUN, id=new.id)
    assert row is not None
    return to_run(row)
