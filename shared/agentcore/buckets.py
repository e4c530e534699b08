"""How often each caller may call: a token bucket each, in this process and, where they share something, in all."""

from __future__ import annotations

import time
from collections import OrderedDict

from agentcore.ports import Shared

_MOST = 10_000  # callers remembered; past that the one silent for longest starts anew


class Buckets:
    """Each bucket holds up to `burst` tokens, gains `rate` a second, and a call takes one."""

    def __init__(self, *, rate: float, burst: int, most: int = _MOST) -> None:
        self._rate, self._burst, self._most = rate, float(burst), most
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # by caller: tokens, and when

    def take(self, caller: str, now: float) -> float:
        """Take a token: 0, or the seconds until there is one. `now` in seconds, on a clock that never goes back."""
        tokens, at = self._buckets.get(caller, (self._burst, now))
        tokens = min(self._burst, tokens + (now - at) * self._rate)
        missing = 1.0 - tokens
        self._buckets[caller] = (tokens if missing > 0 else tokens - 1.0, now)
        self._buckets.move_to_end(caller)
        if len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
        return max(0.0, missing / self._rate)


class Limit:
    """A caller's bucket here and, with `shared`, the one of all processes. Both have to give a token.

    The one here comes first. So a caller who floods this process costs what is shared no more than its rate, and while
    that is away this one counts on, with what it knows.
    """

    def __init__(self, *, rate: float, burst: int, shared: Shared | None) -> None:
        self._here = Buckets(rate=rate, burst=burst)
        self._rate, self._burst, self._shared = rate, burst, shared

    async def take(self, caller: str) -> float:
        """Count a call: 0, or the seconds until it may be made."""
        wait = self._here.take(caller, time.monotonic())
        if wait or self._shared is None:
            return wait
        return await self._shared.take(caller, rate=self._rate, burst=self._burst) or 0.0
