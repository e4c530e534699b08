"""Runs that sleep, and what wakes them before their time."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, select

from agentcore.records import Entry
from agentcore.store.database import Tx
from agentcore.store.held import Held
from agentcore.store.tables import entry

_SLEPT = (
    select(entry.c.data)
    .where(entry.c.run_id == bindparam("id"), entry.c.kind == "slept")
    .order_by(entry.c.seq.desc())
    .limit(1)
)


async def wake(tx: Tx, held: Held, *, by: str, redelivery: float, data: Any = None, key: str = "") -> tuple[str, ...]:
    """Queue a sleeping run, saying in its journal what woke it; its id, to be sent."""
    key = key or await _sleeps_at(tx, held)
    told = {"by": by, "data": data} if by == "event" else {"by": by}
    await held.write([Entry(key=f"woke:{key}", kind="woke", data=told)])
    await held.unsubscribe()
    await held.due(redelivery)
    return (held.run.id,)


async def _sleeps_at(tx: Tx, held: Held) -> str:
    """The call that sleeps: the run's last, as it sleeps at one place at a time."""
    row = await tx.first(_SLEPT, id=held.run.id)
    return str(row.data["key"]) if row else ""
