"""The store on PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from sqlalchemy import ARRAY, Text, bindparam, func, select

from agentcore.records import Schedule
from agentcore.store.database import Tx
from agentcore.store.onestatement import OneStatementStore

_PAYLOADS = func.unnest(bindparam("payloads", type_=ARRAY(Text))).column_valued("payload")
_NOTIFY = select(func.pg_notify(bindparam("channel"), _PAYLOADS))
_LONGEST = 7_900  # bytes: what NOTIFY carries is less than 8,000


class PostgresStore(OneStatementStore):
    """What only PostgreSQL has: SKIP LOCKED that is fast, advisory locks, LISTEN and NOTIFY."""

    skip_locked = True

    async def _queue_up(self, tx: Tx, schedule: Schedule) -> None:
        await super()._queue_up(tx, schedule)
        if schedule.thread_id is None:
            lock = func.pg_advisory_xact_lock(func.hashtextextended(f"agentcore:schedules:{schedule.tenant}", 0))
            await tx.first(select(lock))

    async def _meet(self, tx: Tx, event: str, *, waits: bool) -> None:
        # Events of a name do not wait for each other: only for a run that is about to sleep until one comes.
        lock = func.pg_advisory_xact_lock if waits else func.pg_advisory_xact_lock_shared
        await tx.first(select(lock(func.hashtextextended(f"agentcore:event:{event}", 0))))

    async def notify(self, channel: str, *payloads: str) -> None:
        fitting = [one for one in payloads if len(one.encode()) <= _LONGEST]  # a longer one would be an error
        await self.database.fetch(_NOTIFY, {"channel": channel, "payloads": fitting})

    def listen(self, channel: str) -> AbstractAsyncContextManager[AsyncIterator[str]] | None:
        """Payloads, on a connection of their own. Raises when it is lost: enter again, and look at what was missed."""
        return self._listen(channel)

    @asynccontextmanager
    async def _listen(self, channel: str) -> AsyncIterator[AsyncIterator[str]]:
        from psycopg import sql

        from agentcore.store.connecting import Connector

        connection = await Connector(self.database.engine.url, self.settings)(autocommit=True)
        try:
            await connection.execute(sql.SQL("listen {}").format(sql.Identifier(channel)))
            notices = connection.notifies()
            yield (notice.payload async for notice in notices)
        finally:
            await connection.close()
