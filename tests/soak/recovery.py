"""How often a run went on elsewhere, and how long that took."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

from tests.soak.facts import Entry, Facts
from tests.soak.fleet import Loss
from tests.soak.side import Line

_LET_GO = frozenset({"asked", "slept", "yielded", "retried", "finished", "failed", "cancelled"})


def takeovers(facts: Facts, lines: Sequence[Line]) -> int:
    """How often a process went on with a run that another one had not let go."""
    return sum(
        before.pid != after.pid and not _let_go(facts.journal.get(run, ()), before.at, after.at)
        for run, did in _by_run(lines).items()
        for before, after in pairwise(did)
    )


def _let_go(journal: Sequence[Entry], since: float, until: float) -> bool:
    return any(entry.kind in _LET_GO and since <= entry.at <= until for entry in journal)


def recoveries(facts: Facts, lines: Sequence[Line], losses: Sequence[Loss]) -> Iterator[tuple[float, Loss, str]]:
    """For each run that a process had in hand when it was lost: seconds until somebody else, or it, wrote on."""
    runs = _by_run(lines)
    held = defaultdict[int, list[str]](list)
    for run, did in runs.items():
        for pid in {line.pid for line in did}:
            held[pid].append(run)
    for loss in losses:
        for run in held[loss.pid]:
            last = _last(runs[run], loss.at)
            if last is None or last.pid != loss.pid:
                continue
            after = next((entry for entry in facts.journal.get(run, ()) if entry.at > loss.at), None)
            if after is not None and not _let_go(facts.journal[run], last.at, loss.at):
                yield after.at - loss.at, loss, run


def _last(did: Sequence[Line], at: float) -> Line | None:
    place = bisect_right(did, at, key=lambda line: line.at)
    return did[place - 1] if place else None


def _by_run(lines: Sequence[Line]) -> dict[str, list[Line]]:
    found = defaultdict[str, list[Line]](list)
    for line in sorted(lines, key=lambda line: line.at):
        found[line.run].append(line)
    return found
