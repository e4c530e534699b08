"""When a slice of work must be over: the platform's time limit, or SIGTERM, whichever comes first."""

from __future__ import annotations

import asyncio
import time

_NEARLY = 0.2  # of a slice that may be over when a step begins which has all of it
_WHOLE = 0.9  # of the time that there ever is: with less than that, a step that did not fit may fit another time


class Deadline:
    """Counts down on this process's own clock, which no other process's time is compared with."""

    def __init__(self, seconds: float | None = None, *, margin: float = 5.0, whole: bool = True) -> None:
        """`seconds` from now (None: no limit), of which the last `margin` are kept back to save and hand over.

        `whole`: this is all the time that the host ever gives, so a step that does not fit in fits nowhere.
        """
        self.whole = whole
        # A short slice must still get some work done: the margin never takes more than half of it.
        self._margin = margin if seconds is None else min(margin, seconds / 2)
        self._began = time.monotonic()
        self._life = float("inf") if seconds is None else seconds
        self._at = None if seconds is None else self._began + seconds
        self._moved = asyncio.Event()

    def bring_forward(self, seconds: float) -> None:
        """Only so much time is left from now, as after SIGTERM: no new step is begun."""
        at = time.monotonic() + seconds
        if self._at is None or at < self._at:
            self._at, self.whole = at, False
            self._margin = max(self._margin, seconds)
            self._moved.set()

    def fills(self, since: float) -> bool:
        """Whether what began then (monotonic) and has not ended yet had nearly all the time that a host ever gives."""
        return self.whole and since - self._began <= _NEARLY * self._life

    def part(self, seconds: float, *, margin: float) -> Deadline:
        """The deadline of a slice that begins now, of at most so many seconds, inside this one."""
        given = max(0.0, min(seconds, self.left))
        # A step that is cut in the last moments of this one may well fit into a slice that begins with another.
        return Deadline(given, margin=margin, whole=given > _WHOLE * min(seconds, self._life))

    @property
    def left(self) -> float:
        """Seconds until the process may be killed."""
        return float("inf") if self._at is None else self._at - time.monotonic()

    @property
    def soft(self) -> float:
        """Seconds in which steps may still begin."""
        return self.left - self._margin

    @property
    def hard(self) -> float:
        """Seconds until what is still running must be cancelled, so that the state can be saved."""
        return self.left - self._margin / 2

    @property
    def passed(self) -> bool:
        return self.soft <= 0

    async def sleep(self, seconds: float) -> None:
        """Sleep, but return at once when the deadline is brought forward."""
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                await self._moved.wait()
            self._moved.clear()
        except TimeoutError:
            pass
