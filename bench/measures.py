"""The measures, by name. Each gets a way to fresh databases and the effort to spend, and gives rows and plots."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib import import_module

from bench.results import Results


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What a measure works with."""

    database: Callable[[], str]  # the URL of a fresh, empty database
    quick: bool  # few rounds and small tables: to see that it works

    @property
    def rounds(self) -> int:
        return 3 if self.quick else 9

    @property
    def count(self) -> int:
        """Turns in a round."""
        return 10 if self.quick else 40


NAMES = (
    "turns", "far", "throughput", "workers", "trips", "http", "streams", "pickup", "history", "schedules", "imports",
    "hosts", "buses",
)  # fmt: skip


def measure(name: str) -> Callable[[Bench], Awaitable[Results]]:
    """The measure of that name."""
    found: Callable[[Bench], Awaitable[Results]] = import_module(f"bench.{name}").run
    return found
