"""Rows ↔ records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Table

from agentcore.records import ApiKey, Delivery, Entry, Item, Question, Run, Schedule, Thread
from agentcore.store.tables import api_key, delivery, entry, question, run, schedule, thread


def _columns(table: Table, record: type[Any]) -> tuple[ColumnElement[Any], ...]:
    return tuple(table.c[field.name] for field in fields(record))


THREAD, RUN = _columns(thread, Thread), _columns(run, Run)
QUESTION, SCHEDULE = _columns(question, Question), _columns(schedule, Schedule)
DELIVERY = _columns(delivery, Delivery)
API_KEY = _columns(api_key, ApiKey)
ENTRY = (entry.c.seq, entry.c.key, entry.c.kind, entry.c.data, entry.c.created_at)

_THREAD = tuple(field.name for field in fields(Thread))
_RUN = tuple(field.name for field in fields(Run))


def to_thread(row: Row[Any]) -> Thread:
    """A thread, from a row that may have more columns."""
    return Thread(**{name: getattr(row, name) for name in _THREAD})


def to_run(row: Row[Any]) -> Run:
    """A run, from a row that may have more columns."""
    return Run(**{name: getattr(row, name) for name in _RUN})


def to_question(row: Row[Any]) -> Question:
    return Question(**row._asdict())


def to_schedule(row: Row[Any]) -> Schedule:
    return Schedule(**row._asdict())


def to_delivery(row: Row[Any]) -> Delivery:
    return Delivery(**row._asdict())


def to_key(row: Row[Any]) -> ApiKey:
    return ApiKey(**{**row._asdict(), "scopes": tuple(row.scopes)})


def to_entry(row: Row[Any]) -> Entry:
    return Entry(seq=row.seq, key=row.key, kind=row.kind, data=row.data, created_at=row.created_at)


def to_item(row: Row[Any]) -> Item:
    return Item(position=row.position, run_id=row.run_id, data=row.data)


def entries_of(lines: Sequence[Sequence[Any]] | None) -> tuple[Entry, ...]:
    """Entries that came as JSON, with their run, in one statement."""
    return tuple(
        Entry(seq=seq, key=key, kind=kind, data=data, created_at=_time(at)) for seq, key, kind, data, at in lines or ()
    )


def items_of(lines: Sequence[Sequence[Any]] | None) -> tuple[Item, ...]:
    """Items that came as JSON."""
    return tuple(Item(position=position, run_id=run_id, data=data) for position, run_id, data in lines or ())


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def values(record: Any, **changes: Any) -> dict[str, Any]:
    """A record as the parameters of an insert."""
    found = {**vars(record), **changes}  # in the order of its fields, as records have nothing else
    return {name: dict(v) if isinstance(v, Mapping) else v for name, v in found.items()}
