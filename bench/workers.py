"""Runs a second that worker processes finish, by how many there are, with no broker but the database."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from asyncio.subprocess import Process
from collections.abc import Sequence
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
        async with product(url, bus_url="store://") as here, AsyncExitStack() as open:
            work = ("-m", "agentcore", "work")
            workers = [
                await open.enter_async_context(command(*work, **environment(url, **STORE))) for _ in range(count)
            ]
            await _accepted(here, 20 * count)
            await _finished(url)  # they are up, and have imported the SDK
            line.append((count, await _rate(here, url, workers, runs)))
    cores = os.cpu_count()
    row = Row(
        measure=f"runs with one tool that a worker finishes, {cores} cores in all", unit="a second", ours=line[0][1],
        note="all of them had been accepted before; beside it, on the same cores, PostgreSQL",
    )  # fmt: skip
    plot = Plot(title=f"Workers on {cores} cores", x="worker processes", y="runs a second", lines={"ours": line})
    return Results(rows=[row], plots=[plot])


async def _rate(here: Product, url: str, workers: Sequence[Process], runs: int) -> float:
    """Runs a second that these workers finish. They stand still while the runs are accepted."""
    for one in workers:
        one.send_signal(signal.SIGSTOP)
    try:
        await _accepted(here, runs)
    finally:
        start = time.perf_counter()
        for one in workers:
            one.send_signal(signal.SIGCONT)
    await _finished(url)
    return runs / (time.perf_counter() - start)


async def _accepted(here: Product, runs: int) -> None:
    for _ in range(runs):
        await here.accept(TENANT, agent="tool", input="hi", deltas=False)


async def _finished(url: str) -> None:
    """Return when no run is open any more."""
    async with asyncio.timeout(120), await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        while await (await connection.execute(_OPEN)).fetchone() != (0,):  # noqa: ASYNC110 - no event says so
            await asyncio.sleep(0.05)
