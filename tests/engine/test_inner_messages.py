"""What a run's own agent says is a `message`; what is said inside of it is told apart, and the summary is not told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from agents import Agent, GuardrailFunctionOutput, Runner, function_tool, input_guardrail

from agentcore.api.mapping import RunFrames
from agentcore.events import PublicEvent
from agentcore.records import Run
from agentcore.testing import call, say
from tests.engine.test_history import Summarizing, talk
from tests.engine.world import World
from tests.harness import TENANT, Harness, on


async def events(it: Harness, run: Run) -> list[PublicEvent]:
    return [event async for event in it.service.events(TENANT, run.id)]


def words(found: list[PublicEvent], kind: str) -> list[tuple[list[str] | None, str]]:
    return [(e.data.get("within"), e.data["text"]) for e in found if e.type == kind and e.data["text"]]


def as_tool(world: World, expert: Agent[Any]) -> Agent[Any]:
    return world.agent([call("ask", {"input": "q"}, id="c")], [say("done")], tools=[expert.as_tool("ask", "d")])


def in_tool(world: World, expert: Agent[Any]) -> Agent[Any]:
    @function_tool
    async def ask() -> str:
        return str((await Runner.run(expert, "q")).final_output)

    return world.agent([call("ask", id="c")], [say("done")], tools=[ask])


def in_guardrail(world: World, expert: Agent[Any]) -> Agent[Any]:
    @input_guardrail(name="judge")
    async def judged(context: Any, agent: Any, given: Any) -> GuardrailFunctionOutput:
        await Runner.run(expert, "q")
        return GuardrailFunctionOutput(None, tripwire_triggered=False)

    return world.agent([say("done")], input_guardrails=[judged])


def in_instructions(world: World, expert: Agent[Any]) -> Agent[Any]:
    async def instructions(context: Any, agent: Any) -> str:
        return str((await Runner.run(expert, "q")).final_output)

    return world.agent([say("done")], instructions=instructions)


@pytest.mark.parametrize(
    ("place", "where"),
    [(as_tool, "c"), (in_tool, "c"), (in_guardrail, "guardrail:judge"), (in_instructions, "aside")],
)
def test_only_the_runs_own_agent_says_messages(
    tmp_path: Path, world: World, place: Callable[[World, Agent[Any]], Agent[Any]], where: str
) -> None:
    async def test(it: Harness) -> None:
        expert = world.agent([call("look", id="l")], [say("aside")], tools=[world.tool("look")], name="expert")
        it.agent(place(world, expert))
        run = await it.run()
        assert (run.status, run.output) == ("succeeded", "done")
        found = await events(it, run)
        assert words(found, "message") == [(None, "done")]
        assert words(found, "inner_message") == [([where], "aside")]
        looked = next(e for e in found if e.type == "tool_result" and e.data["name"] == "look")
        assert looked.data["within"] == [where]
        assert {e.data["step"] for e in found if e.type == "delta"} <= {
            e.data["step"] for e in found if e.type == "message"
        }
        frames = RunFrames(run)
        told = [f for event in found for f in frames.take(event) if f.method == "messages"]
        assert {f.namespace for f in told} == {(), (where,)}

    on(tmp_path, test)


def test_nested_places_are_named_from_the_outside_in(tmp_path: Path, world: World) -> None:
    async def test(it: Harness) -> None:
        deepest = world.agent([say("deep")], name="deepest")
        middle = world.agent(
            [call("deeper", {"input": "q"}, id="d")], [say("middle")], name="middle",
            tools=[deepest.as_tool("deeper", "d")],
        )  # fmt: skip
        it.agent(as_tool(world, middle))
        found = await events(it, await it.run())
        assert words(found, "inner_message") == [(["c", "d"], "deep"), (["c"], "middle")]
        assert words(found, "message") == [(None, "done")]

    on(tmp_path, test)


def test_the_making_of_a_summary_is_not_told(tmp_path: Path, world: World) -> None:
    async def test(it: Harness) -> None:
        model = Summarizing(world)
        it.agent(Agent(name="main", model=model))
        thread = await talk(it, 5)
        while not model.summaries:
            thread = await talk(it, 1, thread=thread)
        assert any(key.startswith("model:0/summary/") for key in await it.keys(thread, "model"))
        found = await events(it, thread)
        assert [e.type for e in found if e.type != "delta"] == ["accepted", "message", "finished"]
        assert "summary" not in str([e.data for e in found])

    on(tmp_path, test, history_tokens=800)
