"""How often a turn waits for the database, counted on the wire."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from bench.measures import Bench
from bench.proxy import Proxy, proxied
from bench.results import Results, Row, at_most
from bench.rounds import latency
from bench.subjects import KINDS, dbos, product

MOST = {"text": at_most(3, "2 + models + tools"), "tool": at_most(5, "2 + models + tools")}
TURNS = 50


async def run(bench: Bench) -> Results:
    ours, theirs = dict[str, float](), dict[str, float]()
    async with proxied(bench.database()) as (url, proxy), product(url) as service:
        for kind in KINDS:
            ours[kind] = await _counted(proxy, partial(latency, partial(service.turn, kind), TURNS))
    async with proxied(bench.database()) as (url, proxy), dbos(url) as peer:
        for kind in KINDS:
            theirs[kind] = await _counted(proxy, partial(peer, kind, count=TURNS))
    rows = [
        Row(measure=f"database round trips: {kind}", unit="a turn", target=MOST[kind], ours=ours[kind],
            peers={"DBOS": theirs[kind]}, note="hints to other processes, which no turn waits for, included")
        for kind in KINDS
    ]  # fmt: skip
    return Results(rows=rows)


async def _counted(proxy: Proxy, work: Callable[[], Awaitable[object]]) -> float:
    await work()  # prepares the statements
    before = proxy.trips
    await work()
    await asyncio.sleep(0.05)
    return (proxy.trips - before) / TURNS
