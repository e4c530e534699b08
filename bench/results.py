"""What a measure came to: a row of the table, and points of a plot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Literal


@dataclass(frozen=True)
class Target:
    """What a row should come to, in its unit."""

    direction: Literal["≤", "≥"]
    limit: float
    words: str = ""  # what else is to be said of it

    def missed(self, value: float) -> bool:
        return value > self.limit if self.direction == "≤" else value < self.limit


def at_most(limit: float, words: str = "") -> Target:
    return Target("≤", limit, words)


def at_least(limit: float, words: str = "") -> Target:
    return Target("≥", limit, words)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table."""

    measure: str
    ours: float
    unit: str  # "x raw", "ms"…
    target: Target | None = None
    peers: Mapping[str, float] = field(default_factory=dict)  # in the same unit, from the same run
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Plot:
    """How a cost grows: lines of (x, y)."""

    title: str
    x: str
    y: str
    lines: Mapping[str, Sequence[tuple[float, float]]]


@dataclass(frozen=True, kw_only=True)
class Results:
    rows: Sequence[Row] = ()
    plots: Sequence[Plot] = ()
    absent: Sequence[str] = ()  # what could not be measured here, and why
    load: float = 0.0  # of the machine, before anything was measured

    def __add__(self, other: Results) -> Results:
        rows, plots = [*self.rows, *other.rows], [*self.plots, *other.plots]
        return replace(self, rows=rows, plots=plots, absent=[*self.absent, *other.absent])

    def plain(self) -> dict[str, object]:
        return asdict(self)
