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

from agentcore import current, effect
from agentcore.deadline import Deadline
from agentcore.history import UNFINISHED
from agentcore.records import Run
from agentcore.testing import call, say
from tests.engine.world import World, kinds, outputs, slices_of_one_step, until
from tests.harness import TENANT, Harness, on


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


# -- threads that hang


class Hang:
    """A sync tool that hangs until it is released, alone or under an agent, counted when it begins."""

    def __init__(self, world: World, where: str = "itself", kind: Any = "idempotent") -> None:
        self.world, self.where, self.kind, self.released = world, where, kind, threading.Event()

    def __enter__(self) -> Hang:
        return self

    def __exit__(self, *_: object) -> None:
        self.released.set()  # else the interpreter would wait for it

    @property
    def begun(self) -> int:
        return self.world.count("begun")

    def build(self) -> Agent[Any]:
        @effect(self.kind)
        @function_tool
        def stuck() -> str:
            self.world.side.add("begun")
            self.released.wait(60)
            return "worked"

        @function_tool
        async def forever() -> str:
            self.world.side.add("begun")
            try:
                await asyncio.sleep(3600)
            finally:
                self.world.side.add("stopped")
            return "never"

        world = self.world
        if self.where == "itself":
            return world.agent([call("stuck", id="s")], [say("done")], tools=[stuck])
        name = "forever" if "async" in self.where else "stuck"
        inner = world.agent([call(name, id="i")], [say("in")], name="inner", tools=[stuck, forever])
        if self.where == "agent tool":
            return world.agent(
                [call("inner", {"input": "q"}, id="s")], [say("done")], tools=[inner.as_tool("inner", "d")]
            )

        @function_tool
        def ask() -> str:
            return by_run_sync(inner)

        return world.agent([call("ask", id="s")], [say("done")], tools=[ask])


@pytest.mark.parametrize("where", ["itself", "agent tool", "run_sync", "run_sync of an async one"])
def test_a_sync_tool_that_hangs_does_not_keep_its_run_from_being_cancelled(
    tmp_path: Path, world: World, streamed: bool, where: str
) -> None:
    async def test(it: Harness) -> None:
        with Hang(world, where) as hang:
            it.agent(hang.build)
            run = await it.accept(deltas=streamed)
            work = asyncio.create_task(it.work())
            await until(lambda: hang.begun)
            await it.service.cancel(TENANT, run.id)
            async with asyncio.timeout(20):
                await work
            assert (await it.get(run)).status == "cancelled"
            assert outputs(await it.history(run)) == {"s": UNFINISHED}
            assert world.count("stopped") == ("async" in where)
            before = await it.journal(run)
        await until(lambda: not it.service.threads)
        assert await it.journal(run) == before

    on(tmp_path, test, sync_tool_seconds=0.1, lease_seconds=3.0)


async def cut(it: Harness, run: Run, hang: Hang) -> None:
    """A slice whose time is up while the tool hangs."""
    deadline = Deadline(None)
    slice = asyncio.create_task(it.service.work(run.id, deadline))
    await until(lambda: hang.begun)
    deadline.bring_forward(0.2)
    async with asyncio.timeout(20):
        await slice


class Threads(dict[str, asyncio.Task[Any]]):
    """Of sync tools; it notices when one is found that still runs."""

    found = False

    def get(self, key: str, default: Any = None) -> Any:
        task = super().get(key, default)
        self.found = self.found or task is not None
        return task


@pytest.mark.parametrize("where", ["itself", "agent tool"])
def test_a_sync_tool_that_was_let_go_is_waited_for_and_not_begun_again(
    tmp_path: Path, world: World, streamed: bool, where: str
) -> None:
    async def test(it: Harness) -> None:
        with Hang(world, where) as hang:
            threads = it.service.threads = Threads()
            it.agent(hang.build)
            run = await it.accept(deltas=streamed)
            await cut(it, run, hang)
            assert (await it.get(run)).status == "queued"
            work = asyncio.create_task(it.work())
            await until(lambda: threads.found)
            hang.released.set()
            await work
            left = await it.get(run)
            assert (left.status, left.output, hang.begun) == ("succeeded", "done", 1)
            assert outputs(await it.history(run)) == {"s": "worked" if where == "itself" else "in"}

    on(tmp_path, test, sync_tool_seconds=0.1)


def test_a_sync_tool_that_outlasts_a_whole_slice_fails_its_run(tmp_path: Path, world: World, streamed: bool) -> None:
    async def test(it: Harness) -> None:
        with Hang(world) as hang:
            it.agent(hang.build)
            run = await it.accept(deltas=streamed)
            await cut(it, run, hang)
            while not (left := await it.get(run)).terminal:
                await it.service.work(run.id, Deadline(0.4, margin=0.2))
            assert (left.status, (left.error or {})["code"], hang.begun) == ("failed", "step_exceeds_limit", 1)

    on(tmp_path, test, sync_tool_seconds=0.1, max_failures=1000)


@pytest.mark.parametrize("decision", ["happened", "again"])
def test_a_once_tool_that_was_let_go_asks_a_person(tmp_path: Path, world: World, streamed: bool, decision: str) -> None:
    async def test(it: Harness) -> None:
        with Hang(world, kind="once") as hang:
            it.agent(hang.build)
            run = await it.accept(deltas=streamed)
            await cut(it, run, hang)
            await it.work()
            assert (await it.get(run)).status == "waiting"
            if decision == "again":
                hang.released.set()
                await until(lambda: not it.service.threads)
            await it.decide(decision, **({"result": "so it did"} if decision == "happened" else {}))
            left = await it.get(run)
            assert (left.status, left.output) == ("succeeded", "done")
            assert outputs(await it.history(run)) == {"s": "so it did" if decision == "happened" else "worked"}
            assert hang.begun == (1 if decision == "happened" else 2)

    on(tmp_path, test, sync_tool_seconds=0.1)
