"""The hot verbs as one statement each, for databases with data-modifying CTEs: PostgreSQL and CockroachDB.

A statement reads as of its start, but locks and changes rows as they are when it gets to them. So what it reads beside
the row it changes may be older than that row. Each statement therefore changes nothing where it cannot decide (no row
comes back), or gives back what its reader needs to see that it read too early; then the caller takes the long way.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from sqlalchemy import (
    CTE,
    JSON,
    Boolean,
    ColumnElement,
    FromClause,
    Integer,
    ScalarSelect,
    Select,
    and_,
    bindparam,
    case,
    column,
    delete,
    exists,
    func,
    insert,
    literal,
    literal_column,
    null,
    or_,
    select,
    true,
    update,
)  # fmt: skip
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by
from sqlalchemy.dialects.postgresql import insert as upsert

from agentcore.records import STEPS, Run
from agentcore.store.accepting import CLAIMED_AT, END
from agentcore.store.columns import later, now, plus
from agentcore.store.completion import FORGETS, RINGS
from agentcore.store.reading import AFTER, AFTER_SIZED
from agentcore.store.rows import RUN
from agentcore.store.tables import delivery, entry, idempotency, item, question, run, subscription, thread
from agentcore.store.working import CLAIM, HOLDS

_RUN = [field.name for field in fields(Run)]
# Not bound: a statement with a list to bind has another text each time.
_STEPS: list[ColumnElement[str]] = [literal_column(f"'{kind}'") for kind in sorted(STEPS)]


def _lines(rows: FromClause, order: str, *names: str) -> ScalarSelect[Any]:
    """Rows as one JSON value: an array of arrays."""
    line = aggregate_order_by(func.json_build_array(*(rows.c[name] for name in names)), rows.c[order])
    return select(func.json_agg(line, type_=JSON)).select_from(rows).scalar_subquery()


def _newest(of: FromClause) -> ScalarSelect[Any]:
    """The newest items before a run."""
    newest = (
        select(item.c.position, item.c.run_id, item.c.data)
        .where(item.c.thread_id == of.c.thread_id, item.c.position < of.c.history_end)
        .order_by(item.c.position.desc())
        .limit(bindparam("window", type_=Integer))
        .correlate(of)
        .subquery("newest")
    )
    return _lines(newest, "position", "position", "run_id", "data")


def _unpacked(name: str) -> FromClause:
    """A list that was bound as JSON, as rows: the value `v` and its number `n`, from 1."""
    values = func.jsonb_array_elements(bindparam(name, type_=JSONB))
    return values.table_valued(column("v", JSONB), with_ordinality="n", name=f"{name}_given").render_derived()


# -- claim


def _claim() -> Select[Any]:
    taken = CLAIM.cte("taken")
    lines = (
        select(entry.c.seq, entry.c.key, entry.c.kind, entry.c.data, entry.c.created_at)
        .where(entry.c.run_id == taken.c.id, entry.c.kind != "delta")
        .correlate(taken)
        .subquery("lines")
    )
    last = select(func.max(entry.c.seq)).where(entry.c.run_id == taken.c.id).scalar_subquery()
    return select(
        *taken.c,
        thread.c.summary.label("thread_summary"),
        thread.c.summary_until.label("thread_summary_until"),
        thread.c.next_position.label("thread_next_position"),
        _lines(lines, "seq", "seq", "key", "kind", "data", "created_at").label("lines"),
        _newest(taken).label("items"),
        last.label("read_to"),
    ).join_from(taken, thread, thread.c.id == taken.c.thread_id)


# -- append, pause, finish


class _Journal:
    """What an append adds, and how it changes the row of its run."""

    def __init__(self) -> None:
        given = _unpacked("entries")
        key = given.c.v["key"].astext
        known = exists().where(entry.c.run_id == bindparam("the_run"), entry.c.key == key)
        parts = (given.c.n, key.label("key"), given.c.v["kind"].astext.label("kind"), given.c.v["data"].label("data"))
        self.fresh = select(*parts).where(~known).cte("fresh")
        self.count = select(func.count()).select_from(self.fresh).scalar_subquery()
        steps = exists().where(self.fresh.c.kind.in_(_STEPS))
        self.last_seq = run.c.last_seq + self.count
        self.step_seq = case((steps, self.last_seq), else_=run.c.step_seq)

    def written(self, held: CTE) -> CTE:
        """The insert, numbered up to the last_seq that `held` gives back."""
        number = held.c.last_seq - self.count + func.row_number().over(order_by=self.fresh.c.n)
        lines = select(
            held.c.id, number, held.c.tenant, self.fresh.c.key, self.fresh.c.kind, self.fresh.c.data, now()
        ).join_from(self.fresh, held, true())
        columns = ["run_id", "seq", "tenant", "key", "kind", "data", "created_at"]
        return upsert(entry).from_select(columns, lines).on_conflict_do_nothing().cte("written")


def _append(**changes: ColumnElement[Any]) -> Select[Any]:
    journal = _Journal()
    held = (
        update(run)
        .where(HOLDS)
        .values(last_seq=journal.last_seq, step_seq=journal.step_seq, **changes)
        .returning(run.c.id, run.c.tenant, run.c.last_seq, run.c.cancel_requested)
        .cte("held")
    )
    return select(held.c.last_seq, held.c.cancel_requested, now().label("at")).add_cte(journal.written(held))


def _requeue() -> Select[Any]:
    journal = _Journal()
    # Whoever was asked to stop does not wait for a back-off.
    wait = case((run.c.cancel_requested.is_(None), bindparam("wait")), else_=bindparam("redelivery"))
    progressed = journal.step_seq > run.c.claimed_seq
    held = (
        update(run)
        .where(HOLDS)
        .values(
            status="queued",
            wake_at=plus(now(), wait),
            failures=case((progressed, bindparam("failed", type_=Integer)), else_=run.c.failures + 1),
            last_seq=journal.last_seq,
            step_seq=journal.step_seq,
        )
        .returning(run.c.id, run.c.tenant, run.c.last_seq, run.c.cancel_requested)
        .cte("held")
    )
    return select(held.c.cancel_requested).add_cte(journal.written(held))


def _finish(*, summary: bool) -> Select[Any]:
    """Ends a run that nobody was ever accepted behind; else it does nothing."""
    journal = _Journal()
    mine = run.alias("mine")
    # The thread is locked before the run, as everywhere. A CTE with a lock is never folded into its reader.
    front = (
        select(thread.c.id, thread.c.updated_at)
        .join_from(mine, thread, thread.c.id == mine.c.thread_id)
        .where(mine.c.id == bindparam("the_run"))
        .where(thread.c.head_id == mine.c.id, thread.c.next_position == mine.c.position + 1)
        .with_for_update(key_share=True, of=thread)
        .cte("front")
    )
    # Whether a schedule rings there is read as of the start: so a thread that changed since must not be deleted here.
    seen = thread.alias("seen")
    as_it_was = select(seen.c.updated_at).where(seen.c.id == front.c.id).scalar_subquery()
    mayend = (
        select(run.c.id, front.c.id.label("thread_id"), FORGETS.label("forgets"))
        .join_from(run, front, front.c.id == run.c.thread_id)
        .where(HOLDS, or_(FORGETS.is_not(true()), front.c.updated_at == as_it_was))
        .with_for_update(key_share=True, of=run)
        .cte("mayend")
    )
    ended = (
        update(run)
        .where(run.c.id == mayend.c.id)
        .values(
            {name: bindparam(f"end_{name}", type_=run.c[name].type) for name in ("status", "output", "error", "usage")}
            | {"wake_at": null(), "finished_at": now(), "last_seq": journal.last_seq, "step_seq": journal.step_seq}
        )
        .returning(run.c.id, run.c.tenant, run.c.last_seq, run.c.webhook, run.c.cancel_requested)
        .cte("ended")
    )
    count = bindparam("count", type_=Integer)
    told = {name: bindparam(f"end_{name}", type_=thread.c[name].type) for name in ("summary", "summary_until")}
    left = (
        update(thread)
        .where(thread.c.id == mayend.c.thread_id)
        .values(
            head_id=null(),
            item_count=thread.c.item_count + count,
            updated_at=now(),
            deleted_at=case((and_(mayend.c.forgets, ~RINGS), now()), else_=null()),
            **(told if summary else {}),
        )
        .returning(thread.c.id, thread.c.tenant, thread.c.item_count)
        .cte("left_thread")
    )
    given = _unpacked("items")
    history = select(
        left.c.id, left.c.item_count - count + given.c.n - 1, left.c.tenant, mayend.c.id, given.c.v
    ).select_from(left.join(mayend, true()).join(given, true()))
    kept = insert(item).from_select(["thread_id", "position", "tenant", "run_id", "data"], history).cte("kept")
    withdrawn = (
        update(question)
        .where(question.c.run_id == mayend.c.id, question.c.status == "pending")
        .values(status="withdrawn", decided_at=now())
        .cte("withdrawn")
    )
    unsubscribed = delete(subscription).where(subscription.c.run_id == mayend.c.id).cte("unsubscribed")
    message = {
        "id": bindparam("delivery", type_=delivery.c.id.type), "tenant": ended.c.tenant, "run_id": ended.c.id,
        "status": literal("pending"), "attempts": literal(0), "tries": literal(0), "due_at": now(), "created_at": now(),
    }  # fmt: skip
    tell = insert(delivery).from_select(list(message), select(*message.values()).where(ended.c.webhook.is_not(None)))
    return select(ended.c.last_seq, ended.c.cancel_requested, now().label("at")).add_cte(
        journal.written(ended), left, kept, withdrawn, unsubscribed, tell.cte("tell")
    )  # fmt: skip


# -- accept


def _given(name: str) -> ColumnElement[Any]:
    """What the caller says of the new run."""
    return bindparam(f"new_{name}", type_=run.c[name].type)


_KEY = bindparam("key", type_=idempotency.c.key.type)


def _front(*, keyed: bool) -> CTE:
    """The thread, new or idle, with the run at its front; no row where it is neither, or the key was seen."""
    empty = literal({}, type_=thread.c.metadata.type)
    columns = {
        "id": _given("thread_id"), "tenant": _given("tenant"), "agent": _given("agent"), "metadata": empty,
        "next_position": literal(2), "head_id": _given("id"), "item_count": literal(0), "summary_until": literal(0),
        "created_at": now(), "updated_at": now(),
    }  # fmt: skip
    before = thread.alias("before")
    # With its lock, so that it is there still when the run is.
    there = (
        select(before.c.id)
        .where(before.c.id == _given("thread_id"), before.c.tenant == _given("tenant"), before.c.deleted_at.is_(None))
        .with_for_update(key_share=True)
        .cte("there")
    )
    wanted = select(*(value.label(name) for name, value in columns.items()))
    wanted = wanted.where(or_(bindparam("creates", type_=Boolean), exists().select_from(there)))
    if keyed:
        wanted = wanted.where(~exists().where(idempotency.c.tenant == _given("tenant"), idempotency.c.key == _KEY))
    new = upsert(thread).from_select(list(columns), wanted)
    return (
        new.on_conflict_do_update(
            index_elements=[thread.c.id],
            set_={"next_position": thread.c.next_position + 1, "head_id": new.excluded.head_id, "updated_at": now()},
            where=and_(
                thread.c.tenant == new.excluded.tenant, thread.c.head_id.is_(None), thread.c.deleted_at.is_(None)
            ),
        )
        .returning(thread.c.next_position, thread.c.item_count, thread.c.summary, thread.c.summary_until)
        .cte("front")
    )


def _accept(*, keyed: bool) -> Select[Any]:
    """Puts a run on a thread that is new or idle; else, or when its key was seen, it does nothing."""
    front = _front(keyed=keyed)
    values = {name: _given(name) for name in _RUN if name not in _NOT_GIVEN}
    values |= {
        "position": front.c.next_position - 1, "history_end": front.c.item_count, "wake_at": later("wait"),
        "created_at": now(), "started_at": CLAIMED_AT, "expires_at": END, "failures": literal(0),
        "last_seq": literal(1), "claimed_seq": literal(1), "step_seq": literal(0), "kept": literal(2),
    }  # fmt: skip
    added = insert(run).from_select(list(values), select(*values.values()).select_from(front)).returning(*RUN)
    made = added.cte("made")
    line = select(
        made.c.id, literal(1), made.c.tenant, literal("accepted"), literal("accepted"),
        bindparam("accepted", type_=entry.c.data.type), now(),
    )  # fmt: skip
    written = insert(entry).from_select(["run_id", "seq", "tenant", "key", "kind", "data", "created_at"], line)
    found = select(
        *made.c,
        front.c.summary.label("thread_summary"),
        front.c.summary_until.label("thread_summary_until"),
        front.c.next_position.label("thread_next_position"),
        _newest(made).label("items"),
    ).join_from(made, front, true())
    found = found.add_cte(written.cte("written"))
    if keyed:
        # A key that was taken at this very moment breaks the whole statement: the caller then looks again.
        request = bindparam("request_hash", type_=idempotency.c.request_hash.type)
        seen = select(made.c.tenant, _KEY, request, made.c.id, now())
        taken = insert(idempotency).from_select(["tenant", "key", "request_hash", "run_id", "created_at"], seen)
        found = found.add_cte(taken.cte("taken"))
    return found


_NOT_GIVEN = {
    "position", "history_end", "wake_at", "created_at", "started_at", "finished_at", "failures", "last_seq",
    "claimed_seq", "cancel_requested", "output", "error", "expires_at",
}  # fmt: skip


# -- entries


def _entries(after: Select[Any]) -> Select[Any]:
    lines = after.subquery("lines")
    found = _lines(lines, "seq", "seq", "key", "kind", "data", "created_at").label("lines")
    return select(*RUN, found).where(run.c.tenant == bindparam("tenant"), run.c.id == bindparam("id"))


CLAIM_RUN = _claim()
APPEND, APPEND_RENEW, REQUEUE = _append(), _append(wake_at=later("lease")), _requeue()
FINISH, FINISH_SUMMARY = _finish(summary=False), _finish(summary=True)
ACCEPT, ACCEPT_KEYED = _accept(keyed=False), _accept(keyed=True)
ENTRIES, ENTRIES_SIZED = _entries(AFTER), _entries(AFTER_SIZED)
