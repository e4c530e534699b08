"""A slice ends in time, saved, and the next one goes on: history is the same however it is cut."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from agents import Agent, function_tool

from agentcore import current, effect
from agentcore.deadline import Deadline
from agentcore.engine import STILL
from agentcore.ports import StateStore
from agentcore.records import Run
from agentcore.testing import Script, SideTable, call, say
from tests.engine.world import until
from tests.harness import Harness, on


def forty(side: SideTable, cut: Any) -> Agent[Any]:
    @function_tool
    async def step() -> str:
        side.add(current().call_id)
        await cut()
        return f"{current().call_id} done"

    turns = [[call("step", id=f"c{n}")] for n in range(40)]
    return Agent(name="main", model=Script(*turns, [say("all done")], log=side), tools=[step])


def test_forty_steps_in_slices_of_a_few_give_the_same_history_as_in_one(tmp_path: Path) -> None:
    histories = []

    async def whole(it: Harness) -> None:
        async def nothing() -> None: ...

        it.agent(lambda: forty(SideTable(tmp_path / "whole"), nothing))
        histories.append(await it.history(await it.run()))

    async def sliced(it: Harness) -> None:
        side, count = SideTable(tmp_path / "sliced"), iter(range(1000))

        async def cut() -> None:
            if next(count) % 3 == 2:
                for deadline in it.service.deadlines:
                    deadline.bring_forward(10)
                await asyncio.sleep(0.03)

        it.agent(lambda: forty(side, cut))
        run = await it.run()
        histories.append(await it.history(run))
        assert run.status == "succeeded"
        assert len(await it.keys(run, "yielded")) == 13
        assert set(side.count().values()) == {1}, side.count()

    on(tmp_path / "a", whole, max_turns=100)
    on(tmp_path / "b", sliced, max_turns=100)
    assert histories[0] == histories[1]
    assert len(histories[0]) == 82


def slow(side: SideTable, seconds: float, kind: Any = "idempotent") -> Any:
    @effect(kind)
    @function_tool
    async def work() -> str:
        side.add(f"work {current().idempotency_key}")
        if side.count()[f"work {current().idempotency_key}"] == 1:
            await asyncio.sleep(seconds)
        return "worked"

    return work


def agent(side: SideTable, tool: Any) -> Agent[Any]:
    return Agent(name="main", model=Script([call("work", id="c")], [say("done")], log=side), tools=[tool])


async def overrun(it: Harness, run: Run, when: Callable[[], Any]) -> None:
    """Work on a run in a slice whose time is up soon after that moment: the first slice of a process is a slow one."""
    deadline = Deadline(None)
    slice = asyncio.create_task(it.service.work(run.id, deadline))
    await until(when)
    deadline.bring_forward(0.2)
    await slice


def test_an_idempotent_tool_that_overruns_is_cut_and_repeated_with_the_same_key(tmp_path: Path) -> None:
    side = SideTable(tmp_path / "side")

    async def test(it: Harness) -> None:
        it.agent(lambda: agent(side, slow(side, 60)))
        run = await it.accept()
        await overrun(it, run, lambda: len(side.count()) == 2)
        assert (await it.get(run)).status == "queued"
        await it.work()
        left = await it.get(run)
        assert (left.status, left.output) == ("succeeded", "done")
        assert [n for line, n in side.count().items() if line.startswith("work")] == [2]
        assert side.count()["model:0"] == 1

    on(tmp_path, test)


class Hanging:
    """A database that takes a heartbeat and never answers it."""

    def __init__(self, store: Any) -> None:
        self.store = store

    def __getattr__(self, verb: str) -> Any:
        return self.hang if verb in ("renew", "held") else getattr(self.store, verb)

    async def hang(self, *args: Any) -> None:
        await asyncio.sleep(3600)


def test_a_database_that_hangs_does_not_hide_that_the_time_is_up(tmp_path: Path) -> None:
    side = SideTable(tmp_path / "side")

    async def test(it: Harness) -> None:
        it.agent(lambda: agent(side, slow(side, 3600)))
        it.service.store = cast(StateStore, Hanging(it.store))
        run = await it.accept()
        slice = asyncio.create_task(it.service.work(run.id, deadline := Deadline(None)))
        await until(lambda: len(side.count()) == 2)
        await asyncio.sleep(1.2)  # a look is under way, and is not answered
        deadline.bring_forward(0.2)
        async with asyncio.timeout(10):
            await slice
        assert (await it.get(run)).status == "queued"

    on(tmp_path, test)


def test_a_once_tool_that_overruns_asks_a_person(tmp_path: Path) -> None:
    side = SideTable(tmp_path / "side")

    async def test(it: Harness) -> None:
        it.agent(lambda: agent(side, slow(side, 60, "once")))
        run = await it.accept()
        await overrun(it, run, lambda: len(side.count()) == 2)
        await it.work()
        assert (await it.get(run)).status == "waiting"
        [question] = await it.questions()
        assert (question.kind, question.tool) == ("outcome", "work")
        await it.decide("happened", result="it worked")
        left = await it.get(run)
        assert (left.status, left.output) == ("succeeded", "done")
        assert [n for line, n in side.count().items() if line.startswith("work")] == [1]
        assert {"type": "function_call_output", "call_id": "c", "output": "it worked"} in await it.history(run)

    on(tmp_path, test)


def test_a_step_that_needs_more_than_a_whole_slice_fails_and_says_so(tmp_path: Path) -> None:
    side = SideTable(tmp_path / "side")

    @function_tool
    async def work() -> str:
        await asyncio.sleep(60)
        return "never"

    async def test(it: Harness) -> None:
        it.agent(lambda: agent(side, work))
        run = await it.accept()
        while not (left := await it.get(run)).terminal:  # the model call fits in, the tool does not
            await it.service.work(run.id, Deadline(0.4, margin=0.2))
        assert left.status == "failed"
        assert left.error is not None
        assert left.error["code"] == "step_exceeds_limit"

    on(tmp_path, test, max_failures=1000)


def test_time_that_passed_before_a_step_began_does_not_make_it_too_long(tmp_path: Path) -> None:
    """As where a cold start takes the whole of a short slice, or the database does not answer."""
    side, waits = SideTable(tmp_path / "side"), iter([60.0])

    @function_tool
    async def work() -> str:
        return "worked"

    async def context() -> None:
        await asyncio.sleep(next(waits, 0.0))

    async def test(it: Harness) -> None:
        it.agent(lambda: agent(side, work), context=context)
        run = await it.accept()
        await it.service.work(run.id, Deadline(0.3, margin=0.1))
        left = await it.get(run)
        assert (left.status, left.failures) == ("queued", 1)
        await it.work()
        assert (await it.get(run)).status == "succeeded"

    on(tmp_path, test)


def test_time_in_which_the_process_stood_still_does_not_make_a_step_too_long(tmp_path: Path) -> None:
    """As where the host freezes it, or a laptop sleeps."""
    side = SideTable(tmp_path / "side")

    @function_tool
    async def work() -> str:
        side.add("work")
        if side.count()["work"] <= 2:  # in the first slice there was a model call, and so a new step
            time.sleep(STILL + 1.0)  # noqa: ASYNC251 - nothing else runs meanwhile: that is what it is about
            await asyncio.sleep(60)
        return "worked"

    async def test(it: Harness) -> None:
        it.agent(lambda: agent(side, work))
        run = await it.accept()
        while not (left := await it.get(run)).terminal:
            await it.service.work(run.id, Deadline(0.6, margin=0.2))
        assert (left.status, side.count()["work"]) == ("succeeded", 3)

    on(tmp_path, test, max_failures=1000)


def test_a_sync_tool_is_waited_for_and_never_repeated_beside_itself(tmp_path: Path) -> None:
    side, release = SideTable(tmp_path / "side"), threading.Event()

    @function_tool
    def work() -> str:
        side.add("work")
        release.wait(10)
        return "worked"

    async def test(it: Harness) -> None:
        it.agent(lambda: agent(side, work))
        run = await it.accept()
        slice = asyncio.create_task(overrun(it, run, lambda: side.count()["work"]))
        await until(lambda: side.count()["work"])
        await asyncio.sleep(0.4)
        assert not slice.done()
        release.set()
        await slice
        await it.work()
        left = await it.get(run)
        assert (left.status, left.output) == ("succeeded", "done")
        assert side.count()["work"] == 1

    on(tmp_path, test)


def test_sigterm_hands_over_at_the_next_step(tmp_path: Path) -> None:
    side = SideTable(tmp_path / "side")

    async def test(it: Harness) -> None:
        it.agent(lambda: agent(side, slow(side, 0.2)))
        run = await it.accept()
        slice = asyncio.create_task(it.service.work(run.id))
        await until(lambda: len(side.count()) == 2)
        await asyncio.sleep(0.05)
        await it.service.drain(10)
        await slice
        assert (await it.get(run)).status == "queued"
        assert await it.keys(run, "tool", "yielded") == ["tool:0/c", "yielded:1"]
        await it.work()
        assert (await it.get(run)).status == "succeeded"

    on(tmp_path, test)
