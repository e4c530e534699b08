"""Tools that run in a thread can do what others can: emit, run agents; and they hold up nothing for ever."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from agents import Agent, function_tool

from agentcore import current
from agentcore.testing import call, say
from tests.engine.world import World, kinds
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
