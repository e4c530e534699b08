"""Travelling in time."""

from __future__ import annotations

from sqlalchemy import update

from agentcore.ports import StateStore
from agentcore.store.columns import Time, plus
from agentcore.store.database import Tx
from agentcore.store.sql import SqlStore
from agentcore.store.tables import metadata


async def advance(store: StateStore, seconds: float) -> None:
    """Let so much time pass for all that is stored: each time in the database moves into the past."""
    assert isinstance(store, SqlStore)

    async def work(tx: Tx) -> None:
        for table in metadata.sorted_tables:
            times = [column for column in table.columns if isinstance(column.type, Time)]
            if times:
                await tx.connection.execute(update(table).values({c.name: plus(c, -seconds) for c in times}))

    await store.database.transaction(work)
