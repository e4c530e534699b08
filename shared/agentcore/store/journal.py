"""Reading a run with its journal, inside a transaction."""

from __future__ import annotations

from sqlalchemy import bindparam, select

from agentcore.records import Claim, Entry, Item, Run, Thread
from agentcore.store.database import Tx
from agentcore.store.rows import ENTRY, RUN, THREAD, to_entry, to_item, to_run, to_thread
from agentcore.store.tables import entry, item, run, thread

ONE_RUN = select(*RUN).where(run.c.id == bindparam("id"))
STEPS_OF = select(*ENTRY).where(entry.c.run_id == bindparam("id"), entry.c.kind != "delta").order_by(entry.c.seq)
NEWEST = (
    select(item.c.position, item.c.run_id, item.c.data)
    .where(item.c.thread_id == bindparam("id"), item.c.position < bindparam("end"))
    .order_by(item.c.position.desc())
    .limit(bindparam("window"))
)
_THREAD = select(*THREAD).where(thread.c.id == bindparam("id"))


async def read_run(tx: Tx, run_id: str) -> Run | None:
    row = await tx.first(ONE_RUN, id=run_id)
    return to_run(row) if row else None


async def read_steps(tx: Tx, run_id: str) -> tuple[Entry, ...]:
    """The journal but its deltas."""
    return tuple(to_entry(row) for row in await tx.all(STEPS_OF, id=run_id))


async def read_items(tx: Tx, of: Run, window: int) -> tuple[Item, ...]:
    """The newest of the history before a run."""
    rows = await tx.all(NEWEST, id=of.thread_id, end=of.history_end, window=window)
    return tuple(to_item(row) for row in reversed(rows))


async def read_claim(tx: Tx, claimed: Run, window: int) -> Claim:
    """All that a worker needs of a run it holds."""
    row = await tx.first(_THREAD, id=claimed.thread_id)
    assert row is not None
    thread: Thread = to_thread(row)
    return Claim(
        run=claimed,
        entries=await read_steps(tx, claimed.id),
        items=await read_items(tx, claimed, window),
        summary=thread.summary,
        summary_until=thread.summary_until,
        next_position=thread.next_position,
    )
