"""Column types and clock expressions that mean the same on every database."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import JSON, Boolean, ColumnElement, Date, DateTime, Dialect, Float, String, Text, bindparam
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine

from agentcore.storable import clean

# Compared byte by byte everywhere, so that what begins alike is one range of the index, whatever the locale.
Bytewise = Text().with_variant(Text(collation="C"), "postgresql")

# A None in a JSON column is SQL's NULL, so that "is null" means what it says.
Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql", "cockroachdb")


class Time(TypeDecorator[datetime]):
    """An aware UTC datetime: timestamptz, or on SQLite text that sorts by time."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(String(26) if dialect.name == "sqlite" else DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("A time without a zone came to the store.")
        if dialect.name != "sqlite":
            return value
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if isinstance(value, str):
            return datetime.fromisoformat(value).replace(tzinfo=UTC)
        return value.astimezone(UTC) if value is not None else None


class now(FunctionElement[datetime]):
    """The database's clock. A worker's clock is never compared with a lease or a due time."""

    type = Time()
    inherit_cache = True


class plus(FunctionElement[datetime]):
    """A time, and so many seconds. NULL where either is."""

    type = Time()
    inherit_cache = True


def later(name: str) -> ColumnElement[datetime]:
    """The database's clock and the seconds bound to `name`."""
    return plus(now(), bindparam(name, type_=Float))


@compiles(now)
def _now(element: now, compiler: SQLCompiler, **options: Any) -> str:
    return "now()"


@compiles(now, "sqlite")
def _now_sqlite(element: now, compiler: SQLCompiler, **options: Any) -> str:
    return "strftime('%Y-%m-%d %H:%M:%f000', 'now')"


@compiles(plus)
def _plus(element: plus, compiler: SQLCompiler, **options: Any) -> str:
    time, seconds = (compiler.process(clause, **options) for clause in element.clauses)
    return f"({time} + {seconds} * INTERVAL '1 second')"


@compiles(plus, "sqlite")
def _plus_sqlite(element: plus, compiler: SQLCompiler, **options: Any) -> str:
    time, seconds = (compiler.process(clause, **options) for clause in element.clauses)
    return f"strftime('%Y-%m-%d %H:%M:%f000', {time}, {seconds} || ' seconds')"


class day(FunctionElement[date]):
    """The UTC day of a time."""

    type = Date()
    inherit_cache = True


@compiles(day)
def _day(element: day, compiler: SQLCompiler, **options: Any) -> str:
    return f"CAST({compiler.process(element.clauses, **options)} AT TIME ZONE 'UTC' AS DATE)"


@compiles(day, "sqlite")
def _day_sqlite(element: day, compiler: SQLCompiler, **options: Any) -> str:
    return f"date({compiler.process(element.clauses, **options)})"


class contains(FunctionElement[bool]):
    """Whether a JSON value contains another: see `agentcore.matching`."""

    type = Boolean()
    inherit_cache = True


@compiles(contains)
def _contains(element: contains, compiler: SQLCompiler, **options: Any) -> str:
    whole, part = (compiler.process(clause, **options) for clause in element.clauses)
    return f"({whole} @> {part})"


@compiles(contains, "sqlite")
def _contains_sqlite(element: contains, compiler: SQLCompiler, **options: Any) -> str:
    whole, part = (compiler.process(clause, **options) for clause in element.clauses)
    return f"agentcore_contains({whole}, {part})"


class beginning(FunctionElement[str]):
    """What of a text a pattern matches at its start."""

    type = Bytewise
    inherit_cache = True


@compiles(beginning)
def _beginning(element: beginning, compiler: SQLCompiler, **options: Any) -> str:
    text, pattern = (compiler.process(clause, **options) for clause in element.clauses)
    # Of a pattern with groups the first comes back: so that is all of it.
    return f"substring({text} from '(' || {pattern} || ')')"


@compiles(beginning, "sqlite")
def _beginning_sqlite(element: beginning, compiler: SQLCompiler, **options: Any) -> str:
    return f"agentcore_beginning({compiler.process(element.clauses, **options)})"


_strictly = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def dumps(value: Any) -> str:
    """JSON as every database takes it: PostgreSQL refuses NUL, lone surrogates and numbers that are none.

    Such a character may come from any tool or model, and must not make its run impossible to store.
    """
    try:
        text = _strictly(value)
        text.encode()
    except ValueError:  # a UnicodeEncodeError is one
        return _strictly(clean(value))
    return _strictly(clean(value)) if "\\u0000" in text else text
