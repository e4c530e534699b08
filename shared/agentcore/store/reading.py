"""Reading runs and journals."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, select

from agentcore.errors import NotFound
from agentcore.records import Claim, Entry, Run
from agentcore.store.base import Verbs
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
_AFTER = (
    select(*ENTRY)
    .where(entry.c.run_id == bindparam("id"), entry.c.seq > bindparam("after"))
    .order_by(entry.c.seq)
    .limit(bindparam("limit"))
)
_FIRST = "00000000-0000-0000-0000-000000000000"
_PARKED = (
    select(*RUN)
    .where(run.c.finished_at.is_(None), run.c.started_at.is_not(None), run.c.id > bindparam("after"))
    .order_by(run.c.id)
    .limit(bindparam("limit"))
)


class Reading(Verbs):
    async def run(self, tenant: str, run_id: str) -> Run:
        rows = await self.database.fetch(ONE, {"tenant": tenant, "id": run_id})
        if not rows:
            raise missing(run_id)
        return to_run(rows[0])

    async def runs(
        self, tenant: str, *, thread_id: str | None = None, status: Sequence[str] = (), agent: str | None = None,
        limit: int = 50, offset: int = 0,
    ) -> list[Run]:  # fmt: skip
        statement, params = _LIST, {"tenant": tenant, "limit": limit, "offset": offset}
        if thread_id is not None:
            statement, params["thread_id"] = statement.where(run.c.thread_id == bindparam("thread_id")), thread_id
        if status:
            statement = statement.where(run.c.status.in_(status))
        if agent is not None:
            statement, params["agent"] = statement.where(run.c.agent == bindparam("agent")), agent
        return [to_run(row) for row in await self.database.fetch(statement, params)]

    async def entries(self, tenant: str, run_id: str, *, after: int = 0, limit: int = 1000) -> tuple[Run, list[Entry]]:
        async with self.database.moment() as tx:
            row = await tx.first(ONE, tenant=tenant, id=run_id)
            if row is None:
                raise missing(run_id)
            lines = await tx.all(_AFTER, id=run_id, after=after, limit=limit)
        return to_run(row), [to_entry(line) for line in lines]

    async def parked(self, *, after: str = "", limit: int, window: int) -> list[Claim]:
        async with self.database.moment() as tx:
            rows = await tx.all(_PARKED, after=after or _FIRST, limit=limit)
            return [await read_claim(tx, to_run(row), window) for row in rows]


def missing(run_id: str) -> NotFound:
    return NotFound(f"There is no run {run_id}.", run_id=run_id)
