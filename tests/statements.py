"""What a store sends to PostgreSQL, statement by statement, whichever way through the layers it takes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import event

from agentcore.store.direct import Direct
from agentcore.store.sql import SqlStore

Driver = psycopg.AsyncConnection[Any]
Watch = Callable[[Driver, str, Any], Awaitable[None]]


async def _nothing(driver: Driver, statement: str, params: Any) -> None:
    pass


def watch(store: SqlStore, *, before: Watch = _nothing, after: Watch = _nothing) -> None:
    """Call these around each statement, from now on; what they raise, the store meets."""

    def watched(kind: type[psycopg.AsyncCursor[Any]]) -> Any:
        class Watched(kind):  # type: ignore[valid-type, misc]  # whichever of psycopg's kinds
            async def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
                text = query.decode() if isinstance(query, bytes) else query
                await before(self.connection, text, params)
                result = await super().execute(query, params, **options)
                await after(self.connection, text, params)
                return result

            async def executemany(self, query: Any, params_seq: Any, **options: Any) -> Any:
                await before(self.connection, query, params_seq)
                await super().executemany(query, params_seq, **options)
                await after(self.connection, query, params_seq)

        return Watched

    plain = watched(psycopg.AsyncCursor)

    def checkout(connection: Any, record: Any, *_: Any) -> None:
        record.driver_connection.cursor_factory = plain

    event.listen(store.database.engine.sync_engine, "checkout", checkout)
    assert isinstance(store.database, Direct)
    store.database.cursor = watched(psycopg.AsyncRawCursor)


@contextmanager
def statements(store: SqlStore) -> Iterator[list[str]]:
    """The statements sent meanwhile; BEGIN stands for a transaction's BEGIN and COMMIT."""
    found, open_ = list[str](), True

    async def before(driver: Driver, statement: str, params: Any) -> None:
        if open_:
            found.extend(["BEGIN"] if not driver.autocommit else [])
            found.append(" ".join(statement.split()))

    watch(store, before=before)
    try:
        yield found
    finally:
        open_ = False
