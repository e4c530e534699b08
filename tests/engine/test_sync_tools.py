"""Tools that run in a thread can do what others can: emit, run agents; and they hold up nothing for ever."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import pytest
from agents import Agent, Runner, function_tool

from agentcore import current
from agentcore.testing import call, say
from tests.engine.world import World, kinds, outputs, slices_of_one_step
from tests.harness import Harness, on


def test_a_sync_tool_emits_in_its_order_and_before_its_result(tmp_path: Path, world: World, streamed: bool) -> None:
    def build() -> Agent[Any]:
        @function_tool
        def report() -> str:
            for part in range(5):
                current().emit({"part": part})
            return "reported"

        return world.agent([call("report", id="r")], [say("done")], tools=[report])

    async def test(it: Harness) -> None:
        it.agent(build)
        run = await it.run(deltas=streamed)
        assert (run.status, run.output) == ("succeeded", "done")
        assert [tool["output"] for tool in kinds(await it.journal(run), "tool")] == ["reported"]
        keys = await it.keys(run, "custom", "tool")
        assert keys == [*(f"custom:{run.fence}:{part}" for part in range(5)), "tool:0/r"]
        assert [data["part"] for data in kinds(await it.journal(run), "custom")] == list(range(5))

    on(tmp_path, test)


def test_sync_tools_that_emit_at_the_same_moment_lose_nothing(tmp_path: Path, world: World, streamed: bool) -> None:
    together = threading.Barrier(3)

    def build() -> Agent[Any]:
        @function_tool
        def report() -> str:
            together.wait(10)
            for part in range(20):
                current().emit({"call": current().call_id, "part": part})
            return "reported"

        return world.agent([call("report", id=name) for name in "abc"], [say("done")], tools=[report])

    async def test(it: Harness) -> None:
        it.agent(build)
        run = await it.run(deltas=streamed)
        assert run.status == "succeeded"
        found = kinds(await it.journal(run), "custom")
        for name in "abc":
            assert [data["part"] for data in found if data["call"] == name] == list(range(20))

    on(tmp_path, test)


def by_run_sync(agent: Agent[Any]) -> str:
    return str(Runner.run_sync(agent, "q").final_output)


def by_a_loop_of_its_own(agent: Agent[Any]) -> str:
    async def ask() -> str:
        return str((await Runner.run(agent, "q")).final_output)

    return asyncio.run(ask())


@pytest.mark.parametrize("ask", [by_run_sync, by_a_loop_of_its_own])
@pytest.mark.parametrize("sliced", [False, True])
def test_a_sync_tool_runs_an_agent_with_tools(
    tmp_path: Path, world: World, streamed: bool, ask: Callable[[Agent[Any]], str], sliced: bool
) -> None:
    """Recorded in its place and replayed, as if the tool were async."""
    place, loops = ContextVar("place", default=""), list[Any]()

    def build() -> Agent[Any]:
        @function_tool
        def look() -> str:
            world.side.add(f"look {place.get()}")
            return "seen"

        @function_tool
        async def where() -> str:
            world.side.add("on the worker's loop" if asyncio.get_running_loop() is loops[0] else "elsewhere")
            return "here"

        inner_turns = [call("look", id="x")], [call("where", id="y")], [say("inner done")]
        inner = world.agent(*inner_turns, name="inner", tools=[look, where])

        @function_tool
        def research() -> str:
            place.set(current().call_id)
            return ask(inner)

        return world.agent([call("research", id="r")], [say("done")], tools=[research])

    async def test(it: Harness) -> None:
        loops.append(asyncio.get_running_loop())
        if sliced:
            slices_of_one_step(it)
        it.agent(build)
        run = await it.run(deltas=streamed)
        assert (run.status, run.output, run.error) == ("succeeded", "done", None)
        assert outputs(await it.history(run)) == {"r": "inner done"}
        assert "tool:0/r/0/x" in await it.keys(run, "tool")
        steps = {
            "model:0",
            "model:inner:0",
            "look r",
            "model:inner:1",
            "on the worker's loop",
            "model:inner:2",
            "model:1",
        }
        assert world.side.count() == dict.fromkeys(steps, 1)
        assert (run.fence > 1) is sliced

    on(tmp_path, test)


def test_many_sync_tools_that_run_agents_with_sync_tools_do_not_wait_for_each_other(
    tmp_path: Path, world: World
) -> None:
    """Each holds a thread while it waits for another one."""

    def build() -> Agent[Any]:
        @function_tool
        def look() -> str:
            return "seen"

        inner = world.agent([call("look", id="x")], [say("inner done")], name="inner", tools=[look])

        @function_tool
        def research() -> str:
            return by_run_sync(inner)

        calls = [call("research", id=f"r{number}") for number in range(50)]
        return world.agent(calls, [say("done")], tools=[research])

    async def test(it: Harness) -> None:
        it.agent(build)
        assert (await it.run(deltas=False)).output == "done"

    on(tmp_path, test)


def test_a_stream_on_a_loop_of_its_own_is_refused_by_name(tmp_path: Path, world: World, streamed: bool) -> None:
    def build() -> Agent[Any]:
        inner = world.agent([say("inner done")], name="inner")

        @function_tool
        def research() -> str:
            async def ask() -> None:
                async for _ in Runner.run_streamed(inner, "q").stream_events():
                    pass

            asyncio.run(ask())
            return "never"

        return world.agent([call("research", id="r")], [say("done")], tools=[research])

    async def test(it: Harness) -> None:
        it.agent(build)
        run = await it.run(deltas=streamed)
        assert (run.status, (run.error or {})["code"]) == ("failed", "misconfigured")
        assert "Runner.run_sync" in str(run.error)

    on(tmp_path, test)
