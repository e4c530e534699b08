"""One writer: a worker that lost its run writes nothing more, and one that is alive keeps it."""

from __future__ import annotations

import asyncio
import gc
import logging
import sqlite3
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from agents import Agent, function_tool

from agentcore import current, journal, loading
from agentcore.ports import StateStore
from agentcore.records import Ack, Claim, Lease, Message, Run
from agentcore.testing import Script, advance, call, say
from tests.engine.world import World, Yielding, dies, elsewhere, outputs, slices_of_one_step, until
from tests.harness import TENANT, Harness, harness, on


class Held(Script):
    """Waits in each call until it is let go."""

    def __init__(self, world: World, *turns: Any, name: str = "model") -> None:
        super().__init__(*turns, log=world.side, name=name)
        self.gate = asyncio.Event()

    async def get_response(self, *args: Any, **kwargs: Any) -> Any:
        answer = await super().get_response(*args, **kwargs)
        await self.gate.wait()
        return answer

    async def stream_response(self, *args: Any, **kwargs: Any) -> Any:
        events = [event async for event in super().stream_response(*args, **kwargs)]
        await self.gate.wait()
        for event in events:
            yield event


def test_a_worker_that_lost_its_run_writes_nothing_and_stops(tmp_path: Path, world: World, streamed: bool) -> None:
    """Two services on one database. The first is slow and goes on after the second has finished the run."""

    async def test() -> None:
        url = f"sqlite:///{tmp_path}/test.db"
        async with harness(url) as zombie, harness(url) as other:
            turns = [call("look", id="c")], [say("done")]
            slow = Held(world, *turns, name="zombie")
            zombie.agent(lambda: Agent(name="main", model=slow, tools=[world.tool("look")]))
            other.agent(lambda: world.agent(*turns, tools=[world.tool("look")]))
            run = await zombie.accept(deltas=streamed)
            work = asyncio.create_task(zombie.service.work(run.id))
            await until(lambda: world.count("zombie:0"))
            await advance(other.store, 31)
            await other.service.tick()
            await other.work()
            finished, journal = await other.get(run), await other.journal(run)
            assert (finished.status, world.count("look")) == ("succeeded", 1)
            slow.gate.set()
            assert await work is None
            assert (await other.get(run), await other.journal(run)) == (finished, journal)
            assert world.count("look") == 1  # its own answer was refused, so its tool was never called
            assert len(await other.history(run)) == 4

    asyncio.run(test())


def test_a_worker_that_lost_its_run_while_another_works_on_it_stops(
    tmp_path: Path, world: World, streamed: bool
) -> None:
    async def test() -> None:
        url = f"sqlite:///{tmp_path}/test.db"
        async with harness(url) as zombie, harness(url) as other:
            turns = [call("look", id="c")], [say("done")]
            models = Held(world, *turns, name="zombie"), Held(world, *turns, name="other")
            for host, model in zip((zombie, other), models, strict=True):
                host.agent(Agent(name="main", model=model, tools=[world.tool("look")]))
            run = await zombie.accept(deltas=streamed)
            first = asyncio.create_task(zombie.service.work(run.id))
            await until(lambda: world.count("zombie:0"))
            await advance(other.store, 31)
            second = asyncio.create_task(other.service.work(run.id))  # no tick has passed: it takes over by itself
            await until(lambda: world.count("other:0"))
            models[0].gate.set()
            assert await first is None
            assert ((await other.get(run)).status, world.count("look")) == ("running", 0)
            models[1].gate.set()
            left = await second
            assert left is not None
            assert (left.status, world.count("look"), left.fence) == ("succeeded", 1, 2)

    asyncio.run(test())


