"""Starting a run again that ended badly: a new run, with what the old one had done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import bindparam, delete, select

from agentcore.errors import Conflict, NotFound, NotRedrivable
from agentcore.records import Accepted, Entry, Run, Thread
from agentcore.store.accepting import add_run
from agentcore.store.base import Verbs
from agentcore.store.database import Tx
from agentcore.store.held import Held, lock_run, lock_thread_of, save_thread
from agentcore.store.journal import read_run, read_steps
from agentcore.store.tables import item, run

_KEPT = frozenset({"input", "model", "tool_started", "tool", "handoff", "asked", "decided", "slept", "woke", "custom"})
_OF_RUN = (
    select(item.c.position)
    .where(item.c.thread_id == bindparam("id"), item.c.position >= bindparam("start"))
    .where(item.c.run_id == bindparam("run_id"))
    .order_by(item.c.position)
)
_DROP = delete(item).where(item.c.thread_id == bindparam("of_thread"), item.c.position >= bindparam("start"))
_REDRIVEN = (
    select(run.c.id)
    .where(run.c.thread_id == bindparam("id"), run.c.position > bindparam("after"))
    .where(run.c.root_id == bindparam("root_id"))
    .limit(1)
)


class Redriving(Verbs):
    async def redrive(self, tenant: str, run_id: str, new_id: str, *, redelivery: float) -> Accepted:
        async def work(tx: Tx) -> Accepted:
            thread = await lock_thread_of(tx, run_id)
            held = await lock_run(tx, run_id)
            if thread is None or held is None or held.run.tenant != tenant:
                raise NotFound(f"There is no run {run_id}.", run_id=run_id)
            if before := await read_run(tx, new_id):
                return _again(before, held.run)
            lines = await read_steps(tx, run_id)
            await _check(tx, held.run, lines)
            steps = reusable(lines)
            thread, kept = await _taken_back(tx, thread, held.run)
            new = _successor(held, new_id)
            told = {"agent": new.agent, "trigger": new.trigger, "redrives": run_id, "steps": len(steps)}
            kept = [*lines[0].data.get("kept", ()), *kept]
            accepted = Entry(key="accepted", kind="accepted", data={**told, "kept": kept} if kept else told)
            added = await add_run(tx, thread, new, [accepted, *steps], redelivery=redelivery)
            if thread.deleted_at is not None:
                await save_thread(tx, thread.id, deleted_at=None)  # the run was its last, and goes on
            return Accepted(run=added, created=True, send=(new_id,) if added.wake_at else ())

        return await self.database.transaction(work)


def _again(before: Run, old: Run) -> Accepted:
    """The same redrive came before, and its answer got lost."""
    if before.trigger != "redrive" or before.root_id != old.root_id:
        raise Conflict(f"There is a run {before.id} already.", run_id=before.id)
    return Accepted(run=before, created=True, send=(before.id,) if before.status == "queued" and before.wake_at else ())


async def _check(tx: Tx, old: Run, lines: Sequence[Entry]) -> None:
    """NotRedrivable, where a new run would repeat what was done."""
    if old.status not in ("failed", "cancelled", "expired"):
        raise NotRedrivable(f"Run {old.id} is {old.status}.", status=old.status)
    if not lines:
        raise NotRedrivable(f"The journal of run {old.id} is no longer kept (AGENTCORE_RETENTION): accept it anew.")
    later = await tx.first(_REDRIVEN, id=old.thread_id, after=old.position, root_id=old.root_id)
    if later is not None:
        raise NotRedrivable(f"Run {old.id} was redriven before, by {later.id}. Redrive that one.", run_id=later.id)


async def _taken_back(tx: Tx, thread: Thread, old: Run) -> tuple[Thread, list[list[int]]]:
    """Take what the old run left in the history out of it: the new one will store its work as a whole.

    Once another run was accepted behind it, that may have been told of it: then it stays. The positions of what stays
    are noted in the new run's first line, and its end stores only what comes after.
    """
    rows = await tx.all(_OF_RUN, id=old.thread_id, start=old.history_end, run_id=old.id)
    own = [row.position for n, row in enumerate(rows, old.history_end) if row.position == n]
    if not own:
        return thread, []
    if thread.next_position > old.position + 1 or thread.summary_until > old.history_end:
        return thread, [[own[0], own[-1] + 1]]
    await tx.run(_DROP, {"of_thread": thread.id, "start": own[0]})
    await save_thread(tx, thread.id, item_count=own[0])
    return replace(thread, item_count=own[0]), []


def _successor(held: Held, new_id: str) -> Run:
    old = held.run
    life = old.expires_at - old.created_at if old.expires_at and old.created_at else None
    return Run(
        id=new_id, tenant=old.tenant, thread_id=old.thread_id, agent=old.agent, input=old.input, root_id=old.root_id,
        agent_version=old.agent_version, trigger="redrive", metadata=old.metadata, config=old.config,
        request=old.request, webhook=old.webhook,
        deltas=old.deltas, expires_at=held.clock + life if life else None,
        fence=old.fence,  # some keys carry the fence: those of the new run must differ from the copied ones
    )  # fmt: skip


def reusable(entries: Sequence[Entry]) -> list[Entry]:
    """What of a journal still holds for a new attempt.

    Not what was left open: a question nobody answered is asked again, a sleep that did not end begins again. Nor an
    answer that made the run fail.
    """
    keys = {e.key for e in entries}
    answers = {e.data["question"]: e.data["decision"] for e in entries if e.kind == "decided"}

    def holds(line: Entry) -> bool:
        if line.kind == "asked":
            return all(answers.get(q["id"], "fail") != "fail" for q in line.data["questions"])
        if line.kind == "decided":
            return bool(line.data["decision"] != "fail")
        if line.kind == "slept":
            return f"woke:{line.data['key']}" in keys
        return line.kind in _KEPT

    return [line for line in entries if holds(line)]
