"""Alarm clocks of the conversation: each ring starts a new run of this agent on it."""

from __future__ import annotations

from agents import function_tool

from agentcore.clock import parse_when, zone
from agentcore.context import current
from agentcore.effects import effect
from agentcore.errors import Invalid
from agentcore.records import Schedule
from agentcore.tools.failures import say_the_fix


@effect("idempotent")
@function_tool(failure_error_function=say_the_fix)
async def schedule(
    name: str, input: str, when: str | None = None, cron: str | None = None, timezone: str = "UTC"
) -> str:
    """Schedule a reminder, follow-up or other wake-up in this conversation, once at a time or every time a cron rings.

    Args:
        name: A short name for the schedule.
        input: The message you will get then; it must say all you need to know.
        when: For once: a duration such as 2h or 3d, or an ISO 8601 time.
        cron: For again and again: a five-field cron expression such as 0 9 * * 1. Give when or cron, not both.
        timezone: The IANA time zone in which cron is meant, such as Europe/Oslo.
    """
    if (when is None) == (cron is None):
        raise Invalid("Give either when (once) or cron (again and again).", field="when")
    due = parse_when(when) if when is not None else None
    made = await current().put_schedule(name=name, input=input, due=due, cron=cron, timezone=timezone)
    return f"Scheduled. {_line(made)}"


@effect("read")
@function_tool(failure_error_function=say_the_fix)
async def list_schedules() -> str:
    """List the schedules of this conversation, with their ids."""
    found = await current().schedules()
    return "\n".join(_line(s) for s in found) if found else "There are no schedules."


@effect("idempotent")
@function_tool(failure_error_function=say_the_fix)
async def cancel_schedule(schedule_id: str) -> str:
    """Cancel a schedule, so that it never rings again.

    Args:
        schedule_id: Its id, as list_schedules gives it.
    """
    await current().cancel_schedule(schedule_id)
    return f"Schedule {schedule_id} is cancelled."


def _line(found: Schedule) -> str:
    """One schedule as a model reads it, its time in its own zone."""
    due = found.due_at.astimezone(zone(found.timezone)).isoformat(timespec="seconds")
    every = f", then by cron {found.cron} ({found.timezone})" if found.cron else ""
    off = "" if found.enabled else ", switched off"
    return f"{found.id} {found.name!r}: rings at {due}{every}{off}. Message: {found.input}"
