"""Stopping runs before their end: interrupt keeps what they did, rollback drops it."""

from __future__ import annotations

from sqlalchemy import bindparam, select

from agentcore.errors import EffectsHappened
from agentcore.records import Entry, Thread, effects_started
from agentcore.store.database import Tx
from agentcore.store.held import Held, lock_run
from agentcore.store.journal import read_steps
from agentcore.store.tables import run

_BEHIND = (
    select(run.c.id)
    .where(run.c.thread_id == bindparam("id"), run.c.position > bindparam("after"), run.c.status == "queued")
    .order_by(run.c.position)
)


async def stop_head(tx: Tx, held: Held, action: str, *, redelivery: float) -> tuple[str, ...]:
    """Ask the run at the head to stop; its id where somebody must be told. EffectsHappened."""
    if action == "rollback" and effects_started(await read_steps(tx, held.run.id)):
        raise EffectsHappened(
            f"Run {held.run.id} has started a tool that changes the world. Interrupt it instead.", run_id=held.run.id
        )
    if held.run.cancel_requested == "rollback":
        action = "rollback"  # promised before
    if held.run.status == "running":
        await held.save(cancel_requested=action)  # its worker learns of it with its next write
        return ()
    await held.let_go()
    await held.due(redelivery, cancel_requested=action)
    return (held.run.id,)


async def stop_behind(tx: Tx, thread: Thread, after: int, action: str) -> None:
    """End the runs that wait behind the head: they never started."""
    for row in await tx.all(_BEHIND, id=thread.id, after=after):
        held = await lock_run(tx, row.id)
        assert held is not None
        await stop_waiting(held, action)


async def stop_waiting(held: Held, action: str) -> None:
    """End a run that never started."""
    await held.write([Entry(key="cancelled", kind="cancelled", data={"kept": False})])
    await held.end(status="cancelled", cancel_requested=action)
