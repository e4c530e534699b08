"""A thread, a run on it, and its answer, over HTTP."""

from __future__ import annotations

import statistics

import httpx

from bench.measures import Bench
from bench.processes import address, command, environment
from bench.results import Results, Row, at_least, at_most
from bench.rounds import Turn, interleaved, latency, rate
from bench.subjects import product

AT_ONCE = 16
OPEN = {"AGENTCORE_AUTH": "none", "AGENTCORE_RATE_PER_SECOND": "0"}  # as the bare server is


async def run(bench: Bench) -> Results:
    url = bench.database()
    async with product(url):
        pass  # the schema is there now
    seconds = 0.5 if bench.quick else 2.0
    async with (
        command("-m", "agentcore", "serve", "--port", "0", **environment(url, **OPEN)) as ours,
        command("-m", "bench.floor", **environment()) as bare,
        _client(await address(ours)) as here, _client(await address(bare)) as there,
    ):  # fmt: skip
        found = await interleaved(
            {
                "ours": lambda: latency(_turn(here), bench.count),
                "floor": lambda: latency(_turn(there), bench.count),
                "ours/s": lambda: rate(_turn(here), AT_ONCE, seconds),
                "floor/s": lambda: rate(_turn(there), AT_ONCE, seconds),
            },
            max(3, bench.rounds // 2),
        )
    return Results(
        rows=[
            Row(measure="HTTP: thread, run and wait", unit="ms", target=at_most(8),
                ours=statistics.median(found["ours"]), peers={"a bare server": statistics.median(found["floor"])},
                note="the model takes no time; a bare server: the same two requests, which run the agent and keep "
                "nothing"),
            Row(measure=f"HTTP: threads with a run and its answer, {AT_ONCE} at once", unit="a second",
                target=at_least(100), ours=statistics.median(found["ours/s"]),
                peers={"a bare server": statistics.median(found["floor/s"])}),
        ]
    )  # fmt: skip


def _client(url: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=url, timeout=30, trust_env=False, limits=httpx.Limits(max_connections=AT_ONCE))


def _turn(client: httpx.AsyncClient) -> Turn:
    async def turn() -> None:
        thread = (await client.post("/threads", json={})).raise_for_status().json()
        body = {"agent_id": "text", "input": "hi", "thread_id": thread["thread_id"]}
        (await client.post("/runs/wait", json=body)).raise_for_status()

    return turn
