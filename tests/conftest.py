"""Databases for tests. A test that takes `store` runs on each of them."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import event, make_url

from agentcore.settings import Settings
from agentcore.store import open_store
from agentcore.store.cockroach import CockroachStore
from agentcore.store.direct import Direct
from agentcore.store.engines import postgresql
from agentcore.store.postgres import PostgresStore
from agentcore.store.sql import SqlStore
from tests.postgres import Postgres
from tests.redis.rig import KINDS, Rig
from tests.statements import Driver, watch

# A shell that runs these tests in the background has them ignore Ctrl-C, and so would all processes that they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, so that nothing waits for it at the end."""
    items.sort(key=lambda item: item.path.name != "test_soak.py")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One server for all tests of a session."""
    server = Postgres()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="session")
def migrated(postgres: Postgres) -> str:
    """The URL of a database with our schema, to make others from."""
    url = postgres.create_database()

    async def migrate() -> None:
        store = opened(url)
        await store.migrate()
        await store.close()

    asyncio.run(migrate())
    return url


@pytest.fixture
def postgres_url(postgres: Postgres, migrated: str) -> str:
    """A database of its own with our schema."""
    return postgres.create_database(migrated)


@pytest.fixture(params=["sqlite", "postgresql", "serializable"])
def database_kind(request: pytest.FixtureRequest) -> str:
    """Each database in turn. `serializable` stands for CockroachDB, which cannot run here."""
    kind: str = request.param
    return kind


@pytest.fixture
def database_url(request: pytest.FixtureRequest, database_kind: str, tmp_path: Path) -> str:
    """A database; the schema may not be there yet."""
    if database_kind == "sqlite":
        return f"sqlite:///{tmp_path}/test.db"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
async def store(database_url: str, database_kind: str, anyio_backend: str) -> AsyncIterator[SqlStore]:
    """An empty store on each database."""
    store = opened(database_url)
    await store.migrate()
    if database_kind == "serializable":
        await store.close()
        store = serializable(database_url)
    yield store
    await store.close()


def serializable(url: str, **settings: object) -> CockroachStore:
    """CockroachDB's store on a PostgreSQL that is serializable throughout and meets more conflicts than any."""
    everywhere = {"options": "-c default_transaction_isolation=serializable"}  # single statements too
    chosen = Settings(database_url=url, **settings)  # type: ignore[arg-type]  # as in `opened`
    engine = postgresql(make_url(url).update_query_dict(everywhere), chosen).engine
    level = {"isolation_level": "SERIALIZABLE"}
    store = CockroachStore(Direct(engine, write=level, read=level), chosen)
    conflicting(store)
    return store


def conflicting(store: SqlStore) -> None:
    """Let every other statement or transaction fail as a serializable database's do, before it has done anything."""
    attempts, fresh = count(), set[Driver]()

    def began(connection: object, record: Any, *rest: object) -> None:
        fresh.add(record.driver_connection)

    async def executes(driver: Driver, statement: str, params: object) -> None:
        if driver in fresh:
            fresh.remove(driver)
            if next(attempts) % 2 == 0:
                raise psycopg.errors.SerializationFailure("restart transaction")

    event.listen(store.database.engine.sync_engine, "checkout", began)
    watch(store, before=executes)


def opened(url: str, **settings: object) -> SqlStore:
    store = open_store(url, Settings(database_url=url, **settings))  # type: ignore[arg-type]
    assert isinstance(store, SqlStore)
    return store


@pytest.fixture
async def pg(postgres_url: str, anyio_backend: str) -> AsyncIterator[PostgresStore]:
    store = opened(postgres_url)
    assert isinstance(store, PostgresStore)
    yield store
    await store.close()


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine is no server that is away."""
    monkeypatch.setattr("agentcore.redis.shared._SOON", 30.0)
    for module in "shared", "tcp", "rest":
        monkeypatch.setattr(f"agentcore.redis.{module}.PATIENCE", 30.0)


@pytest.fixture(params=KINDS)
def shared_by(request: pytest.FixtureRequest, tmp_path: Path, patient: None) -> Iterator[Rig]:
    """A server that processes share, of its own, reached in each of the ways."""
    rig = Rig(request.param, tmp_path)
    yield rig
    rig.stop()
