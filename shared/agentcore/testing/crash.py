"""Kill an agent's process before and after each commit, recover in a new process, and compare what became of it.

    python -m agentcore.testing my_package.my_scenarios:refund --database sqlite:///crash.db

The commits are those of an undisturbed run, counted, not listed. Each victim is a forked process that dies by
`os._exit`; recovery is another one. What must hold: the same final history, no recorded step repeated, no `once` tool
twice, nothing left unfinished.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import traceback
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import agentcore.engine  # imported here, once, so that no forked process has to  # noqa: F401
from agentcore import app
from agentcore.bus import open_bus
from agentcore.ports import StateStore
from agentcore.records import Run
from agentcore.registry import Registry
from agentcore.service import Service
from agentcore.settings import Settings
from agentcore.store import open_store
from agentcore.testing.script import SideTable
from agentcore.testing.travel import advance

COMMITS = frozenset(
    {"accept", "claim", "append", "pause", "finish", "expire_questions", "cancel", "decide", "signal", "sweep", "ring"}
    | {"put_schedule", "redrive", "create_thread"}
)
"""The store's verbs that commit something. The heartbeat is not one: when it comes depends on the time."""
TENANT = "crash"
ROUNDS = 40


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """What a crash test drives. `start` accepts the runs, under idempotency keys: it is called again after a crash."""

    name: str
    register: Callable[[Registry, SideTable], None]  # the agents; their tools and models write to the side table
    start: Callable[[Service, bool], Awaitable[Any]]  # (service, streamed)
    nudge: Callable[[Service, SideTable], Awaitable[None]] | None = None  # what people do while runs wait
    runs: int = 1  # how many there are in the end
    once: frozenset[str] = frozenset()  # lines of the side table that may stand there once
    env: Mapping[str, Any] = field(default_factory=dict)  # settings


