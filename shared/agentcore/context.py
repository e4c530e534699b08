"""What a tool can know and ask of the run it is in: `agentcore.current()`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from agentcore.errors import AgentCoreError
from agentcore.records import Schedule


class Host(Protocol):
    """What the engine does for a tool. Tools never see the service or the store."""

    async def sleep(self, key: str, until: datetime | timedelta, event: str | None, correlation: str) -> None: ...
    async def put_schedule(self, schedule: Mapping[str, Any], key: str) -> Schedule: ...
    async def schedules(self) -> Sequence[Schedule]: ...
    async def cancel_schedule(self, schedule_id: str) -> None: ...
    def emit(self, data: Any) -> None: ...


class Parked(BaseException):
    """Unwinds a tool that waits. Not an Exception, so that no `except Exception` of a tool can swallow it."""


@dataclass(frozen=True, kw_only=True)
class Woke:
    """Why a sleep ended. by: time, message or event (then `data` is the event's)."""

    by: str
    data: Any = None


@dataclass(frozen=True, kw_only=True)
class Current:
    """The run that is executing now and, inside a tool, the call."""

    run_id: str
    root_id: str
    tenant: str
    thread_id: str
    agent: str
    host: Host = field(repr=False)
    tool: str = ""  # empty outside a tool
    call_id: str = ""
    key: str = ""  # of this call in the journal
    idempotency_key: str = ""  # the same for each attempt at this call, in any process: send it on to what you call
    woke: Woke | None = field(default=None, repr=False)

    async def sleep(self, until: datetime | timedelta, *, event: str | None = None, correlation: str = "") -> Woke:
        """Sleep, holding no worker, until a time (or so long), or until `event` comes; the tool starts again then.

        The call returns only in the slice after the wake-up, so what stands before it runs twice: keep that pure.
        """
        if self.woke is not None:
            return self.woke
        await self.host.sleep(self.key, until, event, correlation)
        raise Parked

    async def put_schedule(
        self, *, name: str, input: str, due: datetime | timedelta | None = None, cron: str | None = None,
        timezone: str = "UTC", agent: str | None = None,
    ) -> Schedule:  # fmt: skip
        """An alarm clock for this thread: once at `due`, or by `cron`. Repeating the call changes nothing.

        Raises Invalid for a bad time and LimitExceeded past the limits of the settings.
        """
        wanted = {"name": name, "input": input, "due": due, "cron": cron, "timezone": timezone}
        return await self.host.put_schedule({**wanted, "agent": agent or self.agent}, self.idempotency_key)

    async def schedules(self) -> Sequence[Schedule]:
        """This thread's schedules."""
        return await self.host.schedules()

    async def cancel_schedule(self, schedule_id: str) -> None:
        """Delete one of this thread's schedules. NotFound when there is none of that id."""
        await self.host.cancel_schedule(schedule_id)

    def emit(self, data: Any) -> None:
        """Put a `custom` event on the run's stream, as `data` is now; it is stored with the next step.

        Raises Invalid for what JSON cannot say, such as a datetime.
        """
        self.host.emit(data)


_current: ContextVar[Current | None] = ContextVar("agentcore_current", default=None)


def current() -> Current:
    """The run and the tool call this code runs in. Raises AgentCoreError outside a run."""
    found = _current.get()
    if found is None:
        raise AgentCoreError("agentcore.current() was called outside a run.")
    return found
