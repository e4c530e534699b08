"""A call that must not be repeated and may have happened: only a person can say."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from agents import Agent, function_tool

from agentcore import current, effect
from agentcore.errors import Invalid
from agentcore.records import Run
from agentcore.settle import GIVEN_UP
from agentcore.testing import call, say
from tests.engine.world import World, dies, kinds, outputs
from tests.harness import TENANT, Harness, on


def hanging(world: World, **options: Any) -> Any:
    """A `once` tool that never returns the first time: its worker dies in it."""

    async def pay(amount: int = 7) -> str:
        world.side.add("pay")
        world.side.add(f"key {current().idempotency_key}")
        if world.count("pay") == 1:
            await asyncio.sleep(3600)
        return "paid"

    return effect("once")(function_tool(pay, **options))


def payer(world: World, **options: Any) -> Callable[[], Agent[Any]]:
    def build() -> Agent[Any]:
        turns = [call("look", id="l"), call("pay", {"amount": 3}, id="p")], [say("done")]
        return world.agent(*turns, tools=[hanging(world, **options), world.tool("look")])

    return build


async def killed(it: Harness, world: World, streamed: bool, build: Callable[[], Agent[Any]]) -> Run:
    """A run whose worker died in the tool, found again after its lease."""
    it.agent(build)
    run = await it.accept(deltas=streamed)
    await it.service.bus.receive(limit=10, wait=0.01)
    await dies(it, run, lambda: world.count("pay"))
    await it.later(31)
    return await it.get(run)


@pytest.mark.parametrize(
    ("decision", "result", "payments", "output"),
    [
        ("happened", "paid, says the bank", 1, "paid, says the bank"),
        ("again", None, 2, "paid"),
        ("give_up", None, 1, GIVEN_UP),
    ],
    ids=["happened", "again", "give_up"],
)
def test_a_person_says_what_became_of_the_call(
    tmp_path: Path, world: World, streamed: bool, decision: Any, result: Any, payments: int, output: str
) -> None:
    async def test(it: Harness) -> None:
        run = await killed(it, world, streamed, payer(world))
        assert (run.status, world.count("pay")) == ("waiting", 1)
        [question] = await it.questions()
        assert (question.kind, question.tool, question.call_id, question.arguments) == (
            "outcome",
            "pay",
            "p",
            {"amount": 3},
        )
        await it.decide(decision, result=result)
        left = await it.get(run)
        assert (left.status, left.output, left.error) == ("succeeded", "done", None)
        assert outputs(await it.history(run)) == {"l": "look done", "p": output}
        assert (world.count("pay"), world.count("look")) == (payments, 1)
        assert (world.count("model:0"), world.count("model:1")) == (1, 1)
        assert len([line for line in world.side.count() if line.startswith("key")]) == 1

    on(tmp_path, test)


def test_an_unknown_outcome_nobody_decides_is_given_up(tmp_path: Path, world: World, streamed: bool) -> None:
    async def test(it: Harness) -> None:
        run = await killed(it, world, streamed, payer(world))
        await it.later(8 * 86400)
        left = await it.get(run)
        assert (left.status, left.output) == ("succeeded", "done")
        assert outputs(await it.history(run))["p"] == GIVEN_UP
        assert world.count("pay") == 1

    on(tmp_path, test)


def test_an_outcome_is_no_approval(tmp_path: Path, world: World) -> None:
    async def test(it: Harness) -> None:
        await killed(it, world, True, payer(world))
        [question] = await it.questions()
        with pytest.raises(Invalid):
            await it.service.decide(TENANT, question.id, "approve", by="tester")

    on(tmp_path, test)


def test_a_call_done_again_that_dies_again_is_asked_about_again(tmp_path: Path, world: World, streamed: bool) -> None:
    def build() -> Agent[Any]:
        @effect("once")
        @function_tool
        async def pay() -> str:
            world.side.add("pay")
            await asyncio.sleep(3600)
            return "never"

        return world.agent([call("pay", id="p")], [say("done")], tools=[pay])

    async def test(it: Harness) -> None:
        run = await killed(it, world, streamed, build)
        [first] = await it.questions()
        await it.service.decide(TENANT, first.id, "again", by="tester")
        await it.service.bus.receive(limit=10, wait=0.01)
        await dies(it, run, lambda: world.count("pay") == 2)
        await it.later(31)
        [second] = await it.questions()
        assert second.id != first.id
        await it.decide("happened", result="the second time")
        left = await it.get(run)
        assert (left.status, left.error, world.count("pay")) == ("succeeded", None, 2)
        assert outputs(await it.history(run)) == {"p": "the second time"}

    on(tmp_path, test)


def test_an_approved_call_that_died_is_not_approved_again(tmp_path: Path, world: World, streamed: bool) -> None:
    async def test(it: Harness) -> None:
        it.agent(payer(world, needs_approval=True))
        run = await it.run(deltas=streamed)
        [question] = await it.questions()
        await it.service.decide(TENANT, question.id, "approve", by="tester")
        await it.service.bus.receive(limit=10, wait=0.01)
        await dies(it, run, lambda: world.count("pay"))
        await it.later(31)
        assert [q.kind for q in await it.questions()] == ["outcome"]
        await it.decide("again")
        left = await it.get(run)
        assert (left.status, left.output, left.error) == ("succeeded", "done", None)
        assert (world.count("pay"), world.count("look"), world.count("model:0")) == (2, 1, 1)

    on(tmp_path, test)


def test_inside_an_agent_used_as_a_tool(tmp_path: Path, world: World, streamed: bool) -> None:
    def build() -> Agent[Any]:
        turns = [call("pay", id="p")], [say("paid it")]
        inner = world.agent(*turns, name="inner", tools=[hanging(world)])
        return world.agent([call("inner", {"input": "q"}, id="i")], [say("done")], tools=[inner.as_tool("inner", "d")])

    async def test(it: Harness) -> None:
        run = await killed(it, world, streamed, build)
        [question] = await it.questions()
        assert (question.agent, question.tool) == ("inner", "pay")
        await it.decide("happened", result="ok")
        left = await it.get(run)
        assert (left.status, left.output, world.count("pay")) == ("succeeded", "done", 1)
        assert outputs(await it.history(run)) == {"i": "paid it"}

    on(tmp_path, test)


@pytest.mark.parametrize("kind", ["read", "idempotent"])
def test_what_may_be_repeated_is_repeated_with_the_same_key(
    tmp_path: Path, world: World, streamed: bool, kind: Any
) -> None:
    async def test(it: Harness) -> None:
        def build() -> Agent[Any]:
            return world.agent([call("pay", id="p")], [say("done")], tools=[effect(kind)(hanging(world))])

        run = await killed(it, world, streamed, build)
        assert (run.status, await it.questions()) == ("succeeded", [])
        assert world.count("pay") == 2
        assert [n for line, n in world.side.count().items() if line.startswith("key")] == [2]

    on(tmp_path, test)


def test_the_start_of_a_once_call_is_stored_before_it_happens(tmp_path: Path, world: World, streamed: bool) -> None:
    async def test(it: Harness) -> None:
        seen: list[Any] = []

        def build() -> Agent[Any]:
            @effect("once")
            @function_tool
            async def pay() -> str:
                _, entries = await it.store.entries(TENANT, current().run_id)
                seen.append(kinds(entries, "tool_started"))
                return "paid"

            return world.agent([call("pay", id="p")], [say("done")], tools=[pay])

        it.agent(build)
        await it.run(deltas=streamed)
        assert [[data["call_id"] for data in found] for found in seen] == [["p"]]

    on(tmp_path, test)
