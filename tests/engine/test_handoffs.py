"""That another agent takes over is in the journal, in the stream, and in the history of a run that was stopped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from agents import Agent, handoff

from agentcore.testing import call, say
from agentcore.tools import sleep_until
from tests.engine.world import World, kinds, outputs, slices_of_one_step
from tests.harness import TENANT, Harness, on


def plain(agent: Agent[Any]) -> Agent[Any]:
    return agent


TARGETS = pytest.mark.parametrize("target", [plain, handoff])
TRANSFER = '{"assistant": "other"}'


def build(world: World, target: Callable[[Agent[Any]], Any], *turns: Any) -> Agent[Any]:
    """An agent that looks, then hands over; the other one goes on with these turns."""
    other = world.agent([], *turns, name="other", tools=[world.tool("look"), sleep_until])
    first = [call("look", id="l")], [call("transfer_to_other", id="h")]
    return world.agent(*first, tools=[world.tool("look")], handoffs=[target(other)])


@TARGETS
@pytest.mark.parametrize("sliced", [False, True])
def test_a_handoff_is_recorded_once_and_shown(
    tmp_path: Path, world: World, streamed: bool, target: Any, sliced: bool
) -> None:
    async def test(it: Harness) -> None:
        if sliced:
            slices_of_one_step(it)
        it.agent(lambda: build(world, target, [], [call("look", id="o")], [say("done")]))
        run = await it.run(deltas=streamed)
        assert (run.status, run.output, run.error) == ("succeeded", "done", None)
        expected = {"call_id": "h", "from": "main", "to": "other", "output": TRANSFER}
        assert kinds(await it.journal(run), "handoff") == [expected]
        assert await it.keys(run, "handoff") == ["handoff:0/h"]
        assert [entry.key for entry in await it.journal(run)].index("handoff:0/h") == (
            [entry.key for entry in await it.journal(run)].index("model:0/0/1") + 1
        )
        shown = [event.data["to"] async for event in it.service.events(TENANT, run.id) if event.type == "handoff"]
        assert shown == ["other"]

    on(tmp_path, test)


@TARGETS
def test_the_history_of_a_stopped_run_has_its_handoffs(
    tmp_path: Path, world: World, streamed: bool, target: Any
) -> None:
    async def test(it: Harness) -> None:
        it.agent(lambda: build(world, target, [], [call("sleep_until", {"when": "1h"}, id="s")], [say("done")]))
        run = await it.run(deltas=streamed)
        assert run.status == "sleeping"
        await it.service.cancel(TENANT, run.id)
        await it.work()
        assert (await it.get(run)).status == "cancelled"
        assert outputs(await it.history(run))["h"] == TRANSFER

    on(tmp_path, test)


def test_a_handoff_within_an_agent_tool_has_its_own_place(tmp_path: Path, world: World, streamed: bool) -> None:
    async def test(it: Harness) -> None:
        def outer() -> Agent[Any]:
            last = world.agent([], [say("in")], name="last")
            inner = world.agent([call("transfer_to_last", id="n")], name="inner", handoffs=[last])
            return world.agent(
                [call("inner", {"input": "q"}, id="i")], [say("done")], tools=[inner.as_tool("inner", "d")]
            )

        it.agent(outer)
        run = await it.run(deltas=streamed)
        assert run.status == "succeeded"
        assert await it.keys(run, "handoff") == ["handoff:0/i/0/n"]

    on(tmp_path, test)
