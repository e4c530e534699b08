"""What people do to a run: decide its questions, and stop it."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, select, update

from agentcore.errors import AlreadyDecided, ArgumentsChanged, Invalid, NotFound
from agentcore.records import TERMINAL, Decision, Question, Run
from agentcore.storable import clean
from agentcore.store.base import Verbs
from agentcore.store.columns import now
from agentcore.store.database import Tx
from agentcore.store.held import Held, lock_run, lock_thread_of
from agentcore.store.journal import read_run
from agentcore.store.rows import QUESTION, to_question
from agentcore.store.stopping import stop_head, stop_waiting
from agentcore.store.tables import question
from agentcore.store.working import decided

_ONE = select(*QUESTION).where(question.c.tenant == bindparam("tenant"), question.c.id == bindparam("id"))
_LOCKED = _ONE.with_for_update()
_DECIDE = update(question).where(question.c.id == bindparam("the_question")).values(decided_at=now())
_PENDING = select(question.c.id).where(question.c.run_id == bindparam("id"), question.c.status == "pending").limit(1)
_LIST = (
    select(*QUESTION)
    .where(question.c.tenant == bindparam("tenant"))
    .order_by(question.c.created_at, question.c.id)
    .limit(bindparam("limit"))
    .offset(bindparam("offset"))
)


@cache  # a new statement each time would be compiled each time
def _list(given: tuple[str, ...]) -> Select[Any]:
    return _LIST.where(*(question.c[name] == bindparam(name) for name in given))


_OUTCOMES = {
    "approval": {"approve": "approved", "reject": "rejected"},
    "outcome": {"happened": "happened", "again": "again", "give_up": "gave_up"},
}


class Deciding(Verbs):
    async def cancel(self, tenant: str, run_id: str, action: str, *, redelivery: float) -> tuple[Run, tuple[str, ...]]:
        async def work(tx: Tx) -> tuple[Run, tuple[str, ...]]:
            thread = await lock_thread_of(tx, run_id)
            held = await lock_run(tx, run_id)
            if thread is None or held is None or held.run.tenant != tenant:
                raise NotFound(f"There is no run {run_id}.", run_id=run_id)
            send: tuple[str, ...] = ()
            if not held.run.terminal:
                if thread.head_id == run_id:
                    send = await stop_head(tx, held, action, redelivery=redelivery)
                else:
                    await stop_waiting(held, action)
            left = await read_run(tx, run_id)
            assert left is not None
            return left, send

        return await self.database.transaction(work)

    async def decide(
        self, tenant: str, question_id: str, decision: Decision, *, arguments_hash: str | None, by: str,
        note: str | None, result: Any, redelivery: float,
    ) -> tuple[Question, tuple[str, ...]]:  # fmt: skip
        async def work(tx: Tx) -> tuple[Question, tuple[str, ...]]:
            held, asked = await _lock(tx, tenant, question_id)
            status = _status(asked, decision)
            if tx.repeat and asked.status == status and asked.decided_by == by:
                return asked, ()  # it was committed and the answer got lost; a tick finds the run
            _check(held, asked, arguments_hash)
            told = {"decided_by": by, "note": clean(note), "result": result}
            await tx.run(_DECIDE, {"the_question": question_id, "status": status, **told})
            await held.write([decided(asked, decision, by=by, note=note, result=result)])
            send = await _go_on(tx, held, redelivery)
            row = await tx.first(_ONE, tenant=tenant, id=question_id)
            assert row is not None
            return to_question(row), send

        return await self.database.transaction(work)

    async def question(self, tenant: str, question_id: str) -> Question:
        rows = await self.database.fetch(_ONE, {"tenant": tenant, "id": question_id})
        if not rows:
            raise _missing(question_id)
        return to_question(rows[0])

    async def questions(
        self, tenant: str, *, status: str | None = "pending", run_id: str | None = None, thread_id: str | None = None,
        limit: int = 50, offset: int = 0,
    ) -> list[Question]:  # fmt: skip
        wanted = {"status": status, "run_id": run_id, "thread_id": thread_id}
        given = {name: value for name, value in wanted.items() if value is not None}
        params = {"tenant": tenant, "limit": limit, "offset": offset, **given}
        rows = await self.database.fetch(_list(tuple(given)), params)
        return [to_question(row) for row in rows]


def _missing(question_id: str) -> NotFound:
    return NotFound(f"There is no question {question_id}.", question_id=question_id)


async def _lock(tx: Tx, tenant: str, question_id: str) -> tuple[Held, Question]:
    """The run first: two who decide at once must see each other's answer, or neither wakes it."""
    row = await tx.first(_ONE, tenant=tenant, id=question_id)
    held = await lock_run(tx, row.run_id) if row else None
    row = await tx.first(_LOCKED, tenant=tenant, id=question_id)
    if held is None or row is None:
        raise _missing(question_id)
    return held, to_question(row)


def _status(asked: Question, decision: str) -> str:
    fitting = _OUTCOMES[asked.kind]
    if decision not in fitting:
        raise Invalid(
            f"decision: {decision!r} does not answer a question of kind {asked.kind}. Say {' or '.join(fitting)}.",
            field="decision",
        )
    return fitting[decision]


def _check(held: Held, asked: Question, arguments_hash: str | None) -> None:
    if asked.status != "pending" or held.run.status in TERMINAL:
        raise AlreadyDecided(f"The question is {asked.status}; the run is {held.run.status}.", status=asked.status)
    if asked.expires_at is not None and asked.expires_at <= held.clock:
        raise AlreadyDecided("The time to decide has passed.", status="expired")
    if arguments_hash is not None and arguments_hash != asked.arguments_hash:
        raise ArgumentsChanged(
            "The decision names other arguments than those that would run.", arguments_hash=asked.arguments_hash
        )


async def _go_on(tx: Tx, held: Held, redelivery: float) -> tuple[str, ...]:
    """Queue the run once none of its questions is pending."""
    if held.run.status != "waiting" or await tx.first(_PENDING, id=held.run.id):
        await held.save()
        return ()
    await held.due(redelivery)
    return (held.run.id,)
