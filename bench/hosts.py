"""How soon each host answers its first event, from the start of its process, and how soon it answers those after it."""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import platforms
from bench.measures import Bench
from bench.platforms import Host, Role
from bench.processes import ROOT, environment
from bench.results import Results, Row
from bench.rounds import Turn, latency
from bench.subjects import TENANT, Product, product

WORDS: Mapping[Role, str] = {"accept": "accepts a run", "move": "moves a run to its end", "tick": "ticks"}
_COMMON = {
    "AGENTCORE_BUS_URL": "store://", "AGENTCORE_AGENTS": "bench.registered", "AGENTCORE_MODEL": "offline",
    "AGENTCORE_AUTH": "none", "AGENTCORE_ALLOW_UNAUTHENTICATED": "true", "AGENTCORE_RATE_PER_SECOND": "0",
    "PYTHON_ENABLE_INIT_INDEXING": "1", "PYTHONPYCACHEPREFIX": str(ROOT / ".bench/compiled"),
}  # fmt: skip


async def run(bench: Bench) -> Results:
    hosts, absent = platforms.found()
    cold: dict[Host, list[float]] = {host: [] for host in hosts}
    warm: dict[Host, list[float]] = {host: [] for host in hosts if host.stays}
    async with AsyncExitStack() as open:
        # A database for each role, as a job would move what others have accepted.
        urls = {role: bench.database() for role in WORDS}
        here = {role: await open.enter_async_context(product(url, bus_url="store://")) for role, url in urls.items()}
        for number in range(bench.rounds + 1):
            imported = await asyncio.to_thread(_seconds, _import_agents)
            inside = {role: await _inside(here[role], role, bench.count) for role in WORDS}
            for host in hosts:
                ids = await _runs(here[host.role], host.role, bench.count + 1 if host.stays else 1)
                first, *others = await asyncio.to_thread(_answered, host, urls[host.role], ids)
                if number:  # the first round compiles, and does not count
                    cold[host].append(first / imported)
                if number and others:
                    warm[host].append(statistics.median(others) / inside[host.role])
    rows = [
        *(_row("cold start", host, found, "x import agents") for host, found in cold.items()),
        *(_row("warm", host, found, "x the same in one process") for host, found in warm.items()),
    ]
    return Results(rows=rows, absent=absent)


def _row(what: str, host: Host, found: Sequence[float], unit: str) -> Row:
    name = f"{what}: {host.name} {WORDS[host.role]}"
    return Row(measure=name, unit=unit, ours=statistics.median(found))


async def _runs(here: Product, role: Role, count: int) -> list[str]:
    """Ids to give to a host: of runs that wait, where it moves them."""
    if role != "move":
        return [""] * count
    return [(await here.accept(TENANT, agent="text", input="hi", deltas=False)).id for _ in range(count)]


async def _inside(here: Product, role: Role, count: int) -> float:
    """Seconds that the same takes where no host is."""
    ids = iter(await _runs(here, role, count))
    turns: Mapping[Role, Turn] = {
        "accept": lambda: here.accept(TENANT, agent="text", input="hi"),
        "move": lambda: here.work(next(ids)),
        "tick": here.tick,
    }
    return await latency(turns[role], count) / 1e3


def _answered(host: Host, url: str, ids: Sequence[str]) -> list[float]:
    """Seconds to the answer to each event, for a process that the first of them starts."""
    with TemporaryDirectory() as folder:
        event, stop = host.make(Path(folder), {**_COMMON, "AGENTCORE_DATABASE_URL": url})
        try:
            return [_seconds(partial(event, run_id)) for run_id in ids]
        finally:
            stop()


def _seconds(do: Callable[[], object]) -> float:
    start = time.perf_counter()
    do()
    return time.perf_counter() - start


def _import_agents() -> None:
    subprocess.run([sys.executable, "-c", "import agents"], env=environment(), check=True)
