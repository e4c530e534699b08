"""The schema, and the statements on databases that are not at hand."""

from __future__ import annotations

import asyncio
import inspect
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Insert, event, text
from sqlalchemy.dialects import registry
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlalchemy.sql.expression import SelectBase, UpdateBase

from agentcore.errors import Misconfigured
from agentcore.settings import Settings
from agentcore.store import (
    accepting,
    backlog,
    completion,
    deciding,
    deliveries,
    due,
    events,
    forgetting,
    held,
    journal,
    keys,
    leaving,
    migrating,
    open_store,
    reading,
    revising,
    schedules,
    searching,
    statements,
    states,
    stopping,
    storeitems,
    threads,
    usage,
    waking,
    working,
)
from agentcore.store.database import Tx
from agentcore.store.postgres import PostgresStore
from agentcore.store.sql import SqlStore
from agentcore.store.tables import metadata
from tests.conftest import opened, serializable
from tests.contracts.store_kit import (
    claimed,
    step,
)
from tests.postgres import Postgres

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_the_migrations_make_what_the_models_say(
    kind: str, postgres: Postgres, tmp_path: Path, anyio_backend: str
) -> None:
    store = opened(f"sqlite:///{tmp_path}/x.db" if kind == "sqlite" else postgres.create_database())
    await store.migrate()

    def differences(connection: Connection) -> list[Any]:
        return list(compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata))

    async with store.database.engine.connect() as connection:
        found = await connection.run_sync(differences)
        version = await connection.run_sync(migrating.version)
    await store.close()
    assert found == []
    assert version == migrating.scripts().get_current_head()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_a_schema_of_a_later_version_is_left_as_it_is(
    kind: str, postgres: Postgres, tmp_path: Path, caplog: pytest.LogCaptureFixture, anyio_backend: str
) -> None:
    store = opened(f"sqlite:///{tmp_path}/x.db" if kind == "sqlite" else postgres.create_database())
    await store.migrate()
    later = text("update alembic_version set version_num = :version")
    await store.database.transaction(lambda tx: tx.run(later, {"version": "9999"}))
    await store.migrate()
    async with store.database.engine.connect() as connection:
        version = await connection.run_sync(migrating.version)
    await store.close()
    assert version == "9999"
    assert "later version" in caplog.text


async def test_runs_have_room_in_their_page_for_appends(pg: PostgresStore) -> None:
    rows = await pg.database.fetch(text("select relname from pg_class where 'fillfactor=70' = any(reloptions)"), {})
    assert sorted(row.relname for row in rows) == ["run", "thread"]


async def test_an_append_changes_no_index(pg: PostgresStore) -> None:
    held_one = await claimed(pg)
    for n in range(20):
        await pg.append(held_one.lease, [step(n)])
    await pg.close()  # so that the backends report
    rows: Any = []
    for _ in range(50):
        statement = text("select n_tup_upd, n_tup_hot_upd from pg_stat_user_tables where relname = 'run'")
        rows = await pg.database.fetch(statement, {})
        if rows[0].n_tup_upd == 21:
            break
        await asyncio.sleep(0.1)
    assert (rows[0].n_tup_upd, rows[0].n_tup_hot_upd) == (21, 20)  # all but the claim, which moves wake_at


MODULES = [
    accepting, backlog, completion, deciding, deliveries, due, events, forgetting, held, journal, keys, leaving,
    reading, revising, schedules, searching, statements, states, stopping, storeitems, threads, usage, waking, working,
]  # fmt: skip


def _statements(module: types.ModuleType) -> Iterator[tuple[str, SelectBase | UpdateBase]]:
    for name, value in inspect.getmembers(module):
        for statement in value if isinstance(value, tuple) else (value,):
            if isinstance(statement, SelectBase | UpdateBase):
                yield f"{module.__name__}.{name}", statement


def _columns(statement: SelectBase | UpdateBase) -> list[str] | None:
    """Of an insert whose columns come with its parameters."""
    plain = isinstance(statement, Insert) and statement.select is None
    return [column.name for column in statement.table.c] if plain else None  # type: ignore[union-attr]


@pytest.mark.parametrize("name", ["cockroachdb.psycopg", "postgresql.psycopg", "sqlite.aiosqlite"])
def test_every_statement_compiles(name: str) -> None:
    dialect = registry.load(name)()
    found = [one for module in MODULES for one in _statements(module)]
    assert len(found) > 50
    for where, statement in found:
        if name.startswith("sqlite") and where.startswith("agentcore.store.statements."):
            continue  # data-modifying CTEs
        sql = str(statement.compile(dialect=dialect, column_keys=_columns(statement)))
        assert "SKIP LOCKED" not in sql or name.startswith("postgresql") or "skipping" in where.lower(), where
    for table in metadata.sorted_tables:
        assert str(CreateTable(table).compile(dialect=dialect))
        for index in table.indexes:
            assert str(CreateIndex(index).compile(dialect=dialect))


def test_cockroachdb_never_passes_over_locked_rows_and_has_no_hints() -> None:
    store = open_store("cockroachdb://root@127.0.0.1:1/x", Settings())
    assert isinstance(store, SqlStore)
    assert not store.skip_locked
    assert store.listen("c") is None


def test_an_unreadable_url_is_misconfigured_and_not_repeated() -> None:
    with pytest.raises(Misconfigured) as caught:
        open_store("postgresql://u:secret@host:port/x", Settings())
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["mysql://x/y", "postgres://x/y", "nonsense", "sqlite://", "sqlite:///:memory:"])
def test_an_unknown_database_is_misconfigured(url: str) -> None:
    with pytest.raises(Misconfigured, match="AGENTCORE_DATABASE_URL"):
        open_store(url, Settings())


@pytest.mark.anyio
async def test_what_stands_for_cockroachdb_is_serializable_and_meets_conflicts(postgres_url: str) -> None:
    store, shown, attempts = serializable(postgres_url), text("show transaction isolation level"), []
    event.listen(store.database.engine.sync_engine, "checkout", lambda *_: attempts.append(1))

    async def level(tx: Tx) -> str:
        return str((await tx.all(shown))[0][0])

    seen = {await store.database.transaction(level), await store.database.moment(level)}
    seen.add((await store.database.fetch(shown, {}))[0][0])
    await store.close()
    assert seen == {"serializable"}
    assert len(attempts) == 6  # each of the three was tried again
