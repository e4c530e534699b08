"""Databases for tests. A test that takes `store` runs on each of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from agentcore.settings import Settings
from agentcore.store import open_store
from agentcore.store.sql import SqlStore
from tests.postgres import Postgres


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


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Each database in turn; the schema may not be there yet."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/test.db"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
async def store(database_url: str, anyio_backend: str) -> AsyncIterator[SqlStore]:
    """An empty store on each database."""
    store = opened(database_url)
    await store.migrate()
    yield store
    await store.close()


def opened(url: str, **settings: object) -> SqlStore:
    store = open_store(url, Settings(database_url=url, **settings))  # type: ignore[arg-type]
    assert isinstance(store, SqlStore)
    return store
