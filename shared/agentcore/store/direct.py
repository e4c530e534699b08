"""Single statements given to psycopg directly. SQLAlchemy builds them and keeps the connections, and stands aside in
between: what it would work out at each execution is worked out once, which halves what a statement costs."""

from __future__ import annotations

import re
from collections import namedtuple
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import Dialect, Executable, PoolProxiedConnection, Row
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import SelectBase, UpdateBase
from sqlalchemy.util import greenlet_spawn

from agentcore.store.database import Database, Params


class Direct(Database):
    """A database whose driver is psycopg."""

    def __init__(self, engine: AsyncEngine, *, write: Params, read: Params) -> None:
        super().__init__(engine, write=write, read=read)
        self._cache: dict[Executable, Shaped | None] = {}  # the statements are module-level, so there are few
        self.cursor = psycopg.AsyncRawCursor[Any]

    async def _execute(self, statement: Executable, params: Params) -> Sequence[Row[Any]]:
        shaped = self._shaped(statement)
        if shaped is None:
            return await super()._execute(statement, params)
        bound = shaped.bind(params)
        connection = await self._connection(shaped.text)
        driver: Any = connection.driver_connection
        try:
            cursor = await self.cursor(driver).execute(shaped.query, bound)
            return shaped.rows(await cursor.fetchall())
        except psycopg.Error as error:
            if driver.closed or driver.broken:
                await self._drop(connection, error)
            raise _told(error, shaped.text, self.engine.dialect, lost=not connection.is_valid) from error
        except BaseException:
            if driver.info.transaction_status is not TransactionStatus.IDLE:  # cancelled, and not come to rest
                await greenlet_spawn(connection.invalidate)
            raise
        finally:
            connection.close()  # back to the pool: that awaits nothing, in autocommit and while the pool is in use

    def _shaped(self, statement: Executable) -> Shaped | None:
        """None where SQLAlchemy is needed: for SQL as text, and for IN with a list."""
        if statement not in self._cache:
            self._cache[statement] = shaped(statement, self.engine.dialect)
        return self._cache[statement]

    async def _connection(self, text: str) -> PoolProxiedConnection:
        try:
            return await self.engine.raw_connection()
        except psycopg.Error as error:
            raise _told(error, text, self.engine.dialect, lost=False) from error

    async def _drop(self, connection: PoolProxiedConnection, error: psycopg.Error) -> None:
        """Forget a connection that was lost, and with it those that are as old: most likely they were too."""
        # What SQLAlchemy does where it executes by itself; it has no public name.
        await greenlet_spawn(self.engine.pool._invalidate, connection, error)


class Shaped:
    """A compiled statement, and what happens to values on their way in and out."""

    def __init__(self, statement: SelectBase | UpdateBase, compiled: SQLCompiler, dialect: Dialect) -> None:
        self.text, names = _numbered(str(compiled))
        self.query = self.text.encode()
        given = {name: parameter for parameter, name in compiled.bind_names.items()}
        into = {name: one.type.dialect_impl(dialect).bind_processor(dialect) for name, one in given.items()}
        self._into = [(name, into[name]) for name in names]
        self._fixed = {name: one.effective_value for name, one in given.items() if not one.required}
        columns = statement.exported_columns
        # (mypy wants to know the names; a column without one of its own gets its number.)
        row = namedtuple("Row", [str(column.key) for column in columns], rename=True)  # type: ignore[misc]
        self._row: Callable[[Iterable[Any]], Any] = row._make
        out = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns]
        self._out = [(place, convert) for place, convert in enumerate(out) if convert]

    def bind(self, params: Params) -> list[Any]:
        given = {**self._fixed, **params}
        return [convert(given[name]) if convert else given[name] for name, convert in self._into]

    def rows(self, found: Sequence[Sequence[Any]]) -> Sequence[Row[Any]]:
        """What is used of SQLAlchemy's rows, a named tuple has as well, in a fifth of the time."""
        rows = [list(row) for row in found]
        for row in rows:
            for place, convert in self._out:
                row[place] = convert(row[place])
        return [self._row(row) for row in rows]


def _numbered(text: str) -> tuple[str, list[str]]:
    """A statement with placeholders as PostgreSQL itself has them, so that psycopg need not look for them each time."""
    names: dict[str, int] = {}

    def number(found: re.Match[str]) -> str:
        return f"${names.setdefault(found[1], len(names) + 1)}" if found[1] else "%"

    return re.sub(r"%\((\w+)\)s|%%", number, text), list(names)


def shaped(statement: Executable, dialect: Dialect) -> Shaped | None:
    if not isinstance(statement, (SelectBase, UpdateBase)):
        return None
    compiled = statement.compile(dialect=dialect)
    assert isinstance(compiled, SQLCompiler)
    return None if compiled.post_compile_params else Shaped(statement, compiled, dialect)


def _told(error: psycopg.Error, text: str, dialect: Dialect, *, lost: bool) -> BaseException:
    """A driver's error as SQLAlchemy would raise it."""
    return DBAPIError.instance(text, {}, error, psycopg.Error, connection_invalidated=lost, dialect=dialect)
