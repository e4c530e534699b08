"""Runs a second that worker processes finish, by how many there are, with no broker but the database."""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import AsyncExitStack

import psycopg

from bench.measures import Bench
from bench.processes import command, environment
from bench.results import Plot, Results, Row
from bench.subjects import TENANT, Product, product

COUNTS = (1, 2, 3, 4)
STORE = {"AGENTCORE_BUS_URL": "store://"}
_OPEN = "select count(*) from run where status in ('queued', 'running')"


async def run(bench: Bench) -> Results:
    runs, line = 100 if bench.quick else 1_000, list[tuple[float, float]]()
    for count in COUNTS[:2] if bench.quick else COUNTS:
        url = bench.database()
        async with product(url, bus_url="store://") as here, AsyncExitStack() as workers:
            for _ in range(count):
                await workers.enter_async_context(command("-m", "agentcore", "work", **environment(url, **STORE)))
            await _finished(here, url, 20 * count)  # they are up, and have imported the SDK
            line.append((count, await _finished(here, url, runs)))
    cores = os.cpu_count()
    row = Row(
        measure=f"runs with one tool that a worker finishes, {cores} cores in all", unit="a second", ours=line[0][1],
        note="beside it, on the same cores, PostgreSQL and the process that accepts the runs",
    )  # fmt: skip
    plot = Plot(title=f"Workers on {cores} cores", x="worker processes", y="runs a second", lines={"ours": line})
    return Results(rows=[row], plots=[plot])


async def _finished(here: Product, url: str, runs: int) -> float:
    """Runs a second, from the first that is accepted until the last has ended."""
    start = time.perf_counter()
    async with asyncio.timeout(120), await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        for _ in range(runs):
            await here.accept(TENANT, agent="tool", input="hi", deltas=False)
        while True:
            row = await (await connection.execute(_OPEN)).fetchone()
            if row == (0,):
                return runs / (time.perf_counter() - start)
            await asyncio.sleep(0.05)
