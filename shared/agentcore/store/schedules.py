"""Alarm clocks: stored, and rung."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import Row, bindparam, delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from agentcore.errors import LimitExceeded, NotFound
from agentcore.records import Accepted, Run, Schedule
from agentcore.store.accepting import Terms, place, scoped
from agentcore.store.base import Verbs
from agentcore.store.columns import now
from agentcore.store.database import Again, Tx
from agentcore.store.held import lock_thread, save_thread
from agentcore.store.rows import SCHEDULE, to_schedule, values
from agentcore.store.tables import schedule

log = logging.getLogger("agentcore.store")

_ONE = select(*SCHEDULE).where(schedule.c.id == bindparam("id"))
_LOCKED = _ONE.with_for_update()
_OF_TENANT = _ONE.where(schedule.c.tenant == bindparam("tenant"))
_LIST = (
    select(*SCHEDULE)
    .where(schedule.c.tenant == bindparam("tenant"))
    .order_by(schedule.c.created_at, schedule.c.id)
    .limit(bindparam("limit"))
    .offset(bindparam("offset"))
)
_THREAD_IS = schedule.c.thread_id == bindparam("thread_id")
_LIST_OF_THREAD = _LIST.where(_THREAD_IS)
_RINGING_OF_THREAD = _LIST_OF_THREAD.where(schedule.c.enabled)
_OTHERS = (
    select(schedule.c.id)
    .where(schedule.c.tenant == bindparam("tenant"), schedule.c.id != bindparam("id"))
    # A paused one counts, one that rang for good does not.
    .where(or_(schedule.c.enabled, schedule.c.cron.is_not(None), schedule.c.due_at > now()))
    .limit(bindparam("most"))
)
# SQLite took this syntax over from PostgreSQL, and SQLAlchemy compiles it for both.
_INSERT = insert(schedule).values(created_at=now()).on_conflict_do_nothing().returning(schedule.c.id)
UPDATE = update(schedule).where(schedule.c.id == bindparam("the_schedule"))
_DELETE = (
    delete(schedule)
    .where(schedule.c.tenant == bindparam("of_tenant"), schedule.c.id == bindparam("the_schedule"))
    .returning(schedule.c.id)
)
_DROP = (
    delete(schedule)
    .where(schedule.c.origin == bindparam("the_origin"), schedule.c.tenant == bindparam("of_tenant"))
    .where(schedule.c.id.not_in(bindparam("keep", expanding=True)))
)
_LOCKED_NOW = (
    select(*SCHEDULE, now().label("clock"))
    .where(schedule.c.tenant == bindparam("tenant"), schedule.c.id == bindparam("id"))
    .with_for_update()
)
_DELETE_OF_THREAD = _DELETE.where(_THREAD_IS)


class Schedules(Verbs):
    async def put_schedule(self, schedule: Schedule, *, most: int, keep: bool = False) -> Schedule:
        async def work(tx: Tx) -> Schedule:
            before = await tx.first(_LOCKED, id=schedule.id)
            if before and before.tenant != schedule.tenant:
                raise _missing(schedule.id)
            if before and keep:
                return to_schedule(before)
            await self._queue_up(tx, schedule)
            await _check_limit(tx, schedule, most)
            params = values(schedule)
            del params["created_at"]
            if before:
                known = {"last_run_id": schedule.last_run_id or before.last_run_id}
                await tx.run(UPDATE, {"the_schedule": schedule.id, **params, **known})
            elif not await tx.first(_INSERT, **params):
                raise Again  # somebody stored it at the same time
            row = await tx.first(_ONE, id=schedule.id)
            assert row is not None
            return to_schedule(row)

        return await self.database.transaction(work)

    async def change_schedule(
        self, tenant: str, schedule_id: str, change: Callable[[Schedule, datetime], Schedule]
    ) -> Schedule:
        async def work(tx: Tx) -> Schedule:
            row = await tx.first(_LOCKED_NOW, tenant=tenant, id=schedule_id)
            if row is None:
                raise _missing(schedule_id)
            old = without_clock(row)
            new = change(old, row.clock)
            await self._queue_up(tx, new)
            if not old.enabled or new.thread_id != old.thread_id:
                limits = self.settings
                await _check_limit(
                    tx, new, limits.schedules_per_thread if new.thread_id else limits.schedules_per_tenant
                )  # fmt: skip
            await tx.run(UPDATE, {"the_schedule": new.id, **values(new)})
            return new

        return await self.database.transaction(work)

    async def ring_now(
        self, tenant: str, schedule_id: str, run_id: str, *, redelivery: float, version: Callable[[str], str],
        idempotency_key: str | None = None,
    ) -> Accepted:  # fmt: skip
        key = scoped("schedule", schedule_id, idempotency_key) if idempotency_key is not None else None
        terms = Terms(redelivery=redelivery, key=key, life=self.settings.run_ttl)

        async def work(tx: Tx) -> Accepted:
            row = await tx.first(_LOCKED_NOW, tenant=tenant, id=schedule_id)
            if row is None:
                raise _missing(schedule_id)
            one = without_clock(row)
            accepted = await place(tx, run_of(one, run_id, version(one.agent)), terms)
            if accepted.created:
                await tx.run(UPDATE, {"the_schedule": one.id, "last_run_id": accepted.run.id})
            return accepted

        return await self.database.transaction(work)

    async def drop_schedules(self, tenant: str, origin: str, *, keep: Sequence[str]) -> int:
        async def work(tx: Tx) -> int:
            return await tx.run(_DROP, {"of_tenant": tenant, "the_origin": origin, "keep": list(keep)})

        return await self.database.transaction(work)

    async def _queue_up(self, tx: Tx, schedule: Schedule) -> None:
        """Two who store at once must count each other's."""
        thread = await lock_thread(tx, schedule.thread_id) if schedule.thread_id else None
        if thread and (thread.tenant != schedule.tenant or thread.deleted_at is not None):
            raise NotFound(f"There is no thread {schedule.thread_id}.", thread_id=schedule.thread_id)
        if thread:
            await save_thread(tx, thread.id)  # a run that ends there, and waits for this lock, sees that it changed

    async def schedules(
        self, tenant: str, *, thread_id: str | None = None, limit: int = 50, offset: int = 0
    ) -> list[Schedule]:
        statement = _LIST if thread_id is None else _LIST_OF_THREAD
        params = {"tenant": tenant, "limit": limit, "offset": offset, "thread_id": thread_id}
        return [to_schedule(row) for row in await self.database.fetch(statement, params)]

    async def ringing(self, tenant: str, thread_id: str, *, limit: int) -> list[Schedule]:
        params = {"tenant": tenant, "thread_id": thread_id, "limit": limit, "offset": 0}
        return [to_schedule(row) for row in await self.database.fetch(_RINGING_OF_THREAD, params)]

    async def schedule(self, tenant: str, schedule_id: str) -> Schedule:
        rows = await self.database.fetch(_OF_TENANT, {"tenant": tenant, "id": schedule_id})
        if not rows:
            raise _missing(schedule_id)
        return to_schedule(rows[0])

    async def delete_schedule(self, tenant: str, schedule_id: str, *, thread_id: str | None = None) -> None:
        statement, params = _DELETE, {"of_tenant": tenant, "the_schedule": schedule_id}
        if thread_id is not None:
            statement, params["thread_id"] = _DELETE_OF_THREAD, thread_id

        async def work(tx: Tx) -> None:
            found = await tx.first(statement, **params)
            if not found and not tx.repeat:
                raise _missing(schedule_id)

        await self.database.transaction(work)


