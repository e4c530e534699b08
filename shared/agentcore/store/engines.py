"""How each database is connected to."""

from __future__ import annotations

import json
import re
from typing import Any

from sqlalchemy import URL, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from agentcore.errors import Misconfigured
from agentcore.matching import contains
from agentcore.settings import Settings
from agentcore.store.columns import dumps
from agentcore.store.database import PATIENCE, Database

# Seconds. Idle connections are dropped silently on the way, and while a host is frozen: by Azure's load balancers after
# four minutes, by the connection tracking of EC2 after 350 s. A statement on such a one would wait for ten.
_RECYCLE = 230
_BUSY_MS = 20_000

_BEGIN = "agentcore_begin"  # execution option: how SQLite is to begin


def parsed(url: str) -> URL:
    """A database's URL. Raises Misconfigured, without repeating it: it may hold a password."""
    try:
        return make_url(url)
    except (ArgumentError, ValueError):
        raise Misconfigured(
            "AGENTCORE_DATABASE_URL cannot be read. Write postgresql://USER:PASSWORD@HOST:PORT/NAME, with special "
            "characters of the password as %XX.",
            setting="AGENTCORE_DATABASE_URL",
        ) from None


def sqlite(url: URL) -> Database:
    """A SQLite file."""
    if not url.database or url.database == ":memory:":
        raise Misconfigured(
            "AGENTCORE_DATABASE_URL: SQLite needs a file, as in sqlite:///.agentcore/agentcore.db.",
            setting="AGENTCORE_DATABASE_URL",
        )
    engine = create_async_engine(url.set(drivername="sqlite+aiosqlite"), json_serializer=dumps)
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    # A transaction that reads first and writes later would fail when another wrote in between: so lock at once.
    return Database(engine, write={_BEGIN: "BEGIN IMMEDIATE"}, read={_BEGIN: "BEGIN"}, one_writer=True)


def _prepare_sqlite(connection: Any, record: Any) -> None:
    connection.isolation_level = None  # sqlite3 would begin by itself, and too late
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout = {_BUSY_MS}",
        "journal_mode = WAL",
        "synchronous = FULL",  # with NORMAL, a commit in WAL mode does not survive a power loss
        "foreign_keys = ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
    connection.create_function("agentcore_contains", 2, _contains, deterministic=True)
    connection.create_function("agentcore_beginning", 2, _beginning, deterministic=True)


def _contains(whole: str | None, part: str) -> bool | None:
    return None if whole is None else contains(json.loads(whole), json.loads(part))


def _beginning(text: str, pattern: str) -> str:
    found = re.match(pattern, text)
    return found[0] if found else ""


def _begin_sqlite(connection: Any) -> None:
    begin = connection.get_execution_options().get(_BEGIN)
    if begin:
        connection.exec_driver_sql(begin)


def postgresql(url: URL, settings: Settings) -> Database:
    """PostgreSQL, with psycopg."""
    from agentcore.store.direct import Direct  # psycopg is imported where it is used

    engine = _psycopg(url.set(drivername="postgresql+psycopg"), settings)
    return Direct(engine, write={"isolation_level": "READ COMMITTED"}, read={"isolation_level": "REPEATABLE READ"})


def cockroachdb(url: URL, settings: Settings) -> Database:
    """CockroachDB, with psycopg. Everything is serializable there."""
    try:
        import sqlalchemy_cockroachdb  # type: ignore[import-untyped]  # noqa: F401
    except ImportError:
        raise Misconfigured(
            "AGENTCORE_DATABASE_URL: cockroachdb:// needs the extra: pip install 'agentcore[cockroachdb]'.",
            setting="AGENTCORE_DATABASE_URL",
        ) from None
    from agentcore.store.direct import Direct

    engine = _psycopg(url.set(drivername="cockroachdb+psycopg"), settings)
    return Direct(engine, write={"isolation_level": "SERIALIZABLE"}, read={"isolation_level": "SERIALIZABLE"})


def _psycopg(url: URL, settings: Settings) -> AsyncEngine:
    from agentcore.store.connecting import Connector

    return create_async_engine(
        url,
        async_creator=Connector(url, settings),
        isolation_level="AUTOCOMMIT",
        skip_autocommit_rollback=True,
        json_serializer=dumps,
        pool_size=settings.pool_size,
        max_overflow=0,
        pool_timeout=PATIENCE,
        pool_recycle=_RECYCLE,
        pool_use_lifo=True,  # so that few connections are busy and the others can be recycled
    )
