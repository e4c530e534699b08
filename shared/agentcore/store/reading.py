"""Reading runs and journals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Integer, Select, Text, bindparam, cast, func, select

from agentcore.errors import NotFound
from agentcore.records import Claim, Entry, Run
from agentcore.store.base import Verbs
from agentcore.store.columns import Json, contains
from agentcore.store.database import Tx
from agentcore.store.journal import read_claim
from agentcore.store.rows import ENTRY, RUN, to_entry, to_run
from agentcore.store.tables import entry, run

ONE = select(*RUN).where(run.c.tenant == bindparam("tenant"), run.c.id == bindparam("id"))
_LIST = (
    select(*RUN)
    .where(run.c.tenant == bindparam("tenant"))
    .order_by(run.c.created_at.desc(), run.c.position.desc(), run.c.id.desc())
    .limit(bindparam("limit"))
    .offset(bindparam("offset"))
)
_NARROWER = {
    "thread_id": run.c.thread_id == bindparam("thread_id"),
    "status": run.c.status.in_(bindparam("status", expanding=True)),
    "agent": run.c.agent == bindparam("agent"),
    "metadata": contains(run.c.metadata, bindparam("metadata", type_=Json)),
}
# No index serves a search in metadata, so it looks at so many of the newest runs: that bounds its cost.
_recent = run.alias("recent")
_RECENT = (
    select(_recent.c.id)
    .where(_recent.c.tenant == bindparam("tenant"))
    .order_by(_recent.c.created_at.desc())
    .limit(bindparam("rows", type_=Integer))
)


@cache  # a new statement each time would be compiled each time
def _list(given: tuple[str, ...]) -> Select[Any]:
    found = _LIST.where(*(_NARROWER[name] for name in given))
    if "metadata" not in given:
        return found
    recent = _RECENT.where(_recent.c.thread_id == bindparam("thread_id")) if "thread_id" in given else _RECENT
    return found.where(run.c.id.in_(recent.scalar_subquery()))


AFTER = (
    select(*ENTRY)
    .where(entry.c.run_id == bindparam("id"), entry.c.seq > bindparam("after"))
    .order_by(entry.c.seq)
    .limit(bindparam("limit", type_=Integer))
)
_SIZED = AFTER.add_columns(func.length(cast(entry.c.data, Text)).label("size")).subquery()
_BEFORE = func.sum(func.coalesce(_SIZED.c.size, 0)).over(order_by=_SIZED.c.seq) - func.coalesce(_SIZED.c.size, 0)
_PAGE = select(_SIZED, _BEFORE.label("before")).subquery()
# Always one, however large; the columns as they were, without what came of counting.
AFTER_SIZED = (
    select(*(_PAGE.c[column.name] for column in ENTRY)).where(_PAGE.c.before < bindparam("size")).order_by(_PAGE.c.seq)
)
_KNOWN = select(run.c.id).where(run.c.id == bindparam("id"))
_FIRST = "00000000-0000-0000-0000-000000000000"
_PARKED = (
    select(*RUN)
    .where(run.c.finished_at.is_(None), run.c.started_at.is_not(None), run.c.id > bindparam("after"))
    .order_by(run.c.id)
    .limit(bindparam("limit"))
)


class Reading(Verbs):
    async def known(self, run_id: str) -> bool:
        return bool(await self.database.fetch(_KNOWN, {"id": run_id}))

    async def run(self, tenant: str, run_id: str) -> Run:
        rows = await self.database.fetch(ONE, {"tenant": tenant, "id": run_id})
        if not rows:
            raise missing(run_id)
        return to_run(rows[0])

    async def runs(
        self, tenant: str, *, thread_id: str | None = None, status: Sequence[str] = (), agent: str | None = None,
        metadata: Mapping[str, Any] | None = None, limit: int = 50, offset: int = 0,
    ) -> list[Run]:  # fmt: skip
        about = dict(metadata) if metadata else None
        wanted = {"thread_id": thread_id, "status": list(status) or None, "agent": agent, "metadata": about}
        given = {name: value for name, value in wanted.items() if value is not None}
        params = {"tenant": tenant, "limit": limit, "offset": offset, "rows": self.settings.search_rows, **given}
        return [to_run(row) for row in await self.database.fetch(_list(tuple(given)), params)]

    async def entries(
        self, tenant: str, run_id: str, *, after: int = 0, limit: int = 1000, size: int | None = None
    ) -> tuple[Run, list[Entry]]:
        async def work(tx: Tx) -> tuple[Run, list[Entry]]:
            row = await tx.first(ONE, tenant=tenant, id=run_id)
            if row is None:
                raise missing(run_id)
            page = {"id": run_id, "after": after, "limit": limit}
            lines = await (tx.all(AFTER, **page) if size is None else tx.all(AFTER_SIZED, **page, size=size))
            return to_run(row), [to_entry(line) for line in lines]

        return await self.database.moment(work)

    async def parked(self, *, after: str = "", limit: int, window: int) -> list[Claim]:
        async def work(tx: Tx) -> list[Claim]:
            rows = await tx.all(_PARKED, after=after or _FIRST, limit=limit)
            return [await read_claim(tx, to_run(row), window) for row in rows]

        return await self.database.moment(work)


def missing(run_id: str) -> NotFound:
    return NotFound(f"There is no run {run_id}.", run_id=run_id)
