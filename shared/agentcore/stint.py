"""One event that a host gave this process: the time it may take, and what was begun meanwhile.

A host that freezes or kills a process between two events must find nothing half done there.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any

from agentcore.deadline import Deadline


class Stint:
    """Known to all that is called and spawned while the event is handled."""

    def __init__(self, deadline: Deadline, margin: float) -> None:
        self.deadline, self._margin = deadline, margin
        self._slices: set[Deadline] = set()
        self._tasks: set[asyncio.Task[Any]] = set()

    def slice(self, seconds: float) -> Deadline:
        """The deadline of a slice of at most so many seconds that begins now."""
        deadline = self.deadline.part(seconds, margin=self._margin)
        self._slices.add(deadline)
        return deadline

    def add(self, task: asyncio.Task[Any]) -> None:
        """Something that runs in the background."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def over(self) -> None:
        """Hand over: each slice ends at its next step boundary, and all background work is awaited.

        What takes longer than the margin is left to itself: its lease ends, and another worker goes on.
        """
        if not self._tasks:
            return
        for slice in self._slices:
            slice.bring_forward(self._margin)
        end = time.monotonic() + max(0.0, min(self._margin, self.deadline.left))
        while self._tasks and (left := end - time.monotonic()) > 0:
            await asyncio.wait(list(self._tasks), timeout=left)


_current: ContextVar[Stint | None] = ContextVar("stint", default=None)


def current() -> Stint | None:
    """The stint in which this code runs; None in a process that nobody freezes."""
    return _current.get()


@asynccontextmanager
async def stint(deadline: Deadline, *, margin: float) -> AsyncIterator[Stint]:
    """Handle one event; on leaving, what was begun is finished or handed over."""
    one = Stint(deadline, margin)
    token = _current.set(one)
    try:
        yield one
    finally:
        _current.reset(token)
        await one.over()
