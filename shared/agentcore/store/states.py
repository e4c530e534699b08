"""What a thread is now, and what it was: its checkpoints.

A run's checkpoint is not stored: it follows from the row of the ended run. Its messages end where those of the next one
begin, and its values are those of the newest revision before it with what runs wrote since. Only a change by a client
(and a copy, or the deletion of a run) stores a row: a revision.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, Select, and_, bindparam, or_, select

from agentcore.errors import NotFound
from agentcore.records import Checkpoint, Thread
from agentcore.store.base import Verbs
from agentcore.store.database import Tx
from agentcore.store.rows import THREAD, to_thread
from agentcore.store.tables import revision, run, thread
from agentcore.store.threads import missing

END = 2**31 - 1
# Runs that left something: they began, and were not rolled back.
LEFT = and_(
    run.c.finished_at.is_not(None),
    run.c.started_at.is_not(None),
    or_(run.c.status != "cancelled", run.c.cancel_requested.is_(None), run.c.cancel_requested != "rollback"),
)
_RUNS = select(
    run.c.position, run.c.history_end.label("begin"), run.c.id.label("run_id"), run.c.status, run.c.output,
    run.c.request, run.c.finished_at.label("created_at"),
).where(run.c.thread_id == bindparam("id"), LEFT)  # fmt: skip
_REVISIONS = select(*revision.c).where(revision.c.thread_id == bindparam("id"))


def _down(rows: Select[Any], position: Any) -> Select[Any]:
    """The newest up to a position."""
    return rows.where(position <= bindparam("upto")).order_by(position.desc()).limit(bindparam("limit"))


def _above(rows: Select[Any], position: Any) -> Select[Any]:
    return rows.where(position > bindparam("upto")).order_by(position).limit(1)


_RUNS_DOWN, _REVISIONS_DOWN = _down(_RUNS, run.c.position), _down(_REVISIONS, revision.c.position)
_RUN_ABOVE, _REVISION_ABOVE = _above(_RUNS, run.c.position), _above(_REVISIONS, revision.c.position)
_DONE = _RUNS_DOWN.where(run.c.status == "succeeded", run.c.position > bindparam("after"))
_ONE = select(*THREAD).where(
    thread.c.tenant == bindparam("tenant"), thread.c.id == bindparam("id"), thread.c.deleted_at.is_(None)
)


class States(Verbs):
    async def checkpoints(
        self, tenant: str, thread_id: str, *, limit: int, before: int | None = None
    ) -> list[Checkpoint]:
        async def work(tx: Tx) -> list[Checkpoint]:
            row = await tx.first(_ONE, tenant=tenant, id=thread_id)
            if row is None:
                raise missing(thread_id)
            if before is not None:
                await checkpoint(tx, to_thread(row), before)  # NotFound
            return await timeline(tx, to_thread(row), upto=END if before is None else before - 1, limit=limit)

        return await self.database.moment(work)

    async def checkpoint_at(self, tenant: str, thread_id: str, position: int | None = None) -> Checkpoint | None:
        async def work(tx: Tx) -> Checkpoint | None:
            row = await tx.first(_ONE, tenant=tenant, id=thread_id)
            if row is None:
                raise missing(thread_id)
            found = await timeline(tx, to_thread(row), upto=END if position is None else position, limit=1)
            return found[0] if found else None

        return await self.database.moment(work)


async def checkpoint(tx: Tx, of: Thread, position: int) -> Checkpoint:
    """The checkpoint at a position. NotFound."""
    found = await timeline(tx, of, upto=position, limit=1)
    if not found or found[0].position != position:
        raise NotFound(f"Thread {of.id} has no such checkpoint.", field="checkpoint")
    return found[0]


async def timeline(tx: Tx, of: Thread, *, upto: int, limit: int) -> list[Checkpoint]:
    """A thread's checkpoints from a position backwards."""
    wanted = {"id": of.id, "upto": min(upto, END), "limit": limit}
    rows = [*await tx.all(_RUNS_DOWN, **wanted), *await tx.all(_REVISIONS_DOWN, **wanted)]
    rows = sorted(rows, key=lambda row: row.position, reverse=True)[:limit]
    if not rows:
        return []
    ends = [await _end(tx, of, rows[0].position), *(row.begin for row in rows)]
    return _folded(rows, ends, await _before(tx, of, rows[-1].position))


async def _end(tx: Tx, of: Thread, position: int) -> int:
    """The thread's item_count before whatever came next."""
    above = [await tx.first(statement, id=of.id, upto=position) for statement in (_RUN_ABOVE, _REVISION_ABOVE)]
    nearest = min((row for row in above if row), key=lambda row: row.position, default=None)
    return nearest.begin if nearest else of.item_count


async def _before(tx: Tx, of: Thread, position: int) -> tuple[Row[Any] | None, Row[Any] | None]:
    """The newest revision before a position, and the newest success between the two."""
    revised = await tx.first(_REVISIONS_DOWN, id=of.id, upto=position - 1, limit=1)
    after = revised.position if revised else 0
    return revised, await tx.first(_DONE, id=of.id, upto=position - 1, after=after, limit=1)


def _folded(
    rows: Sequence[Row[Any]], ends: Sequence[int], before: tuple[Row[Any] | None, Row[Any] | None]
) -> list[Checkpoint]:
    revised, done = before
    found: list[Checkpoint] = []
    for row, end in reversed(list(zip(rows, ends, strict=False))):
        about = {"position": row.position, "begin": row.begin, "created_at": row.created_at}
        if hasattr(row, "source"):
            revised, done = row, None
            found.append(Checkpoint(**about, start=row.start, end=row.end, values=row.state, source=row.source))
            continue
        done = row if row.status == "succeeded" else done
        values = values_of(revised.state if revised else None, row.request, (done.output,) if done else ())
        start = revised.start if revised else 0
        found.append(Checkpoint(**about, start=start, end=end, values=values, source="run", run_id=row.run_id))
    return found[::-1]


def values_of(
    state: Mapping[str, Any] | None, request: Mapping[str, Any] | None, outputs: Sequence[Any]
) -> dict[str, Any]:
    """A thread's values: what clients set, the last run's input if it was an object, the output of the last success."""
    values = dict(state or {})
    if request and "values" in request:
        values["input"] = request["values"]
    return {**values, "output": outputs[0]} if outputs else values
