"""What the database says happened."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

TERMINAL = frozenset({"succeeded", "failed", "cancelled", "expired"})
ENDS = {"finished": "succeeded", "cancelled": "cancelled", "failed": "failed"}  # the last entry of a journal


@dataclass(frozen=True, kw_only=True)
class Run:
    id: str
    thread: str
    position: int
    agent: str
    trigger: str
    status: str
    key: str | None  # of the message that it was accepted for
    stop: str | None  # somebody asked that it be stopped, and how
    error: Any
    webhook: str | None
    wake_at: float | None
    finished_at: float | None
    last_seq: int
    kept: int
    fence: int


@dataclass(frozen=True, kw_only=True)
class Entry:
    run: str
    seq: int
    key: str
    kind: str
    data: Any
    at: float


@dataclass(frozen=True, kw_only=True)
class Thread:
    id: str
    head: str | None
    item_count: int


@dataclass(frozen=True, kw_only=True)
class Item:
    thread: str
    position: int
    data: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """A schedule that rings once."""

    id: str
    enabled: bool
    run: str | None


@dataclass(frozen=True, kw_only=True)
class Delivery:
    id: str
    run: str
    status: str


@dataclass(frozen=True, kw_only=True)
class Facts:
    """All of it, once nothing moves any more."""

    runs: Sequence[Run] = ()
    entries: Sequence[Entry] = ()  # by run and seq
    threads: Sequence[Thread] = ()
    items: Sequence[Item] = ()  # by thread and position
    alarms: Sequence[Alarm] = ()
    deliveries: Sequence[Delivery] = ()
    left: Mapping[str, int] = field(default_factory=dict)  # rows that should be gone, by what they are

    @cached_property
    def run(self) -> Mapping[str, Run]:
        return {run.id: run for run in self.runs}

    @cached_property
    def journal(self) -> Mapping[str, list[Entry]]:
        found = defaultdict[str, list[Entry]](list)
        for entry in self.entries:
            found[entry.run].append(entry)
        return found
