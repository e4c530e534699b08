"""Threads and their history."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BindParameter, and_, bindparam, func, select
from sqlalchemy.dialects.postgresql import insert

from agentcore.errors import Conflict, NotFound
from agentcore.records import Item, Run, Thread
from agentcore.store.base import Verbs
from agentcore.store.columns import now
from agentcore.store.database import Tx
from agentcore.store.held import lock_thread
from agentcore.store.rows import THREAD, to_item, to_thread, values
from agentcore.store.tables import item, thread

# SQLite took this syntax over from PostgreSQL, and SQLAlchemy compiles it for both.
_GIVEN = [column for column in THREAD if column.name not in ("created_at", "updated_at")]
_ADD = (
    insert(thread)
    .values({column.name: bindparam(f"new_{column.name}", type_=column.type) for column in _GIVEN})
    .values(created_at=now(), updated_at=now())
    .on_conflict_do_nothing()
)
_CREATE = _ADD.returning(*THREAD)
_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_LOCK_ALL = select(*THREAD).where(thread.c.id.in_(_IDS)).order_by(thread.c.id).with_for_update(key_share=True)
_ONE = select(*THREAD).where(thread.c.id == bindparam("id"))
_OF_TENANT = _ONE.where(thread.c.tenant == bindparam("tenant"), thread.c.deleted_at.is_(None))
_SOME = select(thread.c.id).where(thread.c.tenant == bindparam("tenant"), thread.c.deleted_at.is_(None))
_COUNT = select(func.count().label("threads")).select_from(_SOME.limit(bindparam("most")).subquery())
_ITEMS = (
    select(item.c.position, item.c.run_id, item.c.data)
    .join_from(item, thread, and_(thread.c.id == item.c.thread_id, thread.c.deleted_at.is_(None)))
    .where(item.c.tenant == bindparam("tenant"), item.c.thread_id == bindparam("id"))
    .where(item.c.position >= bindparam("start"), item.c.position < bindparam("end"))
    .order_by(item.c.position)
)
_END = 2**31 - 1


def _given(new: Thread) -> dict[str, Any]:
    """A thread as the parameters of its insert."""
    given = values(new)
    return {f"new_{column.name}": given[column.name] for column in _GIVEN}


async def add_thread(tx: Tx, new: Thread) -> bool:
    """Insert a thread unless there is one of that id."""
    return await tx.first(_CREATE, **_given(new)) is not None


async def lock_or_add(tx: Tx, runs: Sequence[Run]) -> dict[str, Thread]:
    """Lock the threads of these runs, adding those that are missing; the idle ones that their tenants can see."""
    wanted = {run.thread_id: run for run in sorted(runs, key=lambda run: run.thread_id)}
    await tx.run(_ADD, [_given(Thread(id=id, tenant=run.tenant, agent=run.agent)) for id, run in wanted.items()])
    found = [to_thread(row) for row in await tx.all(_LOCK_ALL, ids=list(wanted))]
    return {t.id: t for t in found if t.tenant == wanted[t.id].tenant and t.head_id is None and t.deleted_at is None}


class Threads(Verbs):
    async def create_thread(self, thread: Thread) -> tuple[Thread, bool]:
        rows = await self.database.fetch(_CREATE, _given(thread), write=True)
        if rows:
            return to_thread(rows[0]), True
        there = await self.database.fetch(_OF_TENANT, {"tenant": thread.tenant, "id": thread.id})
        if not there:
            raise Conflict(f"There is a thread {thread.id} already.", thread_id=thread.id)
        return to_thread(there[0]), False

    async def thread(self, tenant: str, thread_id: str) -> Thread:
        rows = await self.database.fetch(_OF_TENANT, {"tenant": tenant, "id": thread_id})
        if not rows:
            raise missing(thread_id)
        return to_thread(rows[0])

    async def count_threads(self, tenant: str, *, most: int) -> int:
        rows = await self.database.fetch(_COUNT, {"tenant": tenant, "most": most})
        return int(rows[0].threads)

    async def items(self, tenant: str, thread_id: str, *, start: int = 0, end: int | None = None) -> list[Item]:
        params = {"tenant": tenant, "id": thread_id, "start": start, "end": _END if end is None else end}
        found = [to_item(row) for row in await self.database.fetch(_ITEMS, params)]
        if not found:
            await self.thread(tenant, thread_id)  # NotFound
        return found


async def lock_there(tx: Tx, tenant: str, thread_id: str) -> Thread:
    """Lock a thread that its tenant can see. NotFound."""
    found = await lock_thread(tx, thread_id)
    if found is None or found.tenant != tenant or found.deleted_at is not None:
        raise missing(thread_id)
    return found


def missing(thread_id: str) -> NotFound:
    return NotFound(f"There is no thread {thread_id}.", thread_id=thread_id)
