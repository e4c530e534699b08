"""Local tools that cannot be recorded are refused: in each run, wherever they are, and however late they came."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from agents import Agent, LocalShellTool, Runner, function_tool, handoff

from agentcore import registry
from agentcore.commands.process import preload
from agentcore.errors import Misconfigured
from agentcore.records import Run
from agentcore.testing import call, say
from tests.engine.world import World
from tests.harness import TENANT, Harness, on

WHERE = pytest.mark.parametrize("where", ["itself", "handoff", "handoff object", "agent tool", "two steps away"])


def reaching(world: World, bad: Agent[Any], where: str) -> Agent[Any]:
    """An agent that reaches the other one so."""
    match where:
        case "itself":
            return bad
        case "handoff":
            return world.agent([say("x")], handoffs=[bad])
        case "handoff object":
            return world.agent([say("x")], handoffs=[handoff(bad)])
        case "agent tool":
            return world.agent([say("x")], tools=[bad.as_tool("bad", "d")])
        case _:
            back: list[Any] = []
            first = world.agent([say("x")], name="first", handoffs=back)
            back += [world.agent([say("y")], name="second", tools=[bad.as_tool("bad", "d")], handoffs=[first])]
            return first


def shell() -> Any:
    return LocalShellTool(executor=lambda request: "")


def refused(run: Run) -> bool:
    return run.status == "failed" and (run.error or {})["code"] == "misconfigured" and "'bad'" in str(run.error)


@WHERE
def test_every_run_of_one_agent_object_is_refused(tmp_path: Path, world: World, streamed: bool, where: str) -> None:
    bad = world.agent([say("x")], name="bad", tools=[shell()])
    agent = reaching(world, bad, where)

    async def test(it: Harness) -> None:
        it.agent(agent)
        for _ in range(3):
            assert refused(await it.run(deltas=streamed))
        assert world.side.count() == {}

    on(tmp_path, test)


@WHERE
def test_a_tool_that_is_added_after_a_run_is_refused(tmp_path: Path, world: World, streamed: bool, where: str) -> None:
    bad = world.agent([say("x")], name="bad")
    agent = reaching(world, bad, where)

    async def test(it: Harness) -> None:
        it.agent(agent)
        assert (await it.run(deltas=streamed)).status == "succeeded"
        bad.tools.append(shell())
        before = world.side.count()
        assert refused(await it.run(deltas=streamed))
        assert world.side.count() == before

    on(tmp_path, test)


@pytest.mark.parametrize("where", ["itself", "handoff", "agent tool", "nested run"])
def test_a_tool_that_is_added_during_a_run_is_refused(tmp_path: Path, world: World, streamed: bool, where: str) -> None:
    async def test(it: Harness) -> None:
        def build() -> Agent[Any]:
            bad = world.agent([call("add", id="a")], [say("never")], name="bad")

            @function_tool
            async def add() -> str:
                bad.tools.append(shell())
                return "added"

            @function_tool
            async def ask() -> str:
                return str((await Runner.run(bad, "q")).final_output)

            bad.tools = [add] if where == "itself" else []
            turns = {
                "itself": [],
                "handoff": [call("transfer_to_bad", id="b")],
                "agent tool": [call("bad", {"input": "q"}, id="b")],
                "nested run": [call("ask", id="b")],
            }[where]
            if where == "itself":
                return bad
            tools: list[Any] = [add, ask, *([bad.as_tool("bad", "d")] if where == "agent tool" else [])]
            handoffs: list[Any] = [bad] if where == "handoff" else []
            return world.agent([call("add", id="a")], turns, [say("done")], tools=tools, handoffs=handoffs)

        it.agent(build)
        assert refused(await it.run(deltas=streamed))
        assert world.count("model:1") + world.count("model:bad:0") <= 1

    on(tmp_path, test)


@WHERE
def test_it_is_refused_where_it_is_registered(world: World, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_registry", registry.Registry())
    agent = reaching(world, world.agent([say("x")], name="bad", tools=[shell()]), where)
    with pytest.raises(Misconfigured, match=r"'bad': LocalShellTool.*@function_tool"):
        registry.register("main", agent)
    assert registry._registry.specs == {}


def test_no_run_is_accepted_once_it_is_known_that_its_agent_cannot_run(tmp_path: Path, world: World) -> None:
    async def test(it: Harness) -> None:
        it.agent(lambda: world.agent([say("x")], name="bad", tools=[shell()]), name="bad")
        it.agent(world.agent([say("hi")]))
        it.agent("no.such:agent", name="lost")  # type: ignore[arg-type]  # a path
        await preload(it.service.registry)
        for name, why in ("bad", "LocalShellTool"), ("lost", r"no\.such"):
            with pytest.raises(Misconfigured, match=why):
                await it.accept(agent=name)
        assert (await it.run()).status == "succeeded"
        assert len(await it.store.runs(TENANT)) == 1

    on(tmp_path, test)
