"""Measuring: rounds in which the cases take turns, so that what else the machine does falls on all of them alike."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping

Turn = Callable[[], Awaitable[object]]
Case = Callable[[], Awaitable[float]]


async def latency(turn: Turn, count: int) -> float:
    """Milliseconds that a turn takes: the median of so many, one after the other."""
    taken = []
    for _ in range(count):
        start = time.perf_counter()
        await turn()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken) * 1e3


async def rate(turn: Turn, at_once: int, seconds: float) -> float:
    """Turns a second, so many at once."""
    end, done = time.perf_counter() + seconds, 0

    async def one_after_the_other() -> None:
        nonlocal done
        while time.perf_counter() < end:
            await turn()
            done += 1

    start = time.perf_counter()
    await asyncio.gather(*(one_after_the_other() for _ in range(at_once)))
    return done / (time.perf_counter() - start)


async def interleaved(cases: Mapping[str, Case], rounds: int) -> dict[str, list[float]]:
    """What each case came to in each round. One more round, the first, warms up and does not count."""
    found: dict[str, list[float]] = {name: [] for name in cases}
    for number in range(rounds + 1):
        for name, case in cases.items():
            value = await case()
            if number:
                found[name].append(value)
    return found


def ratio(of: list[float], to: list[float]) -> float:
    """The median of the ratios round by round."""
    return statistics.median(a / b for a, b in zip(of, to, strict=True))
