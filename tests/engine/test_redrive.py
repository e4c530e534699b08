"""A run that is redriven has its work in the history once, wherever that stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from agents import Agent

from agentcore.testing import call, say
from tests.engine.test_failures import refused
from tests.engine.test_history import Seeing
from tests.engine.world import World, outputs
from tests.harness import Harness, on


class Broken(Seeing):
    """Refuses every call from one on, until it is mended."""

    def __init__(self, world: World, *turns: Any, at: int) -> None:
        super().__init__(world, *turns)
        self.at: int | None = at

    def turn(self, input: Any) -> list[Any]:
        if self.at is not None and len(self.seen) >= self.at:
            raise refused(400)
        return super().turn(input)


def said(items: Sequence[Mapping[str, Any]]) -> list[str]:
    """What people and the model said, without calls and their outputs."""
    content = [item["content"] for item in items if item.get("role")]
    return [one if isinstance(one, str) else one[0]["text"] for one in content]


async def fails(it: Harness, world: World, streamed: bool, at: int = 1) -> tuple[Broken, Any]:
    """A run that has looked, and whose model then refuses."""
    model = Broken(world, [call("look", id="l")], [say("done")], at=at)
    it.agent(lambda: Agent(name="main", model=model, tools=[world.tool("look")]))
    it.agent(lambda: world.agent([say("hi")], name="quick"), "quick")
    run = await it.run("please look", deltas=streamed)
    assert run.status == "failed"
    assert said(await it.history(run)) == ["please look"]
    return model, run


async def redriven(it: Harness, run: Any) -> Any:
    again = await it.service.redrive(run.tenant, run.id)
    await it.work()
    return await it.get(again)


def test_what_it_said_is_told_once(tmp_path: Path, world: World, streamed: bool) -> None:
    async def test(it: Harness) -> None:
        model, run = await fails(it, world, streamed)
        failed = await redriven(it, run)
        assert failed.status == "failed"
        model.at = None
        left = await redriven(it, failed)
        assert left.status == "succeeded"
        assert said(await it.history(left)) == ["please look", "done"]
        assert outputs(await it.history(left)) == {"l": "look done"}
        assert world.count("look") == 1
        await it.run("and now?", thread_id=run.thread_id)
        assert said(model.seen[-1]) == ["please look", "done", "and now?"]

    on(tmp_path, test)


def test_its_usage_is_counted_once(tmp_path: Path, world: World, streamed: bool) -> None:
    async def test(it: Harness) -> None:
        model, run = await fails(it, world, streamed)
        model.at = None
        left = await redriven(it, run)
        assert (run.usage["requests"], left.usage["requests"]) == (1, 1)

    on(tmp_path, test)


def test_what_others_were_told_of_stays_where_it_is(tmp_path: Path, world: World, streamed: bool) -> None:
    async def test(it: Harness) -> None:
        model, run = await fails(it, world, streamed)
        await it.run("hello", "quick", thread_id=run.thread_id, deltas=streamed)
        failed = await redriven(it, run)
        assert said(await it.history(run)) == ["please look", "hello", "hi"]
        model.at = None
        left = await redriven(it, failed)
        assert (left.status, left.error) == ("succeeded", None)
        assert said(await it.history(left)) == ["please look", "hello", "hi", "done"]
        assert outputs(await it.history(left)) == {"l": "look done"}
        assert world.count("look") == 1

    on(tmp_path, test)


def test_a_run_that_never_began_is_not_told_of_its_own_input(tmp_path: Path, world: World, streamed: bool) -> None:
    async def test(it: Harness) -> None:
        model = Seeing(world, [say("done")])
        it.agent(lambda: "no agent")  # as in a bad deploy
        it.agent(lambda: world.agent([say("hi")], name="quick"), "quick")
        run = await it.run("please look", deltas=streamed)
        await it.run("hello", "quick", thread_id=run.thread_id, deltas=streamed)
        it.agent(lambda: Agent(name="main", model=model))
        left = await redriven(it, run)
        assert (left.status, left.error) == ("succeeded", None)
        assert said(model.seen[-1]) == ["hello", "hi", "please look"]
        assert said(await it.history(left)) == ["please look", "hello", "hi", "done"]

    on(tmp_path, test)
