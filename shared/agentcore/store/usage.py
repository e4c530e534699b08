"""What runs have used, by agent and day."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, bindparam, cast, func, select

from agentcore.records import Usage
from agentcore.store.base import Verbs
from agentcore.store.columns import day
from agentcore.store.tables import run

_COUNTED = ("requests", "input_tokens", "output_tokens", "total_tokens", "cached_tokens", "reasoning_tokens")


def _sum(name: str) -> ColumnElement[int]:
    """Of a count in the JSON of all runs; a run that used nothing has none. PostgreSQL's sum is a numeric."""
    count = cast(run.c.usage[name].as_string(), BigInteger)
    return cast(func.coalesce(func.sum(count), 0), BigInteger).label(name)


_DAY = day(run.c.created_at)
# The range is one of the index run_by_tenant.
_ALL = (
    select(run.c.agent, _DAY.label("day"), func.count().label("runs"), *map(_sum, _COUNTED))
    .where(run.c.tenant == bindparam("tenant"))
    .where(run.c.created_at >= bindparam("start"), run.c.created_at < bindparam("end"))
    .group_by(run.c.agent, _DAY)
    .order_by(_DAY.desc(), run.c.agent)
    .limit(bindparam("limit"))
    .offset(bindparam("offset"))
)
_OF_AGENT = _ALL.where(run.c.agent == bindparam("agent"))


class UsageOfRuns(Verbs):
    async def usage(
        self, tenant: str, *, first: date, last: date, agent: str | None = None, limit: int = 1000, offset: int = 0
    ) -> list[Usage]:
        params: dict[str, Any] = {
            "tenant": tenant, "start": _midnight(first), "end": _midnight(last + timedelta(days=1)),
            "limit": limit, "offset": offset,
        }  # fmt: skip
        if agent is None:
            rows = await self.database.fetch(_ALL, params)
        else:
            rows = await self.database.fetch(_OF_AGENT, {**params, "agent": agent})
        return [Usage(**row._asdict()) for row in rows]


def _midnight(begins: date) -> datetime:
    return datetime.combine(begins, time(), UTC)
