"""Due times, as pure functions: cron with IANA time zones, back-off, and times as people write them."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from agentcore.errors import Invalid

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_CENTURY = timedelta(days=36525)
_DURATION = re.compile(r"\+?(?:\d+[smhdw])+")


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """The IANA time zone of that name. Raises Invalid for one that does not exist."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise Invalid(f"timezone: {name!r} is not an IANA time zone such as Europe/Oslo.", field="timezone") from None


def next_due(cron: str, timezone: str, after: datetime) -> datetime:
    """The first time strictly after `after` at which `cron` rings in `timezone`, in UTC.

    Across a daylight-saving change it does what Debian's cron does: a time that is skipped rings right after the gap,
    one that comes twice rings once, and expressions with * in the hour follow the clock on the wall.
    Raises Invalid, naming the field, for a bad expression, a bad zone, or one that never rings.
    """
    if len(cron.split()) != 5:  # six would be seconds
        raise Invalid(f"cron: {cron!r} is not a five-field cron expression such as 0 9 * * 1.", field="cron")
    try:
        rings = CronSim(cron, after.astimezone(zone(timezone)))
        # In the hour that comes twice, the first ring it finds may be one that was already heard.
        return next(due for due in (ring.astimezone(UTC) for ring in rings) if due > after)
    except CronSimError as error:
        raise Invalid(f"cron: {cron!r} is not a five-field cron expression: {error}.", field="cron") from None
    except StopIteration:
        raise Invalid(f"cron: {cron!r} never rings.", field="cron") from None


def least_gap(cron: str, timezone: str, after: datetime, *, look: int = 24) -> timedelta:
    """The shortest time between any two of the next `look` rings."""
    times = [next_due(cron, timezone, after)]
    while len(times) < look:
        times.append(next_due(cron, timezone, times[-1]))
    return min(b - a for a, b in pairwise(times))


def parse_when(text: str) -> datetime | timedelta:
    """A time as people and models write it: ISO 8601 (UTC where it has no offset), or a duration: 90s, 2h, 3d12h.

    The time is in UTC. Raises Invalid with both forms named, and for a duration of more than a century.
    """
    text = text.strip().lower()
    try:
        if _DURATION.fullmatch(text):
            return _duration(text)
        when = datetime.fromisoformat(text.upper())
        return when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        example = "2027-03-01T09:00:00+01:00"
        raise Invalid(
            f"when: {text!r} is neither an ISO 8601 time such as {example} nor a duration such as 2h or 3d.",
            field="when",
        ) from None


def _duration(text: str) -> timedelta:
    found = timedelta(seconds=sum(int(n) * _UNITS[u] for n, u in re.findall(r"(\d+)([smhdw])", text)))
    if found > _CENTURY:
        raise Invalid(f"when: {text!r} is more than a century.", field="when")
    return found


def backoff(failures: int, *, first: float, most: float, after: float | None = None) -> float:
    """Seconds to wait before attempt `failures` + 1: exponential, with full jitter in its upper half.

    `after` is the least that the failing service asked for (Retry-After).
    """
    ceiling = min(most, first * 2.0 ** max(0, failures - 1))
    delay = ceiling * (0.5 + random.random() / 2)  # noqa: S311 - jitter is no secret
    return max(delay, after or 0.0)
