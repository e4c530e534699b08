"""Reads the database of a soak, past the proxies and past the product's own code."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any, TypeVar

import psycopg
from psycopg.rows import dict_row

from tests.soak.facts import Alarm, Delivery, Entry, Facts, Item, Run, Thread

T = TypeVar("T")
OPEN = "status not in ('succeeded', 'failed', 'cancelled', 'expired')"
_AT = "extract(epoch from {0})::float8 as {0}"
_RUNS = f"""
    select id::text, thread_id::text as thread, position, agent, trigger, status, metadata->>'key' as key,
        cancel_requested as stop, error, webhook, last_seq, kept, fence, {_AT.format("wake_at")},
        {_AT.format("finished_at")} from run order by thread_id, position
"""
_ENTRIES = """
    select run_id::text as run, seq, key, kind, data, extract(epoch from created_at)::float8 as at
    from entry where kind <> 'delta' order by run_id, seq
"""
_THREADS = "select id::text, head_id::text as head, item_count from thread"
_ITEMS = "select thread_id::text as thread, position, data from item order by thread_id, position"
_ALARMS = "select id::text, enabled, last_run_id::text as run from schedule"
_DELIVERIES = "select id::text, run_id::text as run, status from delivery"
_LEFT = {
    "pending questions": "select count(*) from question where status = 'pending'",
    "subscriptions": "select count(*) from subscription",
    "deliveries that are due": "select count(*) from delivery where status = 'pending'",
    "schedules that have yet to ring": "select count(*) from schedule where enabled",
    "deltas of runs that have ended": "select count(*) from entry where kind = 'delta'",
    "runs with a time to be looked at": "select count(*) from run where wake_at is not null",
}
BROKEN = {
    "threads with two runs at work": """
        select thread_id::text from run where status in ('running', 'waiting', 'sleeping')
        group by thread_id having count(*) > 1""",
    "runs at work that are not their thread's first": """
        select run.id::text from run join thread on thread.id = thread_id
        where run.status in ('running', 'waiting', 'sleeping') and head_id is distinct from run.id""",
    "threads whose first run is not the earliest open one": f"""
        select thread.id::text from thread where head_id is distinct from
        (select id from run where thread_id = thread.id and {OPEN} order by position limit 1)""",
    "first runs that nobody will ever look at": f"""
        select run.id::text from thread join run on run.id = head_id where wake_at is null or not {OPEN}""",
    "runs that were due long ago": "select id::text from run where wake_at < now() - interval '30 seconds'",
    "transactions left open": """
        select pid::text from pg_stat_activity
        where state like 'idle in transaction%' and state_change < now() - interval '20 seconds'""",
}
"""What must never be found, not even for a moment: each is one statement, so it sees one moment."""


class Database:
    """A connection that is made anew when the server comes back."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: psycopg.AsyncConnection[dict[str, Any]] | None = None
        self._connecting = asyncio.Lock()

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def execute(self, statement: str) -> psycopg.AsyncCursor[dict[str, Any]]:
        async with self._connecting:  # several ask at once, also when the server has just come back
            if self._connection is None:
                self._connection = await psycopg.AsyncConnection.connect(
                    self._url, autocommit=True, row_factory=dict_row, connect_timeout=5
                )
            connection = self._connection
        return await connection.execute(statement.encode())

    async def rows(self, statement: str) -> list[dict[str, Any]]:
        """What a statement finds, once the server answers."""
        while True:
            try:
                return await (await self.execute(statement)).fetchall()
            except psycopg.OperationalError:
                await self.close()
                await asyncio.sleep(0.2)

    async def broken(self) -> list[str]:
        """Which rules the database breaks right now."""
        found = {what: await self.rows(statement) for what, statement in BROKEN.items()}
        return [f"{what}: {_ids(rows)}" for what, rows in found.items() if rows]

    async def ports(self) -> set[int]:
        """From where it is connected to."""
        rows = await self.rows("select client_port from pg_stat_activity where client_port > 0")
        return {row["client_port"] for row in rows}

    async def states(self) -> dict[str, int]:
        rows = await self.rows("select status, count(*) as n from run group by status")
        return {row["status"]: row["n"] for row in rows}

    async def moves(self) -> bool:
        """Whether a run is open, or what ended runs leave behind is still there."""
        return bool(await self.rows(f"select 1 from run where {OPEN} limit 1") or await self.left())

    async def mark(self) -> str:
        """Another text whenever any run has moved on."""
        [row] = await self.rows("select count(*) as runs, sum(last_seq) as entries from run")
        return str(row)

    async def left(self) -> dict[str, int]:
        """Rows that should be gone once nothing moves any more."""
        counts = {what: (await self.rows(statement))[0]["count"] for what, statement in _LEFT.items()}
        return {what: count for what, count in counts.items() if count}

    async def facts(self) -> Facts:
        return Facts(
            runs=await self._all(Run, _RUNS), entries=await self._all(Entry, _ENTRIES),
            threads=await self._all(Thread, _THREADS), items=await self._all(Item, _ITEMS),
            alarms=await self._all(Alarm, _ALARMS), deliveries=await self._all(Delivery, _DELIVERIES),
            left=await self.left(),
        )  # fmt: skip

    async def _all(self, kind: type[T], statement: str) -> Sequence[T]:
        return [kind(**row) for row in await self.rows(statement)]


def _ids(rows: list[dict[str, Any]]) -> str:
    return json.dumps([next(iter(row.values())) for row in rows[:5]])
