"""How fast due schedules ring, and whether that depends on how many others there are."""

from __future__ import annotations

import time

import psycopg

from bench.measures import Bench
from bench.results import Plot, Results, Row
from bench.subjects import Product, product

SIZES = (1_000, 10_000, 100_000, 1_000_000)
DUE = 2_000
_FILL = """insert into schedule (id, tenant, agent, input, due_at, name, cron, timezone, overlap, misfire, enabled,
metadata, created_at) select gen_random_uuid(), 'default', 'text', '"wake up"', now() + interval '1 year', '',
'0 8 * * *', 'UTC', 'queue', 'once', true, '{}', now() from generate_series(1, %s)"""
_DUE = """update schedule set due_at = now() - interval '1 second' where id in
(select id from schedule order by due_at desc limit %s)"""


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
            line.append((size, await _rung(ours, url, min(DUE, size // 2))))
    rows = [
        Row(measure=f"due schedules that ring, {sizes[-1]:,} in the table", unit="a second", target="≥ 3,000",
            ours=line[-1][1]),
        Row(measure=f"the same, to {sizes[0]:,} in the table", unit="x", target="flat", ours=line[-1][1] / line[0][1]),
    ]  # fmt: skip
    plot = Plot(title="Ringing and the size of the table", x="schedules", y="rung a second", lines={"ours": line})
    return Results(rows=rows, plots=[plot])


async def _rung(ours: Product, url: str, due: int) -> float:
    """Schedules rung a second by one ticker."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_DUE, (due,))
    start = time.perf_counter()
    done = await ours.tick()
    assert done["rang"] == due, done
    return due / (time.perf_counter() - start)
