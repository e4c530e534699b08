"""How soon a stream says something, beside a bare server that streams the same agent; and what open streams take."""

from __future__ import annotations

import asyncio
import os
import resource
import statistics
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import httpx

from bench.http import OPEN
from bench.measures import Bench
from bench.processes import address, command, environment
from bench.results import Plot, Results, Row, at_most
from bench.rounds import interleaved, ratio
from bench.subjects import product

_COUNTS = (100, 300, 1000)
_BODY = {"agent_id": "words", "input": "hi"}


async def run(bench: Bench) -> Results:
    url = bench.database()
    async with product(url):
        pass  # the schema is there now
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 3 * _COUNTS[-1])), hard))
    async with (
        command("-m", "agentcore", "serve", "--port", "0", **environment(url, **OPEN)) as ours,
        command("-m", "bench.floor", **environment()) as bare,
        _client(await address(ours)) as here, _client(await address(bare)) as there,
    ):  # fmt: skip
        cases = {
            f"{who} {event}": partial(_first, client, event, bench.count)
            for event in ("run", "delta", "finished")
            for who, client in (("ours", here), ("floor", there))
        }
        found = await interleaved(cases, max(3, bench.rounds // 2))
        taken, cpu = await _open_streams(here, ours.pid, (30, 100) if bench.quick else _COUNTS)
    names = {"run": "first event", "delta": "first text", "finished": "last event"}
    rows = [_row(name, found[f"ours {event}"], found[f"floor {event}"]) for event, name in names.items()]
    most, all_of_them = taken[-1]
    note = f"{most:,.0f} at once, of threads that nothing happens on"
    more = [
        Row(measure="memory of an open stream", unit="KiB", ours=all_of_them * 1024 / most, note=note),
        Row(measure="processor time of open streams", unit="ms a second", ours=cpu, note=note),
    ]
    plot = Plot(title="Memory and open streams", x="streams", y="MiB more than without", lines={"ours": taken})
    return Results(rows=[*rows, *more], plots=[plot])


def _row(name: str, ours: list[float], floor: list[float]) -> Row:
    added = statistics.median(a - b for a, b in zip(ours, floor, strict=True))
    note = f"{ratio(ours, floor):.2f} x a bare server, which keeps nothing"
    target = at_most(5) if name == "first event" else None
    return Row(measure=f"a stream's {name}, beyond a bare server's", unit="ms", target=target, ours=added, note=note)


def _client(url: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=url, timeout=30, trust_env=False, limits=httpx.Limits(max_connections=None))


async def _first(client: httpx.AsyncClient, event: str, count: int) -> float:
    """Milliseconds from the request to the first event of that kind: the median of so many."""
    taken = []
    for _ in range(count):
        start = time.perf_counter()
        async with client.stream("POST", "/runs/stream", json=_BODY) as answer:
            answer.raise_for_status()
            found = [time.perf_counter() - start async for line in answer.aiter_lines() if line == f"event: {event}"]
            taken.append(found[0])
    return statistics.median(taken) * 1e3


async def _open_streams(
    client: httpx.AsyncClient, process: int, counts: Sequence[int]
) -> tuple[list[tuple[float, float]], float]:
    """MiB that so many open streams take together, and the processor's time a second for the most of them."""
    before, taken = _memory(process), list[tuple[float, float]]()
    async with AsyncExitStack() as streams:
        for number in range(1, counts[-1] + 1):
            thread = (await client.post("/threads", json={})).raise_for_status().json()["thread_id"]
            answer = await streams.enter_async_context(client.stream("GET", f"/threads/{thread}/events"))
            answer.raise_for_status()  # a stream that is refused is not open
            if number in counts:
                taken.append((number, (_memory(process) - before) / 1024))
        spent = _spent(process)
        await asyncio.sleep(5)
        return taken, (_spent(process) - spent) / 5 * 1e3


def _memory(process: int) -> float:
    """KiB in memory, proc(5)."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return float(next(line for line in lines if line.startswith("VmRSS")).split()[1])


def _spent(process: int) -> float:
    """Seconds of the processor, proc(5)."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
