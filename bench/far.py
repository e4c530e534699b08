"""The same with a database that is a few milliseconds away, as in another zone."""

from __future__ import annotations

from bench.measures import Bench
from bench.proxy import far
from bench.results import Results, Row, at_most
from bench.rounds import interleaved, latency, ratio
from bench.subjects import dbos, product

EACH_WAY = 0.00115  # seconds


async def run(bench: Bench) -> Results:
    count = max(5, bench.count // 4)
    async with (
        far(bench.database(), EACH_WAY) as here, far(bench.database(), EACH_WAY) as there,
        product(here) as ours, dbos(there) as peer,
    ):  # fmt: skip
        found = await interleaved(
            {
                "ours": lambda: latency(lambda: ours.turn("tool"), count),
                "dbos": lambda: peer("tool", count=count),
            },
            bench.rounds,
        )
    row = Row(
        measure="turn with one tool, 2.3 ms added to each database round trip", unit="x DBOS", target=at_most(0.25),
        ours=ratio(found["ours"], found["dbos"]), peers={"DBOS": 1.0},
    )  # fmt: skip
    return Results(rows=[row])
