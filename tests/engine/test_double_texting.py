"""A message that comes while the thread is busy: it queues, is refused, or stops what is under way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from agents import Agent, function_tool

from agentcore.errors import EffectsHappened, InputRequired, Invalid, NotFound, ThreadBusy
from agentcore.ids import new_id
from agentcore.records import Run
from agentcore.testing import Script, call, say
from agentcore.tools import sleep_until
from tests.engine.world import World, outputs, until
from tests.harness import TENANT, Harness, harness, on


class Gate:
    """Holds a tool until it is opened."""

    def __init__(self, world: World, kind: Any = "idempotent") -> None:
        self.world, self.open = world, asyncio.Event()
        self.tool = self._tool(kind)

    def _tool(self, kind: Any) -> Any:
        from agentcore import effect

        @effect(kind)
        @function_tool
        async def hold() -> str:
            self.world.side.add("hold")
            await self.open.wait()
            return "held"

        return hold

    def build(self) -> Agent[Any]:
        turns = [call("hold", id="h")], [call("look", id="l")], [say("done")]
        return self.world.agent(*turns, tools=[self.tool, self.world.tool("look")])


async def statuses(it: Harness, *runs: Run) -> list[str]:
    return [(await it.get(run)).status for run in runs]


def answering(world: World) -> Callable[[], Agent[Any]]:
    return lambda: world.agent([say("hi")], name="quick")


async def busy(
    it: Harness, world: World, streamed: bool, kind: Any = "idempotent"
) -> tuple[Gate, Run, asyncio.Task[Any]]:
    """A thread whose run is in the middle of a tool."""
    gate = Gate(world, kind)
    it.agent(gate.build)
    it.agent(answering(world), "quick")
    run = await it.accept(deltas=streamed)
    work = asyncio.create_task(it.work())
    await until(lambda: world.count("hold"))
    return gate, run, work


def test_messages_run_in_the_order_they_came(tmp_path: Path, world: World, streamed: bool) -> None:
    async def test(it: Harness) -> None:
        gate, first, work = await busy(it, world, streamed)
        later = [await it.accept(f"m{n}", "quick", thread_id=first.thread_id) for n in range(3)]
        for run in later:
            assert await it.service.work(run.id) is None  # it is not at the head
        assert await statuses(it, first, *later) == ["running", "queued", "queued", "queued"]
        gate.open.set()
        await work
        await it.work()
        assert await statuses(it, first, *later) == ["succeeded"] * 4
        said = [i["content"] for i in await it.history(first) if i.get("role") == "user"]
        assert said == ["go", "m0", "m1", "m2"]
        assert [run.position for run in (first, *later)] == [1, 2, 3, 4]

    on(tmp_path, test)


def test_reject_says_which_run_is_in_the_way(tmp_path: Path, world: World) -> None:
    async def test(it: Harness) -> None:
        gate, first, work = await busy(it, world, True)
        with pytest.raises(ThreadBusy) as raised:
            await it.accept("again", thread_id=first.thread_id, multitask="reject")
        assert raised.value.details["run_id"] == first.id
        gate.open.set()
        await work
        it.agent(answering(world))
        assert (await it.run("again", thread_id=first.thread_id, multitask="reject")).status == "succeeded"

    on(tmp_path, test)


def test_another_tenants_thread_does_not_exist(tmp_path: Path, world: World) -> None:
    async def test(it: Harness) -> None:
        it.agent(answering(world))
        run = await it.run()
        with pytest.raises(NotFound):
            await it.service.accept("someone-else", agent="main", input="x", thread_id=run.thread_id)
        with pytest.raises(NotFound):
            await it.service.cancel("someone-else", run.id)

    on(tmp_path, test)


# -- interrupt: what was done is kept


def test_interrupt_stops_a_running_run_at_its_next_step_and_keeps_its_work(
    tmp_path: Path, world: World, streamed: bool
) -> None:
    async def test(it: Harness) -> None:
        gate, first, work = await busy(it, world, streamed, "once")  # its result is awaited: a boundary for sure
        second = await it.accept("stop, do this", "quick", thread_id=first.thread_id, multitask="interrupt")
        gate.open.set()
        await work
        await it.work()
        assert await statuses(it, first, second) == ["cancelled", "succeeded"]
        assert (world.count("look"), world.count("model:1")) == (0, 0)
        assert outputs(await it.history(first)) == {"h": "held"}
        assert [i["content"] for i in await it.history(first) if i.get("role") == "user"] == ["go", "stop, do this"]

    on(tmp_path, test)


def test_interrupt_of_a_queued_run_keeps_its_message(tmp_path: Path, world: World) -> None:
    async def test(it: Harness) -> None:
        it.agent(answering(world))
        first = await it.accept("one")
        second = await it.accept("two", thread_id=first.thread_id)
        third = await it.accept("three", thread_id=first.thread_id, multitask="interrupt")
        await it.work()
        assert await statuses(it, first, second, third) == ["cancelled", "cancelled", "succeeded"]
        assert [i["content"] for i in await it.history(first) if i.get("role") == "user"] == ["one", "two", "three"]
        assert world.count("model:quick:0") == 1

    on(tmp_path, test)


@pytest.mark.parametrize(("strategy", "said"), [("interrupt", ["go", "two"]), ("rollback", [])])
def test_what_schedules_and_events_started_is_never_stopped_by_a_message(
    tmp_path: Path, world: World, streamed: bool, strategy: Any, said: list[str]
) -> None:
    async def test(it: Harness) -> None:
        gate, first, work = await busy(it, world, streamed, "read")
        on_it = {"agent": "quick", "thread_id": first.thread_id}
        two = await it.accept("two", **on_it)
        rings = [await it.accept(trigger, trigger=trigger, **on_it) for trigger in ("schedule", "event")]
        last = await it.accept("last", multitask=strategy, **on_it)
        gate.open.set()
        await work
        await it.work()
        assert await statuses(it, first, two, *rings, last) == ["cancelled"] * 2 + ["succeeded"] * 3
        users = [i["content"] for i in await it.history(first) if i.get("role") == "user"]
        assert users == [*said, "schedule", "event", "last"]

    on(tmp_path, test)


def test_interrupt_of_a_waiting_run_withdraws_its_question_and_closes_its_call(
    tmp_path: Path, world: World, streamed: bool
) -> None:
    async def test(it: Harness) -> None:
        calls = call("pay", id="p"), call("look", id="l")
        tools = [world.tool("pay", needs_approval=True), world.tool("look")]
        it.agent(lambda: world.agent(list(calls), [say("done")], tools=tools))
        it.agent(answering(world), "quick")
        first = await it.run(deltas=streamed)
        second = await it.run("never mind", "quick", thread_id=first.thread_id, multitask="interrupt")
        assert (await statuses(it, first), second.status) == (["cancelled"], "succeeded")
        assert await it.questions() == []
        found = outputs(await it.history(first))
        assert found["l"] == "look done"
        assert "not finished" in found["p"]
        assert world.count("pay") == 0

    on(tmp_path, test)


def test_interrupt_of_a_sleeping_run(tmp_path: Path, world: World, streamed: bool) -> None:
    async def test(it: Harness) -> None:
        it.agent(lambda: world.agent([call("sleep_until", {"when": "9d"}, id="s")], tools=[sleep_until]))
        it.agent(answering(world), "quick")
        first = await it.run(deltas=streamed)
        second = await it.run("now", "quick", thread_id=first.thread_id, multitask="interrupt")
        assert (await statuses(it, first), second.status) == (["cancelled"], "succeeded")
        assert "not finished" in outputs(await it.history(first))["s"]

    on(tmp_path, test)


def test_interrupt_in_an_agent_used_as_a_tool_leaves_no_open_call(tmp_path: Path, world: World, streamed: bool) -> None:
    async def test(it: Harness) -> None:
        gate = Gate(world, "once")

        def build() -> Agent[Any]:
            inner = world.agent([call("hold", id="h")], [say("in")], name="inner", tools=[gate.tool])
            calls = call("inner", {"input": "q"}, id="i"), call("look", id="l")
            tools = [inner.as_tool("inner", "d"), world.tool("look")]
            return world.agent(list(calls), [say("done")], tools=tools)

        it.agent(build)
        first = await it.accept(deltas=streamed)
        work = asyncio.create_task(it.work())
        await until(lambda: world.count("hold") and world.count("look"))
        await it.service.cancel(TENANT, first.id)
        gate.open.set()
        await work
        assert await statuses(it, first) == ["cancelled"]
        assert outputs(await it.history(first)) == {"i": "(not finished: the run was stopped)", "l": "look done"}

    on(tmp_path, test)


# -- rollback: what was done is dropped, as long as nothing has happened


def test_rollback_drops_the_run_that_is_under_way(tmp_path: Path, world: World, streamed: bool) -> None:
    async def test(it: Harness) -> None:
        gate, first, work = await busy(it, world, streamed, "read")
        second = await it.accept("other", "quick", thread_id=first.thread_id, multitask="rollback")
        gate.open.set()
        await work
        await it.work()
        assert await statuses(it, first, second) == ["cancelled", "succeeded"]
        assert [i.get("content") for i in await it.history(first)][:1] == ["other"]
        assert len(await it.history(first)) == 2

    on(tmp_path, test)


@pytest.mark.parametrize("kind", ["idempotent", "once"])
def test_rollback_is_refused_once_something_may_have_happened(
    tmp_path: Path, world: World, streamed: bool, kind: Any
) -> None:
    async def test(it: Harness) -> None:
        gate, first, work = await busy(it, world, streamed, kind)
        with pytest.raises(EffectsHappened):
            await it.accept("other", "quick", thread_id=first.thread_id, multitask="rollback")
        with pytest.raises(EffectsHappened):
            await it.service.cancel(TENANT, first.id, "rollback")
        gate.open.set()
        await work
        assert await statuses(it, first) == ["succeeded"]

    on(tmp_path, test)


def test_rollback_of_a_run_that_waits_for_an_approval(tmp_path: Path, world: World, streamed: bool) -> None:
    async def test(it: Harness) -> None:
        tools = [world.tool("pay", needs_approval=True)]
        it.agent(lambda: world.agent([call("pay", id="p")], [say("done")], tools=tools))
        it.agent(answering(world), "quick")
        first = await it.run(deltas=streamed)
        await it.run("other", "quick", thread_id=first.thread_id, multitask="rollback")
        assert await statuses(it, first) == ["cancelled"]
        assert [i.get("content") for i in await it.history(first)][:1] == ["other"]

    on(tmp_path, test)


# -- a run that waits for a person


def test_a_plain_message_to_a_run_that_waits_for_a_person_names_the_question(tmp_path: Path, world: World) -> None:
    async def test(it: Harness) -> None:
        it.agent(
            lambda: world.agent([call("pay", id="p")], [say("done")], tools=[world.tool("pay", needs_approval=True)])
        )
        it.agent(answering(world), "quick")
        first = await it.run()
        with pytest.raises(InputRequired) as raised:
            await it.accept("hello?", "quick", thread_id=first.thread_id)
        [question] = await it.questions()
        assert raised.value.details == {"run_id": first.id, "questions": [question.id]}
        second = await it.run("hello?", "quick", thread_id=first.thread_id, multitask="enqueue")
        event = await it.run("event", "quick", thread_id=first.thread_id, trigger="event")
        assert (second.status, event.status) == ("queued", "queued")
        await it.decide("approve")
        assert await statuses(it, first, second, event) == ["succeeded"] * 3

    on(tmp_path, test)


# -- cancel


@pytest.mark.parametrize("action", ["interrupt", "rollback"])
def test_cancel_of_a_queued_run(tmp_path: Path, world: World, action: str) -> None:
    async def test(it: Harness) -> None:
        it.agent(answering(world))
        first = await it.accept("one")
        second = await it.accept("two", thread_id=first.thread_id)
        third = await it.accept("three", thread_id=first.thread_id)
        await it.service.cancel(TENANT, second.id, action)
        await it.service.cancel(TENANT, first.id, action)
        await it.work()
        assert await statuses(it, first, second, third) == ["cancelled", "cancelled", "succeeded"]
        assert world.count("model:quick:0") == 1
        kept = [i["content"] for i in await it.history(first) if i.get("role") == "user"]
        assert kept == (["one", "three"] if action == "interrupt" else ["three"])

    on(tmp_path, test)


def test_cancel_of_a_sleeping_run_and_its_successor_goes_on(tmp_path: Path, world: World) -> None:
    async def test(it: Harness) -> None:
        it.agent(lambda: world.agent([call("sleep_until", {"when": "9d"}, id="s")], tools=[sleep_until]))
        it.agent(answering(world), "quick")
        first = await it.run()
        second = await it.accept("x", "quick", thread_id=first.thread_id, trigger="event")
        await it.service.cancel(TENANT, first.id)
        await it.work()
        assert await statuses(it, first, second) == ["cancelled", "succeeded"]

    on(tmp_path, test)


def test_cancel_of_an_ended_run_changes_nothing(tmp_path: Path, world: World) -> None:
    async def test(it: Harness) -> None:
        it.agent(answering(world))
        run = await it.run()
        assert await it.service.cancel(TENANT, run.id) == run
        with pytest.raises(Invalid):
            await it.service.cancel(TENANT, run.id, "explode")
        with pytest.raises(NotFound):
            await it.service.cancel(TENANT, new_id())

    on(tmp_path, test)


class Slow(Script):
    """Streams words for ever."""

    def __init__(self, world: World) -> None:
        super().__init__([say("never")])
        self.world = world

    async def get_response(self, *args: Any, **kwargs: Any) -> Any:
        self.world.side.add("asked")
        await asyncio.sleep(3600)

    async def stream_response(self, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        from openai.types.responses import ResponseTextDeltaEvent

        self.world.side.add("asked")
        for n in range(10**6):
            yield ResponseTextDeltaEvent(
                type="response.output_text.delta", delta=f"{n} ", sequence_number=n, content_index=0, item_id="m",
                output_index=0, logprobs=[],
            )  # fmt: skip
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("here", [True, False], ids=["here", "from another process"])
def test_cancel_in_the_middle_of_a_model_call(tmp_path: Path, world: World, streamed: bool, here: bool) -> None:
    async def test() -> None:
        url = f"sqlite:///{tmp_path}/test.db"
        async with harness(url) as it, harness(url) as other:
            it.agent(lambda: Agent(name="main", model=Slow(world)))
            run = await it.accept(deltas=streamed)
            work = asyncio.create_task(it.work())
            await until(lambda: world.count("asked"))
            await (it if here else other).service.cancel(TENANT, run.id)
            async with asyncio.timeout(10):
                await work
            left = await it.get(run)
            assert (left.status, left.error) == ("cancelled", None)
            assert await it.history(run) == [{"role": "user", "content": "go"}]

    asyncio.run(test())


def test_cancel_in_the_middle_of_a_nested_model_call(tmp_path: Path, world: World, streamed: bool) -> None:
    async def test(it: Harness) -> None:
        inner = Agent(name="inner", model=Slow(world))
        calls = call("inner", {"input": "q"}, id="i"), call("look", id="l")
        it.agent(world.agent(list(calls), tools=[inner.as_tool("inner", "d"), world.tool("look")]))
        run = await it.accept(deltas=streamed)
        work = asyncio.create_task(it.work())
        await until(lambda: world.count("asked") and world.count("look"))
        await it.service.cancel(TENANT, run.id)
        async with asyncio.timeout(10):
            await work
        assert await statuses(it, run) == ["cancelled"]
        assert outputs(await it.history(run))["l"] == "look done"

    on(tmp_path, test)


# -- idempotent accept


def test_the_same_key_and_request_are_the_same_run(tmp_path: Path, world: World) -> None:
    from agentcore.errors import IdempotencyMismatch

    async def test(it: Harness) -> None:
        it.agent(answering(world))
        found = await asyncio.gather(*(it.accept("one", idempotency_key="k") for _ in range(5)))
        await it.work()
        again = await it.accept("one", idempotency_key="k")
        assert {run.id for run in [*found, again]} == {again.id}
        assert world.count("model:quick:0") == 1
        with pytest.raises(IdempotencyMismatch):
            await it.accept("two", idempotency_key="k")
        with pytest.raises(IdempotencyMismatch):
            await it.accept("one", idempotency_key="k", multitask="interrupt")

    on(tmp_path, test)
