"""Before a deploy, every parked run is replayed against the new code; nothing is called, claimed or written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from agents import Agent

from agentcore.preflight import Report, preflight
from agentcore.records import Run
from agentcore.testing import call, say
from tests.engine.world import World
from tests.harness import Harness, on


async def reports(it: Harness) -> list[Report]:
    return [report async for report in preflight(it.service)]


async def parked(it: Harness, world: World) -> Run:
    def build() -> Agent[Any]:
        turns = [call("look", id="l")], [call("pay", id="p")], [say("done")]
        return world.agent(*turns, tools=[world.tool("look"), world.tool("pay", needs_approval=True)])

    it.agent(build)
    return await it.run()


def test_a_run_that_waits_would_resume(tmp_path: Path, world: World) -> None:
    async def test(it: Harness) -> None:
        run = await parked(it, world)
        before, journal = world.side.count(), await it.journal(run)
        [report] = await reports(it)
        assert (report.run_id, report.status, report.problem) == (run.id, "waiting", None)
        assert (world.side.count(), await it.journal(run), await it.get(run)) == (before, journal, run)
        await it.decide("approve")
        assert (await it.get(run)).status == "succeeded"
        assert await reports(it) == []

    on(tmp_path, test)


def test_code_that_would_ask_the_model_something_else_is_reported(tmp_path: Path, world: World) -> None:
    async def test(it: Harness) -> None:
        await parked(it, world)
        it.agent(
            lambda: world.agent(name="renamed", tools=[world.tool("look"), world.tool("pay", needs_approval=True)])
        )
        [report] = await reports(it)
        assert report.problem is not None
        assert report.problem.startswith("incompatible_version")

    on(tmp_path, test)


def test_code_that_would_not_ask_the_person_is_reported(tmp_path: Path, world: World) -> None:
    async def test(it: Harness) -> None:
        await parked(it, world)
        it.agent(lambda: world.agent(tools=[world.tool("look"), world.tool("pay")]))
        [report] = await reports(it)
        assert report.problem is not None
        assert report.problem.startswith("incompatible_version")
        assert world.count("pay") == 0

    on(tmp_path, test)


def test_an_agent_that_is_gone_is_reported(tmp_path: Path, world: World) -> None:
    async def test(it: Harness) -> None:
        await parked(it, world)
        it.service.registry.specs.clear()
        [report] = await reports(it)
        assert report.problem is not None
        assert "main" in report.problem

    on(tmp_path, test)
