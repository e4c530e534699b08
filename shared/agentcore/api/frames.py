"""Events as the Agent Protocol's streams carry them (its streaming/protocol.cddl, sections 3 to 6)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from agentcore.api.bodies import Body
from agentcore.errors import Invalid
from agentcore.events import RUN_ENTRIES, Cursor, ThreadCursor

PARTS = 1000
"""How many protocol events with numbers of their own there are for each number of a thread's cursor."""

SAFE = 2**53 - 1  # the largest integer that every JSON reader keeps
Channel = (
    Literal["values", "updates", "messages", "tools", "lifecycle", "input", "checkpoints", "tasks", "custom"]
    | Annotated[str, Field(max_length=200, pattern="^custom:.+$")]
)
Namespace = Annotated[list[Annotated[str, Field(max_length=300)]], Field(max_length=20)]
_EVENT_ID = re.compile(r"(\d{1,16})\.(\d{1,15})\.(\d{1,15})")


@dataclass(frozen=True, order=True)
class Place:
    """Where in a thread a protocol event stands. Places of one thread have an order, whoever reads it and whenever.

    An entry of a journal has a number, and what it means comes in parts. Text that is not stored yet stands behind the
    last entry before it: by the attempt that writes it, as another attempt may write another text.
    """

    number: int  # of the thread's cursor
    attempt: int
    part: int

    @classmethod
    def parse(cls, event_id: str) -> Place:
        """Read what `str` wrote. Raises Invalid for anything else."""
        found = _EVENT_ID.fullmatch(event_id)
        if found is None:
            raise Invalid(f"{event_id[:40]!r} is not an event id of this stream.", field="lastEventId")
        return cls(*(int(part) for part in found.groups()))

    def __str__(self) -> str:
        return f"{self.number}.{self.attempt}.{self.part}"


@dataclass(frozen=True, kw_only=True)
class Frame:
    """One protocol event. Without a place it is of its moment: a snapshot, or a status."""

    method: str
    data: Any
    namespace: tuple[str, ...] = ()
    timestamp: int = 0  # milliseconds since 1970
    place: Place | None = None
    seq: int = 0
    run_id: str = ""

    @property
    def channel(self) -> str:
        return "input" if self.method == "input.requested" else self.method

    def envelope(self) -> dict[str, Any]:
        """The event as it is sent. `runId` is ours."""
        where = {"eventId": str(self.place), "seq": self.seq} if self.place else {}
        run = {"runId": self.run_id} if self.run_id else {}
        params = {"namespace": list(self.namespace), "timestamp": self.timestamp, "data": self.data}
        return {"type": "event", **where, "method": self.method, "params": params, **run}


@dataclass(frozen=True, kw_only=True)
class Since:
    """After which event a reader goes on: by its number, or exactly, by its id."""

    seq: int = -1
    place: Place | None = None

    def passed_by(self, frame: Frame) -> bool:
        """Whether a frame comes after it."""
        if frame.place is None:
            return False
        return frame.place > self.place if self.place else frame.seq > self.seq

    def cursor(self) -> ThreadCursor:
        """From where to read: the start of that run, as what its events mean depends on those before."""
        number = self.place.number if self.place else (self.seq + 1) // PARTS
        return start_of(number // RUN_ENTRIES)


def start_of(position: int) -> ThreadCursor:
    return ThreadCursor(min(position, 2**31 - 1), Cursor())


def seq_after(position: int) -> int:
    """A number between those of a run's events and those of the next run's."""
    return (position + 1) * RUN_ENTRIES * PARTS - 1


class Wanted(Body):
    """Which events a subscription has: of these channels, at or below one of these namespaces."""

    model_config = ConfigDict(extra="ignore")  # the protocol lets clients add fields of their own

    channels: Annotated[list[Channel], Field(min_length=1, max_length=100)]
    namespaces: Annotated[list[Namespace], Field(max_length=100)] | None = None
    depth: Annotated[int, Field(ge=0, le=SAFE)] | None = None

    def has(self, frame: Frame) -> bool:
        return self._channel(frame) and (not (self.namespaces or self.depth is not None) or self._near(frame.namespace))

    def _channel(self, frame: Frame) -> bool:
        if frame.channel in self.channels:
            return True
        return frame.method == "custom" and f"custom:{frame.data.get('name')}" in self.channels

    def _near(self, namespace: Sequence[str]) -> bool:
        for prefix in self.namespaces or [[]]:
            deeper = len(namespace) - len(prefix)
            if list(namespace[: len(prefix)]) == prefix and (self.depth is None or deeper <= self.depth):
                return True
        return False


class EventStreamRequest(Wanted):
    """The body that opens a stream. `since` is the `seq` of the last event that the client has."""

    since: Annotated[int, Field(ge=0, le=SAFE)] | None = None


Code = Literal[
    "invalid_argument", "unknown_command", "unknown_error", "no_such_run", "no_such_subscription",
    "no_such_namespace", "no_such_interrupt", "no_such_checkpoint", "permission_denied",
]  # fmt: skip


@dataclass(eq=False)
class CommandError(Exception):
    """A command that was refused: the protocol's code, and what to do about it."""

    code: Code
    message: str
    details: Mapping[str, Any] = field(default_factory=dict)


def succeeded(id: int, result: Mapping[str, Any], meta: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return {"type": "success", "id": id, "result": dict(result), **({"meta": dict(meta)} if meta else {})}


def failed(id: int | None, error: CommandError) -> dict[str, Any]:
    meta = {"meta": dict(error.details)} if error.details else {}
    return {"type": "error", "id": id, "error": error.code, "message": error.message, **meta}
