"""Turns a second, sixteen at once, in one process; and how they grow with worker processes."""

from __future__ import annotations

from bench.measures import Bench
from bench.results import Results, Row, at_least
from bench.rounds import interleaved, rate, ratio
from bench.subjects import dbos, product, raw

AT_ONCE = 16


async def run(bench: Bench) -> Results:
    seconds = 0.5 if bench.quick else 2.0
    async with product(bench.database()) as ours, dbos(bench.database()) as peer:
        bare = raw()["tool"]
        found = await interleaved(
            {
                "raw": lambda: rate(bare, AT_ONCE, seconds),
                "ours": lambda: rate(lambda: ours.turn("tool"), AT_ONCE, seconds),
                "dbos": lambda: peer("tool", at_once=AT_ONCE, seconds=seconds),
            },
            max(3, bench.rounds // 2),
        )
    beside = Row(
        measure="turns a second, 16 at once, beside DBOS", unit="x DBOS", target=at_least(3.5),
        ours=ratio(found["ours"], found["dbos"]), peers={"DBOS": 1.0, "raw": ratio(found["raw"], found["dbos"])},
    )  # fmt: skip
    return Results(rows=[beside])