def _missing(schedule_id: str) -> NotFound:
    return NotFound(f"There is no schedule {schedule_id}.", schedule_id=schedule_id)


async def _check_limit(tx: Tx, schedule: Schedule, most: int) -> None:
    if not schedule.enabled:
        return
    statement, params = _OTHERS, {"tenant": schedule.tenant, "id": schedule.id, "most": most}
    scope, setting = "tenant", "AGENTCORE_SCHEDULES_PER_TENANT"
    if schedule.thread_id is not None:
        statement = statement.where(_THREAD_IS)
        params["thread_id"], scope, setting = schedule.thread_id, "thread", "AGENTCORE_SCHEDULES_PER_THREAD"
    if len(await tx.all(statement, **params)) >= most:
        raise LimitExceeded(f"A {scope} can have at most {most} schedules ({setting}).", most=most)


def without_clock(row: Row[Any]) -> Schedule:
    return Schedule(**{name: value for name, value in row._asdict().items() if name != "clock"})


def run_of(one: Schedule, run_id: str, version: str) -> Run:
    """The run of one ring."""
    thread_id = one.thread_id or str(uuid5(UUID(run_id), "thread"))
    return Run(
        id=run_id, root_id=run_id, tenant=one.tenant, thread_id=thread_id, agent=one.agent, input=one.input,
        agent_version=version, trigger="schedule", metadata={"schedule": one.id}, deltas=False,
    )  # fmt: skip
