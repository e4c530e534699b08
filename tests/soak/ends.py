"""How the processes under test ended, what they complained of, and what of both is lawful."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

START = 30.0  # seconds in which a process has connected to its database, also on a busy machine, or has given up
REFUSED = 2  # the exit code of a command that cannot do its work
_COMPLAINT = re.compile(r"^.*(?:never retrieved|background work failed: (?!Unavailable: )).*$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class End:
    """A process ended: by itself, or as it was asked to."""

    name: str
    code: int
    asked: signal.Signals | None  # the signal that it was sent
    began: float
    at: float  # when that was seen; both in seconds of the monotonic clock


@dataclass(frozen=True, kw_only=True)
class Outage:
    """A process had no way to the database, or all of them."""

    name: str  # empty: all
    since: float
    until: float = float("inf")


def ended(ends: Sequence[End], outages: Sequence[Outage]) -> Iterator[str]:
    """No process ended by itself, but where it found no database at its start; those that were asked ended well."""
    for end in ends:
        if not _lawful(end, outages):
            how = f"was sent {end.asked.name}, and ended" if end.asked else "ended by itself"
            yield f"{end.name} {how} with {end.code}, {end.at - end.began:.0f} s after its start"


def _lawful(end: End, outages: Sequence[Outage]) -> bool:
    starting = end.at - end.began < START
    if end.asked == signal.SIGKILL or (end.asked and end.code == 0):
        return True
    if end.asked and end.code == -end.asked:
        return starting  # later, it listens for the signal
    return end.code == REFUSED and starting and any(_met(end, outage) for outage in outages)


def _met(end: End, outage: Outage) -> bool:
    return outage.name in ("", end.name) and outage.since <= end.at and end.began <= outage.until


def complained(log: str) -> Iterator[str]:
    """No process lost an error, and none failed in the background but for want of a database."""
    yield from (f"in the log: {line[:300]}" for line in dict.fromkeys(_COMPLAINT.findall(log)))
