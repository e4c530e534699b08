"""How soon an idle worker begins a run that another process accepted, with no broker but the database."""

from __future__ import annotations

import asyncio
import statistics
from datetime import timedelta

from bench.measures import Bench
from bench.processes import command, environment
from bench.results import Results, Row, at_most
from bench.subjects import TENANT, Product, product


async def run(bench: Bench) -> Results:
    url = bench.database()
    async with (
        product(url, bus_url="store://") as here,
        command("-m", "agentcore", "work", **environment(url, AGENTCORE_BUS_URL="store://")),
    ):
        await _picked_up(here)  # the worker is up, and has imported the SDK
        taken = []
        for _ in range(bench.rounds * 2):
            await asyncio.sleep(2.5)  # until the worker looks as seldom as it ever does
            taken.append(await _picked_up(here))
    ours = statistics.median(taken)
    return Results(rows=[Row(measure="idle worker picks a run up", unit="ms", target=at_most(20), ours=ours)])


async def _picked_up(here: Product) -> float:
    """Milliseconds from the commit that accepted a run to its claim, by the database's clock."""
    accepted = await here.accept(TENANT, agent="text", input="hi", deltas=False)
    run = await here.wait(accepted, 60)
    assert run.created_at
    assert run.started_at
    return (run.started_at - run.created_at) / timedelta(milliseconds=1)
