"""What time does to runs: sweep those that are due, forget what retention lets go."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BindParameter, Select, bindparam, case, delete, or_, select, update

from agentcore.store.base import Verbs
from agentcore.store.columns import later, now
from agentcore.store.database import Tx
from agentcore.store.tables import delivery, entry, idempotency, run, schedule

_KEY_AGE = 86_400.0  # seconds that idempotency keys are kept at least

_due = run.alias("due")
_DUE = select(_due.c.id).where(_due.c.wake_at <= now()).order_by(_due.c.wake_at).limit(bindparam("limit"))


def _sweep(due: Select[Any]) -> Any:
    return (
        update(run)
        # The second condition is checked again on a row that another sweep had locked: each run is taken once.
        .where(run.c.id.in_(due), run.c.wake_at <= now())
        .values(
            status="queued",
            fence=run.c.fence + 1,
            wake_at=later("redelivery"),
            # A dead worker's attempt failed unless it added a step; a claim will not see that it was running.
            failures=case(
                (run.c.status != "running", run.c.failures),
                (run.c.step_seq > run.c.claimed_seq, 0),
                else_=run.c.failures + 1,
            ),
        )
        .returning(run.c.id)
    )


_SWEEP, _SWEEP_SKIPPING = _sweep(_DUE), _sweep(_DUE.with_for_update(skip_locked=True))
_RELEASE = (
    update(run)
    # A queued run's message died with the process's own bus.
    .where(run.c.wake_at.is_not(None), run.c.status.in_(("running", "queued")))
    .values(wake_at=now())
    .returning(run.c.id)
)

_ENDED = (
    select(run.c.id)
    .where(run.c.kept == bindparam("kept"), run.c.kept > 0, run.c.finished_at <= later("age"))
    .order_by(run.c.finished_at)
    .limit(bindparam("limit"))
)
_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_FORGET = delete(entry).where(entry.c.run_id.in_(_IDS))
_FORGET_DELTAS = _FORGET.where(entry.c.kind == "delta")
_KEPT = update(run).where(run.c.id.in_(_IDS)).values(kept=bindparam("left"))
_SPENT = (
    select(idempotency.c.tenant, idempotency.c.key)
    .where(idempotency.c.created_at <= later("age"))
    .limit(bindparam("limit"))
)
_FORGET_KEY = delete(idempotency).where(
    idempotency.c.tenant == bindparam("of_tenant"), idempotency.c.key == bindparam("the_key")
)
_OLD_DELIVERIES = (
    select(delivery.c.id)
    .where(delivery.c.finished_at <= later("age"))
    .order_by(delivery.c.finished_at)
    .limit(bindparam("limit"))
)
_FORGET_DELIVERIES = delete(delivery).where(delivery.c.id.in_(_OLD_DELIVERIES)).returning(delivery.c.id)
# Those that rang for good, or that skip a missed time and missed theirs. One that a person paused did neither. A
# registered one stays: the next start would take it for new, and it would ring again.
_SPENT_SCHEDULES = (
    select(schedule.c.id)
    .where(~schedule.c.enabled, schedule.c.cron.is_(None), schedule.c.due_at <= later("age"))
    .where(or_(schedule.c.last_run_id.is_not(None), schedule.c.misfire == "skip"))
    .where(schedule.c.origin.is_(None))
    .order_by(schedule.c.due_at)
    .limit(bindparam("limit"))
)
_FORGET_SCHEDULES = delete(schedule).where(schedule.c.id.in_(_SPENT_SCHEDULES)).returning(schedule.c.id)


class Due(Verbs):
    async def sweep(self, *, limit: int, redelivery: float) -> tuple[str, ...]:
        statement = _SWEEP_SKIPPING if self.skip_locked else _SWEEP
        rows = await self.database.fetch(statement, {"limit": limit, "redelivery": redelivery}, write=True)
        return tuple(row.id for row in rows)

    async def release_leases(self) -> int:
        return len(await self.database.fetch(_RELEASE, {}, write=True))

    async def prune(self, *, entries_after: float, limit: int) -> int:
        done = await self._forget(2, 0.0, limit) + await self._forget(1, entries_after, limit)

        async def keys(tx: Tx) -> int:
            spent = await tx.all(_SPENT, age=-max(entries_after, _KEY_AGE), limit=limit)
            return await tx.run(_FORGET_KEY, [{"of_tenant": row.tenant, "the_key": row.key} for row in spent])

        for statement in (_FORGET_DELIVERIES, _FORGET_SCHEDULES):
            done += len(await self.database.fetch(statement, {"age": -entries_after, "limit": limit}, write=True))
        return done + await self.database.transaction(keys)

    async def _forget(self, kept: int, age: float, limit: int) -> int:
        """Of ended runs the deltas first, their whole journal when they are old enough; how many runs."""

        async def work(tx: Tx) -> int:
            ended = _ENDED.with_for_update(skip_locked=True) if self.skip_locked else _ENDED
            ids = [row.id for row in await tx.all(ended, kept=kept, age=-age, limit=limit)]
            if ids:
                await tx.run(_FORGET_DELTAS if kept == 2 else _FORGET, {"ids": ids})
                await tx.run(_KEPT, {"ids": ids, "left": kept - 1})
            return len(ids)

        return await self.database.transaction(work)
