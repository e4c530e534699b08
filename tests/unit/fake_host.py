"""What stands in for the engine where only a tool is tested."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from agentcore.context import Current, Woke, _current
from agentcore.errors import NotFound
from agentcore.records import Schedule

NOW = datetime(2027, 1, 1, tzinfo=UTC)


class FakeHost:
    """Keeps what tools ask of it."""

    def __init__(self) -> None:
        self.sleeps: list[tuple[str, datetime | timedelta, str | None, str]] = []
        self.kept: dict[str, Schedule] = {}
        self.emitted: list[Any] = []

    async def sleep(self, key: str, until: datetime | timedelta, event: str | None, correlation: str) -> None:
        self.sleeps.append((key, until, event, correlation))

    async def put_schedule(self, schedule: Mapping[str, Any], key: str) -> Schedule:
        due = schedule["due"] or NOW
        self.kept[f"sch_{key}"] = Schedule(
            id=f"sch_{key}",
            tenant="t",
            agent=schedule["agent"],
            input=schedule["input"],
            due_at=NOW + due if isinstance(due, timedelta) else due,
            name=schedule["name"],
            cron=schedule["cron"],
            timezone=schedule["timezone"],
        )
        return self.kept[f"sch_{key}"]

    async def schedules(self) -> Sequence[Schedule]:
        return list(self.kept.values())

    async def cancel_schedule(self, schedule_id: str) -> None:
        if self.kept.pop(schedule_id, None) is None:
            raise NotFound(f"There is no schedule {schedule_id!r}.", field="schedule_id")

    def emit(self, data: Any) -> None:
        self.emitted.append(data)


@contextmanager
def inside_a_call(host: FakeHost, *, key: str = "k1", woke: Woke | None = None, thread: str = "th") -> Iterator[None]:
    """As if the code ran inside a tool call of a run."""
    now = Current(
        run_id="r", root_id="r", tenant="t", thread_id=thread, agent="a", host=host,
        key=f"tool:{key}", idempotency_key=key, woke=woke,
    )  # fmt: skip
    token = _current.set(now)
    try:
        yield
    finally:
        _current.reset(token)