@pytest.mark.parametrize("lease", [0.6, 300.0], ids=["by its heartbeat", "long before its heartbeat"])
def test_a_worker_hears_of_its_lost_lease_in_the_middle_of_a_model_call_and_makes_no_fuss(
    tmp_path: Path, world: World, lease: float, streamed: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async def test() -> None:
        url = f"sqlite:///{tmp_path}/test.db"
        async with harness(url, lease_seconds=lease) as zombie, harness(url) as other:
            zombie.agent(Agent(name="main", model=Held(world, [say("never")], name="zombie")))
            run = await zombie.accept(deltas=streamed)
            work = asyncio.create_task(zombie.service.work(run.id))
            await until(lambda: world.count("zombie:0"))
            while await other.store.claim(run.id, lease=60, window=10) is None:
                await advance(other.store, lease + 1)  # it was just renewed
            async with asyncio.timeout(10):
                assert await work is None

    with caplog.at_level(logging.INFO):
        asyncio.run(test())
        gc.collect()  # of a task that failed and was not asked why, asyncio tells when it is gone
    assert [record.getMessage() for record in caplog.records if record.levelno > logging.INFO] == []


def taken_meanwhile(url: str, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """This process stands still for longer than its lease, and another one takes the run."""

    async def take() -> None:
        async with harness(url) as other:
            await advance(other.store, 31)
            assert await other.store.claim(run.id, lease=60, window=10)

    elsewhere(take)
    monkeypatch.setattr(journal, "time", SimpleNamespace(monotonic=lambda: time.monotonic() + 31))


class Slow(Yielding):
    """A store whose answer to a heartbeat comes after the SDK has gone on."""

    async def renew(self, lease: Lease, seconds: float) -> Ack:
        await asyncio.sleep(0.4)
        return await self.store.renew(lease, seconds)


@pytest.mark.parametrize("step", ["model", "tool"])
@pytest.mark.parametrize("where", ["before its slice", "while the agent is made"])
def test_a_worker_that_stood_still_for_long_begins_no_step_before_it_knows_that_the_run_is_its_own(
    tmp_path: Path, world: World, streamed: bool, where: str, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path}/test.db"
    claim: Claim | None = None

    def still(now: str) -> None:
        if claim and now == where:
            taken_meanwhile(url, claim.run, monkeypatch)

    def build() -> Agent[Any]:
        still("while the agent is made")
        return world.agent([call("look", id="c")], [say("done")], tools=[world.tool("look")])

    async def test() -> None:
        nonlocal claim
        async with harness(url) as it:
            it.agent(build)
            run = await it.accept(deltas=streamed)
            if step == "tool":
                slices_of_one_step(it)
                await it.service.work(run.id)
            before = world.side.count()
            it.service.store = cast(StateStore, Slow(it.service))
            claim = await it.service.take(Message(run_id=run.id))
            assert claim is not None
            still("before its slice")
            assert await it.service.advance(claim) is None
            assert (world.side.count(), before["model:0"]) == (before, step == "tool")

    asyncio.run(test())


def test_the_sdk_is_imported_before_a_run_is_claimed(
    tmp_path: Path, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a slow processor, or with little of one, that takes longer than a lease."""
    found = loading.engine()
    seen = list[Any]()

    def engine() -> Any:
        with sqlite3.connect(tmp_path / "test.db") as connection:
            seen.extend(connection.execute("select status from run"))
        return found

    async def test(it: Harness) -> None:
        it.agent(lambda: world.agent([say("done")]))
        run = await it.accept()
        monkeypatch.setattr(loading, "engine", engine)
        claim = await it.service.take(Message(run_id=run.id))
        assert claim is not None
        assert seen == [("queued",)]
        await it.service.advance(claim)

    on(tmp_path, test)


@pytest.mark.parametrize("where", ["model", "tool"])
def test_a_heartbeat_keeps_the_lease_through_a_long_step(
    tmp_path: Path, world: World, streamed: bool, where: str
) -> None:
    async def test() -> None:
        url = f"sqlite:///{tmp_path}/test.db"
        async with harness(url, lease_seconds=3) as it, harness(url, lease_seconds=3) as other:
            model, enough = Held(world, [call("long", id="c")], [say("done")]), asyncio.Event()

            @function_tool
            async def long() -> str:
                if where == "tool":
                    await enough.wait()
                return "ok"

            it.agent(Agent(name="main", model=model, tools=[long]))
            other.agent(Agent(name="main", model=model, tools=[long]))
            run = await it.accept(deltas=streamed)
            work = asyncio.create_task(it.service.work(run.id))
            if where == "tool":
                model.gate.set()
            await until(lambda: world.count("model:0"))
            ends = set[Any]()
            while not work.done():
                await other.service.tick()
                assert await other.service.work(run.id) is None
                ends.add((await it.get(run)).wake_at)
                if len(ends) > 2:  # so it was renewed twice
                    model.gate.set()
                    enough.set()
                await asyncio.sleep(0.05)
            left = await it.get(run)
            assert (left.status, left.fence, left.failures) == ("succeeded", 1, 0)
            assert world.side.count() == {"model:0": 1, "model:1": 1}

    asyncio.run(test())


def test_a_run_that_kills_each_worker_ends_as_failed(tmp_path: Path, world: World, streamed: bool) -> None:
    async def test(it: Harness) -> None:
        model = Held(world, [say("never")])
        it.agent(Agent(name="main", model=model))
        run = await it.accept(deltas=streamed)
        for attempt in range(1, 4):
            await it.service.bus.receive(limit=10, wait=0.01)
            await dies(it, run, lambda: world.count("model:0") == attempt)  # noqa: B023 - it is awaited here
            await advance(it.store, 31)
            await it.service.tick()
            assert (await it.get(run)).failures == attempt
        await it.work()
        left = await it.get(run)
        assert left.status == "failed"
        assert left.error is not None
        assert left.error["code"] == "too_many_failures"
        assert world.count("model:0") == 3
        assert await it.history(run) == [{"role": "user", "content": "go"}]

    on(tmp_path, test, max_failures=3)


def test_a_takeover_after_a_new_step_is_no_failure(tmp_path: Path, world: World, streamed: bool) -> None:
    def build() -> Agent[Any]:
        @function_tool
        async def step() -> str:
            world.side.add(current().call_id)
            await asyncio.sleep(3600 if world.count(current().call_id) == 1 else 0)
            return "ok"

        turns = [[call("step", id=f"c{n}")] for n in range(6)]
        return world.agent(*turns, [say("done")], tools=[step])

    async def test(it: Harness) -> None:
        it.agent(build)
        run = await it.accept(deltas=streamed)
        for n in range(6):
            await it.service.bus.receive(limit=10, wait=0.01)
            await dies(it, run, lambda: world.count(f"c{n}") == 1)  # noqa: B023 - it is awaited here
            await advance(it.store, 31)
            await it.service.tick()
            assert (await it.get(run)).failures == 0
        await it.work()
        left = await it.get(run)
        assert (left.status, left.output) == ("succeeded", "done")
        assert {n for line, n in world.side.count().items() if line.startswith("c")} == {2}
        assert {n for line, n in world.side.count().items() if line.startswith("model")} == {1}

    on(tmp_path, test, max_failures=3)


def test_a_cancelled_worker_leaves_its_run_to_another(tmp_path: Path, world: World, streamed: bool) -> None:
    """As when a process is shut down and its event loop cancels what is under way."""

    async def test(it: Harness) -> None:
        model = Held(world, [call("look", id="c")], [say("done")])
        it.agent(Agent(name="main", model=model, tools=[world.tool("look")]))
        run = await it.accept(deltas=streamed)
        await dies(it, run, lambda: world.count("model:0"))
        assert (await it.get(run)).status == "running"
        model.gate.set()
        await it.later(31)
        assert (await it.get(run)).status == "succeeded"
        assert outputs(await it.history(run)) == {"c": "look done"}

    on(tmp_path, test)


@pytest.mark.parametrize("how", ["lost", "cancelled"])
def test_who_reads_a_run_here_hears_how_it_ends_elsewhere(tmp_path: Path, world: World, how: str) -> None:
    async def test() -> None:
        url = f"sqlite:///{tmp_path}/test.db"
        async with harness(url) as here, harness(url) as other:
            models = Held(world, [say("never")], name="here"), Script([say("done")])
            for host, model in zip((here, other), models, strict=True):
                host.agent(Agent(name="main", model=model))
            run = await here.accept()
            work = asyncio.create_task(here.service.work(run.id))
            await until(lambda: world.count("here:0"))
            waiting = asyncio.create_task(here.service.wait(run, 60))
            told = asyncio.create_task(events_of(here, run))
            await asyncio.sleep(0.2)
            assert here.service.look._task is not None  # it begins to look, but takes its time
            if how == "cancelled":
                work.cancel()
                await asyncio.wait([work])
            await advance(other.store, 31)
            await other.service.work(run.id)
            models[0].gate.set()
            async with asyncio.timeout(10):
                assert (await waiting).output == "done"
                assert (await told)[-1] == "finished"
            await asyncio.wait([work])

    asyncio.run(test())


async def events_of(it: Harness, run: Run) -> list[str]:
    return [event.type async for event in it.service.events(run.tenant, run.id)]


def test_a_message_that_is_late_or_repeated_does_nothing(tmp_path: Path, world: World) -> None:
    async def test(it: Harness) -> None:
        it.agent(lambda: world.agent([say("done")]))
        run: Run = await it.run()
        assert await it.service.work(run.id) is None
        assert await it.service.work("no-such-run") is None
        again = await it.accept("again", thread_id=run.thread_id)
        await asyncio.gather(*(it.service.work(again.id) for _ in range(5)))
        assert (await it.get(again)).status == "succeeded"
        assert world.count("model:0") == 2

    on(tmp_path, test)


def test_a_lost_message_is_sent_again(tmp_path: Path, world: World) -> None:
    async def test(it: Harness) -> None:
        it.agent(lambda: world.agent([say("done")]))
        run = await it.accept()
        assert [m.run_id for m in await it.service.bus.receive(limit=10, wait=0.01)] == [run.id]  # and never seen again
        await it.later(30)
        assert (await it.get(run)).status == "queued"
        await it.later(31)
        assert (await it.store.run(TENANT, run.id)).status == "succeeded"

    on(tmp_path, test)
