"""What is counted of what runs do, and when."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from agents import Agent, function_tool
from prometheus_client import REGISTRY

from agentcore import Transient, metrics
from agentcore.deadline import Deadline
from agentcore.testing import advance, call, say
from tests.engine.world import World, dies
from tests.harness import TENANT, Harness, harness, on


class Counted:
    """What the figures have risen by since this was made."""

    def __init__(self) -> None:
        self._before = _all()

    def __call__(self, sample: str, /, **labels: str) -> float:
        key = (sample, tuple(sorted(labels.items())))
        return _all().get(key, 0.0) - self._before.get(key, 0.0)


def _all() -> Mapping[Any, float]:
    samples = (sample for metric in REGISTRY.collect() for sample in metric.samples)
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for s in samples}


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    monkeypatch.setattr(metrics, "_agent", metrics.Names())  # whatever names other tests have used up
    monkeypatch.setattr(metrics, "_tool", metrics.Names())
    return Counted()


def test_steps_tokens_and_ends_are_counted_once_replays_are_not(
    tmp_path: Path, world: World, streamed: bool, counted: Counted
) -> None:
    async def test(it: Harness) -> None:
        it.agent(
            lambda: world.agent([call("look", id="c")], [say("done")], tools=[world.tool("look", needs_approval=True)])
        )
        run = await it.run(deltas=streamed)
        await it.decide()  # a second slice, which replays the first call
        left = await it.get(run)
        assert left.status == "succeeded"
        steps = "agentcore_step_seconds_count"
        assert counted(steps, kind="model", name="main") == world.side.count().total() - world.count("look") == 2
        assert counted(steps, kind="tool", name="look") == 1
        assert counted("agentcore_step_seconds_sum", kind="model", name="main") > 0
        for direction in ("input", "output"):
            told = counted("agentcore_tokens_total", agent="main", direction=direction)
            assert told == left.usage[f"{direction}_tokens"]
        assert counted("agentcore_runs_ended_total", agent="main", status="succeeded") == 1
        assert counted("agentcore_takeovers_total") == counted("agentcore_leases_lost_total") == 0

    on(tmp_path, test)


def test_an_agent_inside_another_is_counted_by_its_own_name(tmp_path: Path, world: World, counted: Counted) -> None:
    async def test(it: Harness) -> None:
        inner = world.agent([say("inner")], name="inner").as_tool("ask", None)
        it.agent(lambda: world.agent([call("ask", {"input": "q"}, id="c")], [say("done")], tools=[inner]))
        assert (await it.run()).status == "succeeded"
        assert counted("agentcore_step_seconds_count", kind="model", name="inner") == 1
        assert counted("agentcore_step_seconds_count", kind="tool", name="ask") == 0  # it is a place, not a step

    on(tmp_path, test)


def test_retries_and_failures_are_counted(tmp_path: Path, world: World, counted: Counted) -> None:
    @function_tool
    async def flaky() -> str:
        raise Transient("away")

    async def test(it: Harness) -> None:
        it.agent(lambda: world.agent([call("flaky", id="c")], [say("done")], tools=[flaky]))
        run = await it.run()
        for _ in range(3):
            await it.later(1)
        assert (await it.get(run)).status == "failed"
        assert counted("agentcore_retries_total", agent="main") == 2
        assert counted("agentcore_runs_ended_total", agent="main", status="failed") == 1
        assert counted("agentcore_step_seconds_count", kind="tool", name="flaky") == 0
        assert counted("agentcore_takeovers_total") == 0

    on(tmp_path, test, max_failures=3)


@pytest.mark.parametrize("swept", [True, False])
@pytest.mark.parametrize("steps", [0, 1])
def test_a_takeover_is_counted_whoever_found_it(
    tmp_path: Path, world: World, counted: Counted, steps: int, swept: bool
) -> None:
    def build() -> Agent[Any]:
        @function_tool
        async def slow() -> str:
            world.side.add("slow")
            await asyncio.sleep(3600 if steps and world.count("slow") == 1 else 0)
            return "ok"

        return world.agent([call("slow", id="c")], [say("done")], tools=[slow])

    async def test(it: Harness) -> None:
        it.agent(build)
        run = await it.accept()
        if steps:
            await dies(it, run, lambda: world.count("slow"))
        else:
            assert await it.store.claim(run.id, lease=30, window=10) is not None  # and nothing was heard of it
        assert counted("agentcore_takeovers_total") == 0
        await advance(it.store, 31)
        if swept:
            await it.service.tick()
        await it.service.work(run.id)
        assert (await it.get(run)).status == "succeeded"
        assert counted("agentcore_takeovers_total") == 1

    on(tmp_path, test)


def test_a_worker_that_died_after_an_approval_was_taken_over(tmp_path: Path, world: World, counted: Counted) -> None:
    async def test(it: Harness) -> None:
        it.agent(
            lambda: world.agent([call("pay", id="c")], [say("done")], tools=[world.tool("pay", needs_approval=True)])
        )
        run = await it.run()
        (question,) = await it.questions()
        await it.service.decide(TENANT, question.id, "approve", by="kim")
        assert await it.store.claim(run.id, lease=30, window=10) is not None
        assert counted("agentcore_takeovers_total") == 0
        await it.later(31)
        assert (await it.get(run)).status == "succeeded"
        assert counted("agentcore_takeovers_total") == 1

    on(tmp_path, test)


def test_what_a_worker_let_go_is_no_takeover(tmp_path: Path, world: World, counted: Counted) -> None:
    async def test(it: Harness) -> None:
        it.agent(lambda: world.agent([call("look", id="c")], [say("done")], tools=[world.tool("look")]))
        run = await it.accept()
        await it.service.work(run.id, Deadline(0.0))  # it yields at once
        assert await it.keys(run, "yielded") != []
        await it.later(61)  # and its message got lost
        assert (await it.get(run)).status == "succeeded"
        lost = await it.accept("again")
        await it.service.bus.receive(limit=10, wait=0.01)
        await it.later(61)
        assert (await it.get(lost)).status == "succeeded"
        assert counted("agentcore_takeovers_total") == 0

    on(tmp_path, test)


def test_a_lost_lease_is_counted(tmp_path: Path, world: World, counted: Counted) -> None:
    async def test() -> None:
        url = f"sqlite:///{tmp_path}/test.db"
        async with harness(url) as it, harness(url) as other:

            @function_tool
            async def slow() -> str:
                await advance(other.store, 31)
                assert await other.store.claim(run.id, lease=30, window=10) is not None
                return "too late"

            it.agent(lambda: world.agent([call("slow", id="c")], [say("done")], tools=[slow]))
            run = await it.accept()
            assert await it.service.work(run.id) is None
            assert counted("agentcore_leases_lost_total") == 1
            assert counted("agentcore_runs_ended_total", agent="main", status="succeeded") == 0

    asyncio.run(test())
