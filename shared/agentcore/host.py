"""What the engine does for a tool that asks something of its run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID, uuid5

from agentcore.clock import least_gap, next_due
from agentcore.errors import Invalid, LimitExceeded, NotFound
from agentcore.journal import LINGER, SLEEP, Journal, Suspension
from agentcore.ports import StateStore
from agentcore.records import Entry, Schedule, Sleep
from agentcore.settings import Settings


class EngineHost:
    """Implements `context.Host` for one slice."""

    def __init__(self, journal: Journal, store: StateStore, settings: Settings) -> None:
        self.journal, self.store, self.settings = journal, store, settings
        # One number each, also for threads that emit at the same moment. A redriven run has some from before.
        self._emitted = count(sum(1 for e in journal.entries if e.kind == "custom"))

    async def sleep(self, key: str, until: datetime | timedelta, event: str | None, correlation: str) -> None:
        """Let the run sleep once nothing else is under way. Of several sleeps the first to end counts."""
        when = await self.store.now() + until if isinstance(until, timedelta) else until
        before = self.journal.suspension
        if before and before.rank == SLEEP and isinstance(before.pause, Sleep) and before.pause.until <= when:
            return
        since = (self._called_at(key) or await self.store.now()) if event is not None else None
        pause = Sleep(key=key, until=when, event=event, correlation=correlation, since=since)
        data = {"key": key, "until": when.isoformat(), "event": event, "correlation": correlation}
        starts = sum(1 for e in self.journal.entries if e.kind == "slept")
        entry = Entry(key=f"slept:{starts}:{key}", kind="slept", data=data)
        self.journal.suspend(Suspension(rank=SLEEP, pause=pause, entries=(entry,)), replace=True)

    def _called_at(self, key: str) -> datetime | None:
        """When the model's response that makes this call was stored: also if another worker, or slice, did that."""
        for entry in reversed(self.journal.entries):
            calls = entry.data["output"] if entry.kind == "model" else ()
            if any(one.get("call_id") and key.endswith(f"/{one['call_id']}") for one in calls):
                return entry.created_at
        return None

    async def put_schedule(self, schedule: Mapping[str, Any], key: str) -> Schedule:
        """An alarm clock on this thread; its id comes from the call's key, so a repeated call changes nothing."""
        now, run = await self.store.now(), self.journal.run
        due, cron, timezone = schedule["due"], schedule["cron"], schedule["timezone"]
        if (due is None) == (cron is None):
            raise Invalid("schedule: say either when (once) or cron (again and again).", field="when")
        if cron:
            gap = least_gap(cron, timezone, now).total_seconds()
            if gap < self.settings.schedule_gap:
                raise LimitExceeded(
                    f"cron: {cron!r} rings every {gap:g} s; the least is {self.settings.schedule_gap:g} s "
                    f"(AGENTCORE_SCHEDULE_GAP).",
                    field="cron",
                )
            due = next_due(cron, timezone, now)
        due_at = now + due if isinstance(due, timedelta) else due
        if not cron:
            self._check_ring(due_at)
        wanted = Schedule(
            id=str(uuid5(UUID(run.root_id), f"schedule:{key}")), tenant=run.tenant, thread_id=run.thread_id,
            agent=schedule["agent"], name=schedule["name"], input=schedule["input"], cron=cron, timezone=timezone,
            due_at=due_at,
        )  # fmt: skip
        # A call that is repeated after a crash comes later: what it set may have rung by then, and must not ring again.
        return await self.store.put_schedule(wanted, most=self.settings.schedules_per_thread, keep=True)

    def _check_ring(self, due_at: datetime) -> None:
        """What a schedule rang may not ring again at once: else an agent could wake itself with every tick."""
        run, gap = self.journal.run, self.settings.schedule_gap
        if run.trigger not in ("schedule", "redrive") or run.created_at is None:
            return
        # From the ring and not from now, so that a call that is repeated after a crash is answered the same.
        if due_at < (earliest := run.created_at + timedelta(seconds=gap)):
            raise LimitExceeded(
                f"when: a schedule started this run, and the next one may ring {gap:g} s after it at the earliest "
                f"(AGENTCORE_SCHEDULE_GAP): give a time from {earliest.isoformat(timespec='seconds')} on.",
                field="when",
            )

    async def schedules(self) -> Sequence[Schedule]:
        run = self.journal.run
        return await self.store.ringing(run.tenant, run.thread_id, limit=self.settings.schedules_per_thread)

    async def cancel_schedule(self, schedule_id: str) -> None:
        run = self.journal.run
        try:
            await self.store.delete_schedule(run.tenant, schedule_id, thread_id=run.thread_id)
        except NotFound:
            raise NotFound(f"This thread has no schedule {schedule_id!r}.", field="schedule_id") from None

    def emit(self, data: Any) -> None:
        """Raises Invalid for what JSON cannot say: in the journal it would keep all that follows from being stored."""
        try:
            data = json.loads(json.dumps(data, allow_nan=False))  # a copy: a tool may go on to change what it gave
        except (TypeError, ValueError) as error:
            raise Invalid(f"emit: what a tool emits must be JSON: {error}.", field="data") from error
        key = f"custom:{self.journal.run.fence}:{next(self._emitted)}"
        self.journal.add(Entry(key=key, kind="custom", data=data), linger=LINGER)
