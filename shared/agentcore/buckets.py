"""How often each caller may call: a token bucket each, in the memory of this process."""

from __future__ import annotations

from collections import OrderedDict

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
