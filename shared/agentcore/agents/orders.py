"""The shop that the shipped agents work for: a small real database beside the product's own.

Its five orders are samples and the same for every tenant; what happens to them is each tenant's own.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentcore.errors import Invalid, NotFound

_SCHEMA = """
create table if not exists orders (
  id text primary key, customer_id text not null, item text not null, status text not null,
  total_cents integer not null, currency text not null);
create table if not exists refunds (
  key text primary key, tenant text not null, order_id text not null references orders, cents integer not null,
  reason text not null);
create table if not exists promises (
  key text primary key, tenant text not null, thread_id text not null, promise text not null, due text not null);
create table if not exists outbox (
  key text primary key, tenant text not null, thread_id text not null, message text not null);
"""
_ORDERS = [
    ("1001", "ada", "desk lamp", "delivered", 4900, "EUR"),
    ("1002", "ada", "office chair", "shipped", 18900, "EUR"),
    ("1003", "grace", "standing desk", "delayed", 64900, "EUR"),
    ("1004", "linus", "monitor arm", "delivered", 9900, "EUR"),
    ("1005", "margaret", "keyboard", "cancelled", 12900, "EUR"),
]


def default_path() -> Path:
    """Where the shop's file is: beside the default database, or a temporary one where nothing can be written there."""
    home = Path(".agentcore")
    kept = os.access(home if home.exists() else ".", os.W_OK)
    return (home if kept else Path(tempfile.gettempdir()) / "agentcore") / "orders.db"


@dataclass(frozen=True, kw_only=True)
class Order:
    """One order, with what has been paid back of it."""

    id: str
    customer_id: str
    item: str
    status: str
    total_cents: int
    currency: str
    refunded_cents: int

    def money(self, cents: int) -> str:
        return f"{cents / 100:.2f} {self.currency}"


def get_order(tenant: str, order_id: str) -> Order:
    """The order. Raises NotFound, naming it."""
    with _database() as db:
        return _order(db, tenant, order_id)


def refund(tenant: str, order_id: str, amount: float, reason: str, *, key: str) -> Order:
    """Pay back part of an order; the same key again changes nothing. Returns the order as it is then.

    Raises NotFound for an order that does not exist, Invalid for more than is left of its price.
    """
    cents = round(amount * 100)
    with _database() as db:
        order = _order(db, tenant, order_id)
        if db.execute("select 1 from refunds where key = ?", (key,)).fetchone():
            return order
        left = order.total_cents - order.refunded_cents
        if not 0 < cents <= left:
            raise Invalid(f"amount: between 0.01 and {order.money(left)} can be refunded.", field="amount")
        db.execute("insert into refunds values (?, ?, ?, ?, ?)", (key, tenant, order.id, cents, reason))
        return _order(db, tenant, order_id)


def note_promise(tenant: str, thread_id: str, promise: str, due: str, *, key: str) -> None:
    """Remember a promise made in a conversation; the same key again changes nothing."""
    with _database() as db:
        db.execute("insert or ignore into promises values (?, ?, ?, ?, ?)", (key, tenant, thread_id, promise, due))


def promises(tenant: str, thread_id: str) -> list[tuple[str, str]]:
    """The promises of a conversation and when they are due, as they were made."""
    where = "where tenant = ? and thread_id = ? order by rowid"
    with _database() as db:
        return db.execute(f"select promise, due from promises {where}", (tenant, thread_id)).fetchall()  # noqa: S608


def send(tenant: str, thread_id: str, message: str, *, key: str) -> None:
    """Put a message for the customer into the outbox; the same key again sends nothing."""
    with _database() as db:
        db.execute("insert or ignore into outbox values (?, ?, ?, ?)", (key, tenant, thread_id, message))


def sent(tenant: str, thread_id: str) -> list[str]:
    """The messages of a conversation's outbox, oldest first."""
    where = "where tenant = ? and thread_id = ? order by rowid"
    with _database() as db:
        return [m for (m,) in db.execute(f"select message from outbox {where}", (tenant, thread_id))]  # noqa: S608


@contextmanager
def _database() -> Iterator[sqlite3.Connection]:
    """One transaction that takes the write lock at once, so that what it reads is still so when it writes.

    As all of them do, a write-ahead log would gain nothing, and switching to one is not safe while others open it.
    """
    db = _connect(default_path())
    try:
        db.execute("begin immediate")
        yield db
        db.execute("commit")
    except BaseException:
        if db.in_transaction:
            db.execute("rollback")
        raise
    finally:
        db.close()


def _connect(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(path, timeout=10.0, isolation_level=None)
    try:
        if not db.execute("select 1 from sqlite_master where name = 'outbox'").fetchone():
            _create(db)
    except BaseException:
        db.close()
        raise
    return db


def _create(db: sqlite3.Connection) -> None:
    db.executescript(f"begin immediate; {_SCHEMA}")
    db.executemany("insert or ignore into orders values (?, ?, ?, ?, ?, ?)", _ORDERS)
    db.execute("commit")


def _order(db: sqlite3.Connection, tenant: str, order_id: str) -> Order:
    row: tuple[Any, ...] | None = db.execute(
        "select id, customer_id, item, status, total_cents, currency,"
        " (select coalesce(sum(cents), 0) from refunds where tenant = ? and order_id = orders.id)"
        " from orders where id = ?",
        (tenant, order_id.strip().lstrip("#")),
    ).fetchone()
    if row is None:
        raise NotFound(f"There is no order {order_id!r}.", field="order_id")
    fields = ("id", "customer_id", "item", "status", "total_cents", "currency", "refunded_cents")
    return Order(**dict(zip(fields, row, strict=True)))
