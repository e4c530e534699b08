"""Workers that are killed and stopped at random lose nothing and repeat nothing."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from agentcore.records import Run
from agentcore.testing import SideTable
from tests.e2e.processes import ROOT, environment
from tests.harness import TENANT, Harness, harness

RUNS, WORKERS, PATIENCE = int(os.environ.get("KILL_RUNS", "100")), 3, 240.0
LEASE = 2.0
AGENTS = ("text", "tools", "asks", "nested")


class Fleet:
    """Worker processes, one of which is always about to die."""

    def __init__(self, folder: Path, url: str, bus: str = "store://", **more: str) -> None:
        self.folder = folder
        self.env = environment(
            AGENTCORE_DATABASE_URL=url, AGENTCORE_BUS_URL=bus, AGENTCORE_AGENTS="tests.crash.kill_agents",
            AGENTCORE_LEASE_SECONDS=str(LEASE), AGENTCORE_REDELIVERY_SECONDS="2", AGENTCORE_MODEL="offline",
            AGENTCORE_MAX_FAILURES="50", SIDE=str(folder / "side"), **more,
        )  # fmt: skip
        self.log = (folder / "workers.log").open("ab")
        self.workers = [self.start() for _ in range(WORKERS)]
        self.hits: Counter[str] = Counter()
        self.next = itertools.cycle(["kill", "kill", "stop", "term"])

    def start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "agentcore", "work"]
        return subprocess.Popen(command, cwd=ROOT, env=self.env, stdout=self.log, stderr=self.log)

    async def hit(self) -> None:
        """Kill one, end one politely, or stop one for longer than its lease."""
        index, how = random.randrange(WORKERS), next(self.next)
        worker = self.workers[index]
        self.hits[how] += 1
        if how == "stop":
            worker.send_signal(signal.SIGSTOP)
            await asyncio.sleep(LEASE * 1.5)
            worker.send_signal(signal.SIGCONT)
            return
        worker.send_signal(signal.SIGKILL if how == "kill" else signal.SIGTERM)
        await asyncio.to_thread(worker.wait, 60)
        self.workers[index] = self.start()

    def end(self) -> None:
        for worker in self.workers:
            worker.kill()
            worker.wait()
        self.log.close()


@pytest.mark.timeout(400)
def test_every_run_ends_and_the_side_table_agrees_with_the_journal(postgres_url: str, tmp_path: Path) -> None:
    asyncio.run(soak(postgres_url, tmp_path))


async def soak(url: str, folder: Path, bus: str = "store://", count: int = RUNS, password: str = "") -> None:
    more = {"AGENTCORE_BUS_PASSWORD": password} if password else {}
    fleet, side = Fleet(folder, url, bus, **more), SideTable(folder / "side")
    try:
        async with harness(
            url, bus_url=bus, bus_password=password, agents="tests.crash.kill_agents", redelivery_seconds=2.0
        ) as it:
            for name in AGENTS:
                it.agent(lambda: None, name)  # accepting needs only the name
            runs = [await it.accept(agent=AGENTS[n % len(AGENTS)]) for n in range(count)]
            end = time.monotonic() + PATIENCE
            while await open_runs(it) and time.monotonic() < end:
                await asyncio.gather(fleet.hit(), answer(it, side), it.service.tick(), asyncio.sleep(1.0))
            await judge(it, runs, side, fleet)
    finally:
        fleet.end()


async def open_runs(it: Harness) -> list[Run]:
    return await it.store.runs(TENANT, status=["queued", "running", "waiting", "sleeping"], limit=RUNS)


async def answer(it: Harness, side: SideTable) -> None:
    """A person who approves all, and who looks up what became of a call before saying so."""
    for question in await it.store.questions(TENANT, limit=RUNS):
        if question.kind == "approval":
            decision, result = "approve", None
        else:
            happened = any(line.startswith(f"{question.run_id} {question.key} ") for line in side.count())
            decision, result = ("happened", f"{question.tool} done") if happened else ("again", None)
        await it.service.decide(TENANT, question.id, decision, by="tester", result=result)  # type: ignore[arg-type]


async def judge(it: Harness, runs: list[Run], side: SideTable, fleet: Fleet) -> None:
    ended = [await it.get(run) for run in runs]
    assert Counter(run.status for run in ended) == {"succeeded": len(runs)}, [r.error for r in ended if r.error]
    done, keys, once = Counter[str](), dict[str, set[str]](), {"pay", "refund"}
    for line, times in side.count().items():
        run_id, key, idempotency = line.split(" ")
        done[f"{run_id} {key}"] += times
        keys.setdefault(f"{run_id} {key}", set()).add(idempotency)
    journaled = 0
    for run in ended:
        for entry in await it.journal(run):
            if entry.kind == "tool":
                journaled += 1
                times = done.pop(f"{run.id} {entry.key}")
                assert times == 1 or entry.data["name"] not in once, (run.id, entry.key, times)
    assert not done, "effects that no journal knows"
    assert all(len(found) == 1 for found in keys.values())
    print(f"{len(runs)} runs, {journaled} tool calls, hits {dict(fleet.hits)}")
    assert fleet.hits["kill"] >= 2
