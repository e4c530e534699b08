"""Makes alarm clocks from what people, agents and registrations ask for. Pure: the time is an argument."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, get_args
from uuid import NAMESPACE_URL, uuid5

from agentcore.clock import least_gap, next_due, parse_when, zone
from agentcore.errors import Conflict, Invalid
from agentcore.ids import new_id
from agentcore.records import Misfire, Overlap, Schedule
from agentcore.settings import Settings


def new_schedule(
    settings: Settings, now: datetime, *, tenant: str, agent: str, input: Any, name: str = "",
    due: datetime | timedelta | str | None = None, cron: str | None = None, timezone: str = "UTC",
    thread_id: str | None = None, overlap: str = "queue", misfire: str = "once",
    metadata: Mapping[str, Any] | None = None, schedule_id: str | None = None,
) -> Schedule:  # fmt: skip
    """A schedule that rings once at `due`, or by `cron` (then first at `due`, where both are given).

    Raises Invalid, naming the field, for a bad time, and for a cron that rings more often than the settings allow.
    """
    zone(timezone)
    _one_of("overlap", overlap, get_args(Overlap))
    _one_of("misfire", misfire, get_args(Misfire))
    if cron is None and due is None:
        raise Invalid("due_at: say when it rings: due_at for once, cron for again and again.", field="due_at")
    if cron is not None:
        _check_gap(settings, cron, timezone, now)
    return Schedule(
        id=schedule_id or new_id(), tenant=tenant, agent=agent, input=input, name=name, thread_id=thread_id,
        due_at=_due(due, cron, timezone, now), cron=cron, timezone=timezone, metadata=metadata or {},
        overlap=overlap, misfire=misfire,  # type: ignore[arg-type]  # checked above
    )  # fmt: skip


def changed(settings: Settings, now: datetime, old: Schedule, changes: Mapping[str, Any]) -> Schedule:
    """A schedule with some of the fields of `new_schedule` changed, or switched off or on (`enabled`).

    It keeps its time unless `due`, `cron` or, with a cron, `timezone` is given. Switched on, a cron whose time passed
    meanwhile rings at its next one. Raises Invalid, naming the field, and Conflict for one that a registration brought:
    that is changed in its code, and only switched off and on here.
    """
    fields = {name: value for name, value in changes.items() if name != "enabled"}
    new = replace(old, enabled=changes.get("enabled", old.enabled))
    if fields:
        if old.origin is not None:
            raise Conflict(
                f"The registration of agent {old.agent!r} brought this schedule. Change it there; pause it here."
            )
        new = _rebuilt(settings, now, new, fields)
    if new.enabled and not old.enabled and new.due_at <= now:
        if new.cron is None:
            raise Invalid("due_at: it has passed; give another one.", field="due_at")
        new = replace(new, due_at=next_due(new.cron, new.timezone, now))
    return new


def _rebuilt(settings: Settings, now: datetime, old: Schedule, fields: Mapping[str, Any]) -> Schedule:
    names = ("agent", "input", "name", "thread_id", "cron", "timezone", "overlap", "misfire", "metadata")
    wanted = {**{name: getattr(old, name) for name in names}, "due": None, **fields}
    moves = fields.get("due") is not None or (wanted["cron"] is not None and fields.keys() & {"cron", "timezone"})
    if not moves:
        wanted["due"] = old.due_at
    new = new_schedule(settings, now, tenant=old.tenant, schedule_id=old.id, **wanted)
    return replace(new, enabled=old.enabled, last_run_id=old.last_run_id, created_at=old.created_at)


def registered(settings: Settings, now: datetime, tenant: str, agent: str, wanted: Mapping[str, Any]) -> Schedule:
    """The schedule of a registration. Its id derives from agent and name, so each process means the same one."""
    name = wanted.get("name") or wanted.get("cron", "")
    schedule_id = str(uuid5(NAMESPACE_URL, f"agentcore:schedule:{tenant}:{agent}:{name}"))
    made = new_schedule(settings, now, tenant=tenant, agent=agent, **{"name": name, **wanted}, schedule_id=schedule_id)
    return replace(made, origin=settings.agents)


def _due(due: datetime | timedelta | str | None, cron: str | None, timezone: str, now: datetime) -> datetime:
    if due is None:
        return next_due(cron or "", timezone, now)
    try:
        when = parse_when(due) if isinstance(due, str) else due
    except Invalid as error:
        raise Invalid(f"due_at{error.message.removeprefix('when')}", field="due_at") from None
    try:
        when = now + when if isinstance(when, timedelta) else when
        return (when if when.tzinfo else when.replace(tzinfo=zone(timezone))).astimezone(UTC)
    except OverflowError:
        raise Invalid("due_at: that is further away than a calendar goes.", field="due_at") from None


def _check_gap(settings: Settings, cron: str, timezone: str, now: datetime) -> None:
    gap = least_gap(cron, timezone, now).total_seconds()
    if gap < settings.schedule_gap:
        raise Invalid(
            f"cron: {cron!r} rings every {gap:g} s; AGENTCORE_SCHEDULE_GAP={settings.schedule_gap:g} is the least.",
            field="cron",
        )


def _one_of(field: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise Invalid(f"{field}: {value!r} is none of {', '.join(known)}.", field=field)
