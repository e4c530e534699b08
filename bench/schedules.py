"""How fast due schedules ring, and whether that depends on how many others there are."""

from __future__ import annotations

import statistics
import time

import psycopg

from bench.measures import Bench
from bench.results import Plot, Results, Row, at_least
from bench.subjects import Product, product

SIZES = (1_000, 10_000, 100_000, 1_000_000)
DUE = 1_000  # at each tick, whatever the size of the table
_FILL = """insert into schedule (id, tenant, agent, input, due_at, name, cron, timezone, overlap, misfire, enabled,
metadata, created_at) select gen_random_uuid(), 'default', 'text', '"wake up"', now() + interval '1 year', '',
'0 8 * * *', 'UTC', 'queue', 'once', true, '{}', now() from generate_series(1, %s)"""
_DUE = """update schedule set due_at = now() - interval '1 second' where id in
(select id from schedule order by due_at desc limit %s)"""
_FORGET = "truncate thread, run, entry, item cascade"  # what rang before must not be there to be waited for


async def run(bench: Bench) -> Results:
    sizes = SIZES[:2] if bench.quick else SIZES
    url, line = bench.database(), list[tuple[float, float]]()
    async with product(url) as ours:
        there = 0
        for size in sizes:
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute(_FILL, (size - there,))
                connection.execute("vacuum analyze schedule")
            there = size
            await _rung(ours, url)  # warms up, and does not count
            line.append((size, statistics.median([await _rung(ours, url) for _ in range(bench.rounds)])))
    rows = [
        Row(measure=f"due schedules that ring, {sizes[-1]:,} in the table", unit="a second", target=at_least(3000),
            ours=line[-1][1], note=f"{DUE:,} are due at each tick; the median of {bench.rounds} ticks"),
        Row(measure=f"the same, to {sizes[0]:,} in the table", unit="x", target=at_least(0.8, "flat"),
            ours=line[-1][1] / line[0][1]),
    ]  # fmt: skip
    plot = Plot(title="Ringing and the size of the table", x="schedules", y="rung a second", lines={"ours": line})
    return Results(rows=rows, plots=[plot])


async def _rung(ours: Product, url: str) -> float:
    """Schedules rung a second by one tick."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_FORGET)
        connection.execute(_DUE, (DUE,))
    start = time.perf_counter()
    done = await ours.tick()
    assert done["rang"] == DUE, done
    return DUE / (time.perf_counter() - start)
