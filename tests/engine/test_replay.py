"""A finished step is replayed, never repeated: wherever the SDK hides it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from agents import (
    Agent,
    GuardrailFunctionOutput,
    ModelProvider,
    RunConfig,
    Runner,
    function_tool,
    handoff,
    input_guardrail,
)
from pydantic import BaseModel

from agentcore.testing import Script, call, say
from tests.engine.world import World
from tests.harness import Harness, on


async def twice(it: Harness, build: Any, streamed: bool) -> Any:
    """Run to the end, then replay the whole journal as a worker would that took over at the last moment."""
    it.agent(build)
    run = await it.run(deltas=streamed)
    journal = await it.journal(run)
    copy = await it.accept("go", deltas=streamed)
    claim = await it.store.claim(copy.id, lease=60, window=10)
    assert claim is not None
    steps = [replace(e, seq=0) for e in journal if e.kind not in ("accepted", "finished")]
    await it.store.append(claim.lease, steps)
    await it.service.advance(replace(claim, entries=(*claim.entries, *steps)))
    return run, await it.get(copy)


def same(path: Path, build: Any, world: World, streamed: bool) -> Any:
    """The replay came to the same output and did nothing: what the first run came to."""
    ends: list[Any] = []

    async def test(it: Harness) -> None:
        it.agent(build)
        before = world.side.count()
        first, second = await twice(it, build, streamed)
        assert (first.status, first.error) == ("succeeded", None)
        assert (second.status, second.output, second.error) == ("succeeded", first.output, None)
        done = world.side.count() - before
        assert all(n == 1 for n in done.values()), done
        ends.append(first)

    on(path, test)
    return ends[0]


def test_models_and_tools(tmp_path: Path, streamed: bool) -> None:
    world = World(tmp_path)

    def build() -> Agent[Any]:
        turns = [call("look", id="c1"), call("pay", id="c2")], [say("done")]
        return Agent(name="main", model=world.model(*turns), tools=[world.tool("look"), world.tool("pay")])

    assert same(tmp_path, build, world, streamed).output == "done"
    assert world.side.count() == {"model:0": 1, "look": 1, "pay": 1, "model:1": 1}


@pytest.mark.parametrize("as_object", [True, False])
def test_handoffs(tmp_path: Path, streamed: bool, as_object: bool) -> None:
    world = World(tmp_path)

    def build() -> Agent[Any]:
        other = Agent(
            name="other", tools=[world.tool("look")],
            model=world.model([], [call("look", id="h1")], [say("from other")], name="model:other"),
        )  # fmt: skip
        target = handoff(other) if as_object else other
        return Agent(name="main", model=world.model([call("transfer_to_other", id="h0")]), handoffs=[target])

    assert same(tmp_path, build, world, streamed).output == "from other"
    assert world.side.count()["look"] == 1


def test_agents_as_tools_two_levels_deep(tmp_path: Path, streamed: bool) -> None:
    world = World(tmp_path)

    def build() -> Agent[Any]:
        deep = Agent(
            name="deep",
            model=world.model([call("look", id="x")], [say("d")], name="model:d"),
            tools=[world.tool("look")],
        )
        mid = Agent(
            name="mid", model=world.model([call("deep", {"input": "q"}, id="x")], [say("m")], name="model:m"),
            tools=[deep.as_tool("deep", "d")],
        )  # fmt: skip
        turns = [call("mid", {"input": "q"}, id="x")], [say("done")]
        return Agent(name="main", model=world.model(*turns), tools=[mid.as_tool("mid", "d")])

    assert same(tmp_path, build, world, streamed).output == "done"


def test_the_same_agent_tool_twice_in_parallel(tmp_path: Path, streamed: bool) -> None:
    world = World(tmp_path)

    def build() -> Agent[Any]:
        inner = Agent(
            name="inner", model=world.model([call("look", id="x")], [say("i")], name="any"), tools=[world.tool("look")]
        )
        turns = [call("inner", {"input": "a"}, id="a"), call("inner", {"input": "b"}, id="b")], [say("done")]
        return Agent(name="main", model=world.model(*turns), tools=[inner.as_tool("inner", "d")])

    async def test(it: Harness) -> None:
        _, second = await twice(it, build, streamed)
        assert second.status == "succeeded"
        assert world.side.count() == {"model:0": 1, "any:0": 2, "look": 2, "any:1": 2, "model:1": 1}

    on(tmp_path, test)


def test_runs_inside_guardrails_and_tools(tmp_path: Path, streamed: bool) -> None:
    world = World(tmp_path)

    def build() -> Agent[Any]:
        judge = Agent(name="judge", model=world.model([say("fine")], name="model:j"))
        helper = Agent(name="helper", model=world.model([say("helped")], name="model:h"))

        @input_guardrail
        async def judged(context: Any, agent: Any, input: Any) -> GuardrailFunctionOutput:
            result = await Runner.run(judge, "fine?")
            return GuardrailFunctionOutput(None, tripwire_triggered=result.final_output != "fine")

        @function_tool
        async def ask() -> str:
            world.side.add("ask")
            return str((await Runner.run(helper, "help")).final_output)

        turns = [call("ask", id="c1")], [say("done")]
        return Agent(name="main", model=world.model(*turns), tools=[ask], input_guardrails=[judged])

    same(tmp_path, build, world, streamed)


def test_a_providers_own_models(tmp_path: Path, streamed: bool) -> None:
    world = World(tmp_path)
    asked: list[str | None] = []

    class Provider(ModelProvider):
        def get_model(self, model_name: str | None) -> Script:
            asked.append(model_name)
            return world.model([call("look", id="c1")], [say("done")])

    def build() -> Agent[Any]:
        return Agent(name="main", model="their-model", tools=[world.tool("look")])

    async def test(it: Harness) -> None:
        it.agent(build, run_config=RunConfig(model_provider=Provider()))
        run = await it.run(deltas=streamed)
        assert (run.output, set(asked)) == ("done", {"their-model"})
        assert await it.keys(run, "model") == ["model:0/0/0", "model:0/0/1"]

    on(tmp_path, test)


def test_structured_output_is_stored_as_an_object(tmp_path: Path, streamed: bool) -> None:
    class Answer(BaseModel):
        city: str

    world = World(tmp_path)

    def build() -> Agent[Any]:
        return Agent(name="main", model=world.model([say('{"city": "Oslo"}')]), output_type=Answer)

    assert same(tmp_path, build, world, streamed).output == {"city": "Oslo"}


def test_missing_and_repeated_call_ids_get_ids_of_their_own(tmp_path: Path, streamed: bool) -> None:
    world = World(tmp_path)

    def build() -> Agent[Any]:
        turns = [call("look", id=""), call("look", id="")], [call("look", id="call_0")], [call("look", id="call_0")]
        return Agent(name="main", model=world.model(*turns, [say("done")]), tools=[world.tool("look")])

    async def test(it: Harness) -> None:
        _, second = await twice(it, build, streamed)
        ids = [i["call_id"] for i in await it.history(second) if i.get("type") == "function_call"]
        assert len(set(ids)) == 4
        assert world.side.count()["look"] == 4
        it.agent(build)  # the next run of the thread starts at call_0 again
        third = await it.run(thread_id=second.thread_id, deltas=streamed)
        assert third.status == "succeeded"
        assert world.side.count()["look"] == 8

    on(tmp_path, test)


def test_a_replay_that_asks_something_else_fails_and_names_both(tmp_path: Path, streamed: bool) -> None:
    world = World(tmp_path)

    async def test(it: Harness) -> None:
        def build() -> Agent[Any]:
            return Agent(
                name="main", model=world.model([call("look", id="c")], [say("done")]), tools=[world.tool("look")]
            )

        it.agent(build)
        run = await it.run(deltas=streamed)
        journal = [e for e in await it.journal(run) if e.kind in ("input", "model", "tool")]
        copy = await it.accept([{"role": "user", "content": "a"}, {"role": "user", "content": "b"}], deltas=streamed)
        claim = await it.store.claim(copy.id, lease=60, window=10)
        assert claim is not None
        await it.service.advance(replace(claim, entries=(*claim.entries, *journal)))
        left = await it.get(copy)
        assert left.status == "failed"
        assert left.error is not None
        assert left.error["code"] == "incompatible_version"

    on(tmp_path, test)


def test_a_run_streamed_first_can_be_replayed_unstreamed(tmp_path: Path, streamed: bool) -> None:
    world = World(tmp_path)

    async def test(it: Harness) -> None:
        def build() -> Agent[Any]:
            return Agent(
                name="main", model=world.model([call("look", id="c")], [say("done")]), tools=[world.tool("look")]
            )

        it.agent(build)
        run = await it.run(deltas=streamed)
        steps = [e for e in await it.journal(run) if e.kind in ("input", "model", "tool")]
        copy = await it.accept("go", deltas=not streamed)
        claim = await it.store.claim(copy.id, lease=60, window=10)
        assert claim is not None
        await it.service.advance(replace(claim, entries=(*claim.entries, *steps)))
        assert (await it.get(copy)).output == "done"
        assert world.side.count()["look"] == 1

    on(tmp_path, test)
