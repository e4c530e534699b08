"""What a soak came to, for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.soak.options import Options

SHOWN = 20  # of the things that are wrong


@dataclass(kw_only=True)
class Report:
    """`wrong` is empty where everything held."""

    options: Options
    seconds: float
    lines: dict[str, str]
    faults: Mapping[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        width = max(map(len, self.lines))
        table = [f"  {name.ljust(width)}  {text}" for name, text in self.lines.items()]
        verdict = f"{len(self.wrong)} things are wrong" if self.wrong else "everything held"
        shown = [f"  {one}" for one in self.wrong[:SHOWN]]
        options = self.options
        head = f"soak of {options.runs} messages, {options.workers} workers, seed {options.seed}: {self.seconds:.0f} s"
        return "\n".join((head, *table, verdict, *shown))


def counted(counts: Mapping[str, int] | Counter[str]) -> str:
    """Counts in a row, the largest first."""
    return ", ".join(f"{count} {what}" for what, count in sorted(counts.items(), key=lambda one: -one[1])) or "none"
