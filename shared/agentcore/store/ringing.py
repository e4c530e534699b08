"""Schedules that are due become runs: those that are simple many at a time, the others one by one."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import BindParameter, bindparam, select

from agentcore.clock import next_due
from agentcore.errors import AgentCoreError, Invalid
from agentcore.records import Run, Schedule
from agentcore.store.accepting import Terms, add_heads, place
from agentcore.store.base import Verbs
from agentcore.store.columns import now
from agentcore.store.database import Tx
from agentcore.store.journal import read_run
from agentcore.store.rows import SCHEDULE
from agentcore.store.schedules import UPDATE, run_of, without_clock
from agentcore.store.tables import run, schedule
from agentcore.store.threads import lock_or_add

log = logging.getLogger("agentcore.store")

_LATE = timedelta(minutes=1)  # until then a schedule that says `skip` still rings
_MOST = 100  # missed times of one schedule that one ring makes up for

_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_IS_DUE = (schedule.c.enabled, schedule.c.due_at <= now())
_DUE = select(schedule.c.id).where(*_IS_DUE).order_by(schedule.c.due_at).limit(bindparam("limit"))
_TAKE = select(*SCHEDULE, now().label("clock")).where(schedule.c.id.in_(_IDS), *_IS_DUE).order_by(schedule.c.id)
_TAKE_WAITING, _TAKE_SKIPPING = _TAKE.with_for_update(), _TAKE.with_for_update(skip_locked=True)
_RANG = select(run.c.id).where(run.c.id.in_(_IDS))


class Ringing(Verbs):
    async def ring(
        self, *, limit: int, redelivery: float, versions: Mapping[str, str] | None = None
    ) -> tuple[int, tuple[str, ...]]:
        terms = Terms(redelivery=redelivery, life=self.settings.run_ttl)
        due = [row.id for row in await self.database.fetch(_DUE, {"limit": limit})]
        rung = await self._ring_together(due, terms, versions or {}) if len(due) > 1 else {}
        rang, send = len(rung), list(rung.values())
        for schedule_id in due:
            if schedule_id not in rung:
                ids = await self._ring_or_switch_off(schedule_id, terms, versions or {})
                rang, send = rang + (ids is not None), [*send, *(ids or ())]
        return rang, tuple(send)

    async def _take(self, tx: Tx, ids: Sequence[str]) -> tuple[list[Schedule], datetime | None]:
        """Those that are still due, locked, and the time."""
        rows = await tx.all(_TAKE_SKIPPING if self.skip_locked else _TAKE_WAITING, ids=ids)
        return [without_clock(row) for row in rows], rows[0].clock if rows else None

    async def _ring_together(self, ids: Sequence[str], terms: Terms, versions: Mapping[str, str]) -> dict[str, str]:
        """Ring those that start one run now, on a thread that has nothing else to do; the runs by their schedules."""

        async def work(tx: Tx) -> dict[str, str]:
            taken, clock = await self._take(tx, ids)
            rings = _simple(taken, clock, versions) if clock else []
            threads = await lock_or_add(tx, [ring.run for ring in rings])
            seen = {row.id for row in await tx.all(_RANG, ids=[ring.run.id for ring in rings])}
            rings = [ring for ring in rings if ring.run.thread_id in threads and ring.run.id not in seen]
            await add_heads(tx, [(threads[ring.run.thread_id], ring.run) for ring in rings], terms)
            await tx.run(UPDATE, [ring.changes for ring in rings])
            return {ring.schedule_id: ring.run.id for ring in rings}

        return await self.database.transaction(work)

    async def _ring_or_switch_off(
        self, schedule_id: str, terms: Terms, versions: Mapping[str, str]
    ) -> Sequence[str] | None:
        try:
            return await self._ring(schedule_id, terms, versions)
        except AgentCoreError:  # one that cannot be accepted must not stop the others, nor come again each tick
            log.exception("schedule %s cannot ring and was switched off", schedule_id)
            await self.database.transaction(lambda tx: tx.run(UPDATE, {"the_schedule": schedule_id, "enabled": False}))
            return ()

    async def _ring(self, schedule_id: str, terms: Terms, versions: Mapping[str, str]) -> Sequence[str] | None:
        """Ring one schedule; the ids to send. None: somebody else does, or has."""

        async def work(tx: Tx) -> Sequence[str] | None:
            taken, clock = await self._take(tx, [schedule_id])
            if not taken or clock is None:
                return None
            one, send = taken[0], list[str]()
            times, changes = plan(one, clock)
            for due in times:
                started = _started(one, due, versions)
                if await _overlaps(tx, one) or await read_run(tx, started.id):
                    continue  # it is still going, or rang at this time before
                send += (await place(tx, started, terms)).send
                one = replace(one, last_run_id=started.id)
            await tx.run(UPDATE, {"the_schedule": one.id, "last_run_id": one.last_run_id, **changes})
            return send

        return await self.database.transaction(work)


@dataclass(frozen=True, kw_only=True)
class Ring:
    """One run that one schedule starts, and what then changes in the schedule's row."""

    schedule_id: str
    run: Run
    changes: Mapping[str, Any]


def _simple(taken: Sequence[Schedule], clock: datetime, versions: Mapping[str, str]) -> list[Ring]:
    """The rings of those that start one run whatever became of the last, the first on each thread."""
    rings: dict[str, Ring] = {}
    for one in taken:
        times, changes = plan(one, clock)
        if len(times) == 1 and (one.overlap == "queue" or one.last_run_id is None):
            started = _started(one, times[0], versions)
            after = {"enabled": one.enabled, "due_at": one.due_at, **changes}  # all alike, to be one statement
            told = {"the_schedule": one.id, "last_run_id": started.id, **after}
            rings.setdefault(started.thread_id, Ring(schedule_id=one.id, run=started, changes=told))
    return list(rings.values())


def _started(one: Schedule, due: datetime, versions: Mapping[str, str]) -> Run:
    """The run that starts then. Its id comes from the schedule and the time, so it cannot ring there twice."""
    return run_of(one, str(uuid5(UUID(one.id), due.isoformat())), versions.get(one.agent, "1"))


def plan(one: Schedule, clock: datetime) -> tuple[list[datetime], dict[str, Any]]:
    """The times at which a due schedule rings now, and what then changes in its row. Pure."""
    times = [] if one.misfire == "skip" and clock - one.due_at > _LATE else [one.due_at]
    if one.cron is None:
        return times, {"enabled": False}
    try:
        if one.misfire == "all":
            times = list(_missed(one, one.cron, clock))
        return times, {"due_at": next_due(one.cron, one.timezone, times[-1] if one.misfire == "all" else clock)}
    except Invalid:
        log.exception("schedule %s cannot ring and was switched off", one.id)
        return [], {"enabled": False}


def _missed(one: Schedule, cron: str, clock: datetime) -> Iterator[datetime]:
    due, count = one.due_at, 0
    while due <= clock and count < _MOST:
        yield due
        due, count = next_due(cron, one.timezone, due), count + 1


async def _overlaps(tx: Tx, one: Schedule) -> bool:
    if one.overlap == "queue" or one.last_run_id is None:
        return False
    last = await read_run(tx, one.last_run_id)
    return last is not None and not last.terminal
