"""Stopping runs before their end: interrupt keeps what they did, rollback drops it."""

from __future__ import annotations

from sqlalchemy import and_, bindparam, select, update

from agentcore.errors import EffectsHappened
from agentcore.records import Entry, Thread, effects_started
from agentcore.store.database import Tx
from agentcore.store.held import Held, lock_run
from agentcore.store.journal import read_steps
from agentcore.store.tables import run

_MESSAGES_BEHIND = and_(
    run.c.thread_id == bindparam("of_thread"),
    run.c.position > bindparam("after"),
    run.c.status == "queued",
    run.c.trigger == "message",
)
_BEHIND = select(run.c.id).where(_MESSAGES_BEHIND).order_by(run.c.position)
_INTERRUPT = update(run).where(_MESSAGES_BEHIND).values(cancel_requested="interrupt")


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
    """Pass over the messages that wait behind the head. What a schedule or an event started is not theirs to stop.

    A rollback ends them here and now. Interrupted ones keep their turn and end in it, each with what was said: their
    input comes after what the head still has to store.
    """
    behind = {"of_thread": thread.id, "after": after}
    if action == "interrupt":
        await tx.run(_INTERRUPT, behind)
        return
    for row in await tx.all(_BEHIND, **behind):
        held = await lock_run(tx, row.id)
        assert held is not None
        await stop_waiting(held, action)


async def stop_waiting(held: Held, action: str) -> None:
    """End a run that never started."""
    await held.write([Entry(key="cancelled", kind="cancelled", data={"kept": False})])
    await held.end(status="cancelled", cancel_requested=action)
