"""The tables. Each has its tenant; nothing joins across tenants, and nothing that an append changes is indexed."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, Table, Text, Uuid, and_
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from agentcore.store.columns import Bytewise, Json, Time


class Base(SQLModel, registry=registry()):  # its own metadata: your SQLModel tables are not ours to migrate
    pass


def _id(*parts: Any, **options: Any) -> Any:
    return Field(sa_column=Column(Uuid(as_uuid=False), *parts, **options))


def _text(**options: Any) -> Any:
    return Field(sa_column=Column(Text, **{"nullable": False, **options}))


def _count(**options: Any) -> Any:
    return Field(sa_column=Column(Integer, **{"nullable": False, **options}))


def _seq(**options: Any) -> Any:
    return Field(sa_column=Column(BigInteger, **{"nullable": False, **options}))


def _flag() -> Any:
    return Field(sa_column=Column(Boolean, nullable=False))


def _json(*, nullable: bool = False) -> Any:
    return Field(sa_column=Column(Json, nullable=nullable))


def _meta() -> Any:
    return Field(sa_column=Column("metadata", Json, nullable=False))


def _time(*, nullable: bool = True) -> Any:
    return Field(sa_column=Column(Time, nullable=nullable))


class Thread(Base, table=True):
    """A conversation. Locked before its runs."""

    id: str = _id(primary_key=True)
    tenant: str = _text()
    agent: str = _text()
    meta: dict[str, Any] = _meta()
    next_position: int = _count()
    head_id: str | None = _id(nullable=True)
    item_count: int = _count()
    summary: str | None = _text(nullable=True)
    summary_until: int = _count()
    state: dict[str, Any] | None = _json(nullable=True)
    revision: int | None = _count(nullable=True)
    branch_start: int | None = _count(nullable=True)
    created_at: datetime = _time(nullable=False)
    updated_at: datetime = _time(nullable=False)
    expires_at: datetime | None = _time()
    deleted_at: datetime | None = _time()


class Run(Base, table=True):
    """One piece of work on a thread."""

    id: str = _id(primary_key=True)
    tenant: str = _text()
    thread_id: str = _id(ForeignKey("thread.id"), nullable=False)
    agent: str = _text()
    input: Any = _json(nullable=True)
    root_id: str = _id(nullable=False)
    agent_version: str = _text()
    trigger: str = _text()
    position: int = _count()
    status: str = _text()
    output: Any = _json(nullable=True)
    error: Any = _json(nullable=True)
    meta: dict[str, Any] = _meta()
    config: dict[str, Any] = _json()
    request: dict[str, Any] | None = _json(nullable=True)
    webhook: str | None = _text(nullable=True)
    deltas: bool = _flag()
    wake_at: datetime | None = _time()
    fence: int = _count()
    failures: int = _count()
    last_seq: int = _seq()
    claimed_seq: int = _seq()
    history_end: int = _count()
    cancel_requested: str | None = _text(nullable=True)
    usage: dict[str, int] = _json()
    expires_at: datetime | None = _time()
    created_at: datetime = _time(nullable=False)
    started_at: datetime | None = _time()
    finished_at: datetime | None = _time()
    step_seq: int = _seq()  # of the last entry that counts as progress: deltas raise last_seq, never this
    kept: int = _count()  # of the journal: 2 all of it, 1 without deltas, 0 nothing


class Entry(Base, table=True):
    """One line of a run's journal. No foreign key: each insert comes from the row of its run."""

    run_id: str = _id(primary_key=True)
    seq: int = _seq(primary_key=True, autoincrement=False)
    tenant: str = _text()
    key: str = _text()
    kind: str = _text()
    data: Any = _json(nullable=True)
    created_at: datetime = _time(nullable=False)


class Item(Base, table=True):
    """One message of a thread's history."""

    thread_id: str = _id(primary_key=True)
    position: int = _count(primary_key=True, autoincrement=False)
    tenant: str = _text()
    run_id: str | None = _id(nullable=True)
    data: Any = _json()


class Revision(Base, table=True):
    """What a thread was after a client changed it, or after a run whose row is gone. It has a position as runs have."""

    thread_id: str = _id(primary_key=True)
    position: int = _count(primary_key=True, autoincrement=False)
    id: str = _id(nullable=False)
    tenant: str = _text()
    begin: int = _count()
    start: int = _count()
    end: int = _count()
    state: dict[str, Any] = _json()
    source: str = _text()
    created_at: datetime = _time(nullable=False)


class Question(Base, table=True):
    """One thing asked of a person."""

    id: str = _id(primary_key=True)
    tenant: str = _text()
    run_id: str = _id(ForeignKey("run.id"), nullable=False)
    thread_id: str = _id(nullable=False)
    kind: str = _text()
    key: str = _text()
    call_id: str = _text()
    agent: str = _text()
    tool: str = _text()
    arguments: Any = _json(nullable=True)
    arguments_hash: str = _text()
    status: str = _text()
    on_expiry: str = _text()
    expires_at: datetime | None = _time()
    decided_by: str | None = _text(nullable=True)
    decided_at: datetime | None = _time()
    note: str | None = _text(nullable=True)
    result: Any = _json(nullable=True)
    created_at: datetime = _time(nullable=False)


