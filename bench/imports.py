"""What a process pays before it does anything, and what it holds while it does nothing."""

from __future__ import annotations

import asyncio
import statistics
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bench.measures import Bench
from bench.processes import Cost, command, environment, memory, spawn
from bench.results import Results, Row, at_most
from bench.subjects import DBOS_PYTHON, TENANT, Product, product

_OPEN = (
    "from agentcore import loading; loading.collect_seldom(); "  # as the command line does
    "from agentcore import app, settings; service = app.build(settings.load())"
)
CODE = {
    "agents": "import agents",
    "tick": _OPEN,
    "accept": f"{_OPEN}; from agentcore.api import create_app; create_app(service)",
}


async def run(bench: Bench) -> Results:
    url = bench.database()
    async with product(url, bus_url="store://") as here:
        env = environment(url, AGENTCORE_BUS_URL="store://")
        costs: dict[str, list[Cost]] = {}
        for number in range(bench.rounds + 1):
            for name, process in _processes(env).items():
                if name == "worker":
                    await here.accept(TENANT, agent="text", input="hi")
                cost = await asyncio.to_thread(process)
                costs.setdefault(name, []).extend([cost] if number else [])
        held = await _idle(here, env)
    base = statistics.median(cost.peak for cost in costs["agents"])
    words = {
        "tick": ("cold import of what a tick needs", at_most(0.35, "stretch 0.25")),
        "accept": ("cold import of what accepting needs", at_most(0.55, "stretch 0.45")),
        "worker": ("cold start of a worker, to the end of its first turn", at_most(1.1, "stretch 0.85")),
    }
    rows = [
        Row(measure=what, unit="x import agents (CPU)", target=target, ours=_ratio(costs[name], costs["agents"]),
            peers={"import DBOS and its agents": _ratio(costs["dbos"], costs["dbos base"])} if name == "worker" else {})
        for name, (what, target) in words.items()
    ]  # fmt: skip
    idle = Row(measure="memory of an idle worker", unit="MiB", ours=held,
               peers={"import agents alone": base})  # fmt: skip
    return Results(rows=[*rows, idle])


def _processes(env: dict[str, str]) -> dict[str, Callable[[], Cost]]:
    found: dict[str, Callable[[], Cost]] = {
        name: partial(spawn, [sys.executable, "-c", code], env) for name, code in CODE.items()
    }
    found["worker"] = lambda: spawn([sys.executable, "-m", "agentcore", "work", "--drain"], env)
    peer = str(Path(DBOS_PYTHON).absolute())
    found["dbos base"] = lambda: spawn([peer, "-c", "import agents"], environment())
    found["dbos"] = lambda: spawn([peer, "-c", "import dbos, dbos_openai_agents"], environment())
    return found


def _ratio(of: list[Cost], to: list[Cost]) -> float:
    return statistics.median(a.cpu / b.cpu for a, b in zip(of, to, strict=True))


async def _idle(here: Product, env: dict[str, str]) -> float:
    """MiB of a worker that has done one run and waits for the next."""
    async with command("-m", "agentcore", "work", **env) as worker:
        run = await here.accept(TENANT, agent="text", input="hi")
        await here.wait(run, 60)
        await asyncio.sleep(1)
        return memory(worker.pid)
