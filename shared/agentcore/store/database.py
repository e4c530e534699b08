"""A connection to the database: transactions that are tried again, and single statements without a transaction."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import nullcontext
from typing import Any, TypeVar, cast

from sqlalchemy import ClauseElement, Compiled, Executable, Row
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from agentcore.errors import NotFound, Unavailable

T = TypeVar("T")
Params = Mapping[str, Any]

_CONFLICTS = {"40001", "40P01"}  # serialization failure, deadlock: nothing was done, so do it again
_TAKEN = "23505"  # a key that is unique is there already
_NO_UUID = "22P02"  # an id that is none: what it names does not exist
# Connection lost, server shutting down or starting, too many clients: by class, or by name.
_AWAY = ("08", "53", "57P")
PATIENCE = 10.0  # seconds that conflicts are tried again
_LOST = 3  # connections in a row, before the database counts as away


class Again(Exception):
    """Raised inside a transaction to roll it back and run it once more."""


class Tx:
    """An open transaction."""

    def __init__(self, connection: AsyncConnection, repeat: bool) -> None:
        self.connection = connection
        self.repeat = repeat  # the connection was lost before: an earlier attempt may have committed

    async def all(self, statement: Executable, **params: Any) -> Sequence[Row[Any]]:
        return (await self.connection.execute(statement, params)).all()

    async def first(self, statement: Executable, **params: Any) -> Row[Any] | None:
        return (await self.connection.execute(statement, params)).first()

    async def run(self, statement: Executable, params: Params | Sequence[Params]) -> int:
        """Execute, once or with each of a list; how many rows it touched."""
        return (await self.connection.execute(statement, params)).rowcount if params else 0


class Database:
    """One engine, whose connections are in autocommit unless a transaction is asked for."""

    def __init__(self, engine: AsyncEngine, *, write: Params, read: Params, one_writer: bool = False) -> None:
        self.engine = engine
        self.dialect = engine.dialect.name
        self._compiled: dict[Executable, Compiled] = {}  # the statements are module-level, so there are few
        self._write, self._read = engine.execution_options(**write), engine.execution_options(**read)
        # SQLite has one writer at a time: waiting here in line is fairer than polling its file lock.
        self._writer = asyncio.Lock() if one_writer else nullcontext()
        self._run = _whole if one_writer else _plain

    async def close(self) -> None:
        await self.engine.dispose()

    async def transaction(self, work: Callable[[Tx], Awaitable[T]], *, repeat: bool = False) -> T:
        """Run `work` in a transaction; once more after a conflict, or when the connection was lost.

        A lost connection may have committed: then `work` sees `tx.repeat` and looks for what it has done.
        """

        async def whole(lost: bool) -> T:
            async with self._write.begin() as connection:
                return await work(Tx(connection, repeat or lost))

        async def attempt(lost: bool) -> T:
            async with self._writer:
                return await self._run(whole(lost))

        return await _tried(attempt)

    async def fetch(self, statement: Executable, params: Params, *, write: bool = False) -> Sequence[Row[Any]]:
        """One statement, committed by itself. Repeated when the connection was lost, so it must bear that."""

        async def attempt(repeat: bool) -> Sequence[Row[Any]]:
            async with self._writer if write else nullcontext():
                return await self._run(self._execute(statement, params))

        return await _tried(attempt)

    async def once(self, statement: Executable, params: Params) -> Sequence[Row[Any]] | None:
        """One statement, committed by itself, that must not be repeated.

        No rows when it met a conflict and did nothing; None when nobody knows what became of it, as the connection was
        lost. The caller then does the same as a transaction; after None as one that looks first (`repeat`).
        """
        try:
            return await self._execute(statement, params)
        except PoolExhausted as error:
            raise Unavailable("Every connection to the database is busy. Try again soon.") from error
        except DBAPIError as error:
            if error.connection_invalidated:
                return None
            if _state(error) in _CONFLICTS | {_TAKEN}:
                return ()
            raise _known(error) from error.orig

    async def _execute(self, statement: Executable, params: Params) -> Sequence[Row[Any]]:
        """One statement, committed by itself."""
        async with self.engine.connect() as connection:
            return (await connection.execute(self._ready(statement), params)).all()

    def _ready(self, statement: Executable) -> Executable:
        """The statement, compiled once. SQLAlchemy's own cache leaves out all that say ON CONFLICT."""
        ready = self._compiled.get(statement)
        if ready is None:
            assert isinstance(statement, ClauseElement)
            ready = self._compiled[statement] = statement.compile(dialect=self.engine.dialect)
        return cast(Executable, ready)  # it executes, though its type does not say so

    async def moment(self, work: Callable[[Tx], Awaitable[T]]) -> T:
        """Run `work`, which only reads, all of it as of one moment."""

        async def whole() -> T:
            async with self._read.begin() as connection:
                return await work(Tx(connection, False))

        return await _tried(lambda repeat: self._run(whole()))


async def _plain(work: Coroutine[Any, Any, T]) -> T:
    return await work


async def _whole(work: Coroutine[Any, Any, T]) -> T:
    """Work that goes on to its end when its caller is cancelled, who waits for it.

    SQLite executes in a thread, which no cancellation stops: a connection that is let go of meanwhile keeps its lock
    on the file until the garbage collector finds it.
    """
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


async def _tried(attempt: Callable[[bool], Awaitable[T]]) -> T:
    """Bounded by time: how many conflicts there are before one gets through depends on how many others there are."""
    lost, number, end = 0, 0, time.monotonic() + PATIENCE
    while True:
        try:
            return await attempt(lost > 0)
        except PoolExhausted as error:
            raise Unavailable("Every connection to the database is busy. Try again soon.") from error
        except (Again, DBAPIError) as error:
            if isinstance(error, DBAPIError):
                lost += error.connection_invalidated
                if lost > _LOST or not (error.connection_invalidated or _conflict(error)):
                    raise _known(error) from error.orig
            if time.monotonic() >= end:
                raise Unavailable("The database is too busy: others were always first. Try again soon.") from error
        # Those who collided must not collide again: jitter, growing. (No secret hangs on it.)
        await asyncio.sleep(random.uniform(0, 0.005 * 2 ** min(number, 6)))  # noqa: S311
        number += 1


def _known(error: DBAPIError) -> Exception:
    """The error as others are to see it."""
    if _state(error) == _NO_UUID:
        return NotFound("There is nothing with this id.")
    return Unavailable("The database cannot be reached. Try again soon.") if _away(error) else error


def _away(error: DBAPIError) -> bool:
    if error.connection_invalidated or "database is locked" in str(error.orig):
        return True
    state = getattr(error.orig, "sqlstate", "")  # psycopg's errors have None where no server said anything
    return isinstance(error, OperationalError) and (state is None or state.startswith(_AWAY))


def _state(error: DBAPIError) -> str | None:
    return getattr(error.orig, "sqlstate", None)


def _conflict(error: DBAPIError) -> bool:
    return _state(error) in _CONFLICTS or "database is locked" in str(error.orig)