class Schedule(Base, table=True):
    """One alarm clock."""

    id: str = _id(primary_key=True)
    tenant: str = _text()
    agent: str = _text()
    input: Any = _json(nullable=True)
    due_at: datetime = _time(nullable=False)
    thread_id: str | None = _id(nullable=True)
    name: str = _text()
    cron: str | None = _text(nullable=True)
    timezone: str = _text()
    overlap: str = _text()
    misfire: str = _text()
    enabled: bool = _flag()
    last_run_id: str | None = _id(nullable=True)
    meta: dict[str, Any] = _meta()
    origin: str | None = _text(nullable=True)
    created_at: datetime = _time(nullable=False)


class Subscription(Base, table=True):
    """A sleeping run that waits for an event. A run sleeps at one place at a time."""

    run_id: str = _id(ForeignKey("run.id"), primary_key=True)
    tenant: str = _text()
    name: str = _text()
    correlation: str = _text()
    key: str = _text()
    expires_at: datetime | None = _time()


class Idempotency(Base, table=True):
    """A request or an event that was seen; of an event also what it said, for runs that are about to wait for it."""

    tenant: str = _text(primary_key=True)
    key: str = _text(primary_key=True)
    request_hash: str = _text()
    run_id: str | None = _id(nullable=True)
    name: str | None = _text(nullable=True)
    correlation: str | None = _text(nullable=True)
    data: Any = _json(nullable=True)
    created_at: datetime = _time(nullable=False)


class Delivery(Base, table=True):
    """What a run's webhook is to be told. No foreign key: it may outlive its run."""

    id: str = _id(primary_key=True)
    tenant: str = _text()
    run_id: str = _id(nullable=False)
    status: str = _text()
    attempts: int = _count()
    tries: int = _count()
    due_at: datetime | None = _time()
    attempted_at: datetime | None = _time()
    last_status: int | None = _count(nullable=True)
    last_error: str | None = _text(nullable=True)
    created_at: datetime = _time(nullable=False)
    finished_at: datetime | None = _time()


class StoreItem(Base, table=True):
    """A document. Its namespace is one text, so that a prefix of it is a range of the primary key."""

    __tablename__ = "store_item"

    tenant: str = _text(primary_key=True)
    namespace: str = Field(sa_column=Column(Bytewise, primary_key=True))
    key: str = Field(sa_column=Column(Bytewise, primary_key=True))
    value: dict[str, Any] = _json()
    created_at: datetime = _time(nullable=False)
    updated_at: datetime = _time(nullable=False)


class ApiKey(Base, table=True):
    """What a program calls with. Its secret is not here, only the hash of it."""

    __tablename__ = "api_key"

    id: str = _id(primary_key=True)
    tenant: str = _text()
    name: str = _text()
    hash: str = _text()
    scopes: list[str] = _json()
    expires_at: datetime | None = _time()
    revoked_at: datetime | None = _time()
    created_at: datetime = _time(nullable=False)


def _table(model: type[Base]) -> Table:
    return cast(Table, model.__table__)  # type: ignore[attr-defined]  # SQLModel does not declare it


metadata = Base.metadata
thread, run, entry, item = _table(Thread), _table(Run), _table(Entry), _table(Item)
question, schedule, subscription = _table(Question), _table(Schedule), _table(Subscription)
idempotency, revision, delivery = _table(Idempotency), _table(Revision), _table(Delivery)
store_item, api_key = _table(StoreItem), _table(ApiKey)


def _where(condition: Any) -> dict[str, Any]:
    return {"postgresql_where": condition, "sqlite_where": condition}


Index("thread_by_tenant", thread.c.tenant, thread.c.created_at, **_where(thread.c.deleted_at.is_(None)))
Index("thread_deleted", thread.c.deleted_at, **_where(thread.c.deleted_at.is_not(None)))
Index("run_by_position", run.c.thread_id, run.c.position, unique=True)
Index("run_by_tenant", run.c.tenant, run.c.created_at)
Index("run_by_status", run.c.tenant, run.c.status, run.c.created_at)
Index("run_due", run.c.wake_at, **_where(run.c.wake_at.is_not(None)))
Index("run_unfinished", run.c.id, **_where(run.c.finished_at.is_(None)))
Index("run_kept", run.c.kept, run.c.finished_at, **_where(and_(run.c.finished_at.is_not(None), run.c.kept > 0)))
Index("entry_by_key", entry.c.run_id, entry.c.key, unique=True)
Index("question_by_status", question.c.tenant, question.c.status, question.c.created_at)
Index("question_by_run", question.c.run_id)
Index("question_by_thread", question.c.thread_id)
Index("schedule_due", schedule.c.due_at, **_where(schedule.c.enabled))
Index("schedule_spent", schedule.c.due_at, **_where(and_(~schedule.c.enabled, schedule.c.cron.is_(None))))
Index("schedule_by_tenant", schedule.c.tenant, schedule.c.thread_id)
Index("schedule_by_origin", schedule.c.tenant, schedule.c.origin, **_where(schedule.c.origin.is_not(None)))
Index("subscription_by_name", subscription.c.tenant, subscription.c.name, subscription.c.correlation)
Index("idempotency_by_age", idempotency.c.created_at)
_event = (idempotency.c.tenant, idempotency.c.name, idempotency.c.created_at)
Index("event_by_name", *_event, **_where(idempotency.c.name.is_not(None)))
Index("delivery_due", delivery.c.due_at, **_where(delivery.c.due_at.is_not(None)))
Index("delivery_by_run", delivery.c.run_id)
Index("delivery_by_age", delivery.c.finished_at, **_where(delivery.c.finished_at.is_not(None)))
Index("api_key_by_tenant", api_key.c.tenant, api_key.c.created_at)