class Crashing:
    """A store that ends the process before or after its n-th commit."""

    def __init__(self, store: StateStore, at: int = 0, when: str = "before") -> None:
        self.store, self.at, self.when, self.commits = store, at, when, 0
        self.names: list[str] = []

    def __getattr__(self, verb: str) -> Any:
        method = getattr(self.store, verb)
        return self._counted(verb, method) if verb in COMMITS else method

    def _counted(self, verb: str, method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def counted(*args: Any, **kwargs: Any) -> Any:
            self.commits += 1
            self.names.append(verb)
            mine = self.commits
            if mine == self.at and self.when == "before":
                os._exit(137)
            result = await method(*args, **kwargs)
            if mine == self.at:
                os._exit(137)
            return result

        return counted


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a drive of a scenario came to."""

    history: Any  # of each thread
    runs: list[list[Any]]  # agent, status and output of each
    commits: int
    verbs: list[str]
    side: dict[str, int]
    repeated: list[str]  # recorded steps that were executed again
    stuck: list[str]  # runs left unfinished


async def drive(
    scenario: Scenario, url: str, side: SideTable, *, streamed: bool, at: int = 0, when: str = ""
) -> Outcome:
    """Run a scenario to its end in this process, or die at the given commit."""
    options = {"database_url": url, "bus_url": "memory://", "model": "offline", "lease_seconds": 600.0, **scenario.env}
    settings = Settings(**options)
    registry = Registry()
    scenario.register(registry, side)
    crashing = Crashing(open_store(url, settings), at, when)
    store = cast(StateStore, crashing)  # stands for the port, verb by verb
    bus = open_bus(settings.bus_url, store, settings)
    async with app.running(Service(store=store, bus=bus, registry=registry, settings=settings)) as service:
        recorded, before = await _recorded(service), side.count()
        await scenario.start(service, streamed)
        for _ in range(ROUNDS):
            await work_all(service)
            if len(await _all_runs(service)) >= scenario.runs and not await _unfinished(service):
                break
            await (scenario.nudge or answer_all)(service, side)
            await work_all(service)
            await advance(crashing.store, 4000)
            await service.tick()
        return await _outcome(service, crashing, side, recorded, before)


async def work_all(service: Service) -> None:
    """Do what is on the bus, one after the other."""
    while messages := await service.bus.receive(limit=1, wait=0.01):
        for message in messages:
            await service.work(message.run_id)


async def answer_all(service: Service, side: SideTable) -> None:
    """Approve what asks for approval; of a call with unknown outcome say the truth, which the side table knows."""
    for question in await service.store.questions(TENANT):
        if question.kind == "approval":
            await service.decide(TENANT, question.id, "approve", by="tester")
        elif side.count()[f"effect:{question.tool}:{question.call_id}"]:
            result = f"{question.tool} done"
            await service.decide(TENANT, question.id, "happened", by="tester", result=result)
        else:
            await service.decide(TENANT, question.id, "again", by="tester")


async def _all_runs(service: Service) -> list[Run]:
    runs = await service.store.runs(TENANT, limit=200)
    return sorted(runs, key=lambda run: (run.thread_id, run.position))


async def _unfinished(service: Service) -> list[Run]:
    return [run for run in await _all_runs(service) if not run.terminal]


async def _recorded(service: Service) -> set[str]:
    """What was recorded when this process began: the calls that must not be executed again."""
    found: set[str] = set()
    for run in await _all_runs(service):
        _, entries = await service.store.entries(TENANT, run.id, limit=10_000)
        found |= {f"effect:{e.data['name']}:{e.data['call_id']}" for e in entries if e.kind == "tool"}
        found |= {f"recorded:{run.id}:{e.key}" for e in entries if e.kind == "model"}
    return found


async def _outcome(
    service: Service, crashing: Crashing, side: SideTable, recorded: set[str], before: Mapping[str, int]
) -> Outcome:
    runs, after = await _all_runs(service), side.count()
    threads = {run.thread_id: await service.store.items(TENANT, run.thread_id) for run in runs}
    history = sorted((_renamed([dict(item.data) for item in items]) for items in threads.values()), key=json.dumps)
    models = sum(1 for line in recorded if line.startswith("recorded:"))
    fresh = sum(n - before.get(line, 0) for line, n in after.items() if line.startswith("model"))
    total = sum(1 for line in await _recorded(service) if line.startswith("recorded:"))
    repeated = [line for line in recorded if line.startswith("effect:") and after[line] > before.get(line, 0)]
    if fresh > total - models:
        repeated.append(f"{fresh} model calls for {total - models} new entries")
    ends = sorted(([r.agent, r.status, r.output] for r in runs), key=json.dumps)
    return Outcome(
        history=history, runs=ends, commits=crashing.commits,
        verbs=crashing.names, side=dict(after), repeated=repeated,
        stuck=[f"{r.id} {r.status}" for r in runs if not r.terminal],
    )  # fmt: skip


def _renamed(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same history with call ids by order: those that we make name their run, and so differ each time."""
    names: dict[str, str] = {}
    for item in items:
        if "call_id" in item:
            item["call_id"] = names.setdefault(item["call_id"], f"call {len(names)}")
    return items


def forked(work: Callable[[], Coroutine[Any, Any, Outcome]]) -> dict[str, Any] | None:
    """Do it in a forked process: what it came to, or None where it died at its commit."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        try:
            told = json.dumps(asyncio.run(work()).__dict__, sort_keys=True)
        except BaseException:
            told = json.dumps({"error": traceback.format_exc()})
        with os.fdopen(write, "w") as pipe:
            pipe.write(told)
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        told = pipe.read()
    _, status = os.waitpid(child, 0)
    if os.waitstatus_to_exitcode(status) == 137:
        return None
    result: dict[str, Any] = json.loads(told)
    return result


def matrix(
    scenario: Scenario, databases: Iterator[str], sides: Iterator[SideTable], *, streamed: bool
) -> tuple[int, int, list[str]]:
    """Kill at each commit, both ways. How many commits there are, how many victims died, and what went wrong."""
    # Once in this process too: what that imports and builds, no forked process has to.
    asyncio.run(drive(scenario, next(databases), next(sides), streamed=streamed))
    gc.collect()
    gc.freeze()
    whole = _drive(scenario, next(databases), next(sides), streamed)
    wrong = _judge(scenario, "undisturbed", whole, whole)
    if whole is None or "error" in whole:
        return 0, 0, wrong
    killed = 0
    for at in range(1, whole["commits"] + 1):
        for when in ("before", "after"):
            url, side = next(databases), next(sides)
            victim = _drive(scenario, url, side, streamed, at, when)
            killed += victim is None
            end = _drive(scenario, url, side, streamed) if victim is None else victim
            wrong += _judge(scenario, f"killed {when} commit {at} ({whole['verbs'][at - 1]})", end, whole)
    return whole["commits"], killed, wrong


def _drive(
    scenario: Scenario, url: str, side: SideTable, streamed: bool, at: int = 0, when: str = ""
) -> dict[str, Any] | None:
    return forked(lambda: drive(scenario, url, side, streamed=streamed, at=at, when=when))


def _judge(scenario: Scenario, where: str, end: dict[str, Any] | None, whole: dict[str, Any] | None) -> list[str]:
    """What is wrong with an end, measured against the undisturbed run."""
    if end is None or whole is None:
        return [f"{where}: the process died where it should not have"]
    if "error" in end:
        return [f"{where}: {end['error']}"]
    wrong = [f"{where}: {name} differs: {end[name]} instead of {whole[name]}" for name in ("history", "runs")
             if end[name] != whole[name]]  # fmt: skip
    wrong += [f"{where}: repeated: {line}" for line in end["repeated"]]
    wrong += [f"{where}: stuck: {line}" for line in end["stuck"]]
    return wrong + [f"{where}: {line} happened {end['side'].get(line)} times" for line in scenario.once
                    if end["side"].get(line, 0) > 1]  # fmt: skip
