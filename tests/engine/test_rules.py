"""Rules of the design where nothing else looks: each test fails when the rule is broken."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import pytest
from agents import Agent, function_tool

from agentcore import current, effect
from agentcore.errors import Unavailable
from agentcore.journal import ALWAYS, LINGER, Journal
from agentcore.ports import StateStore
from agentcore.preflight import preflight
from agentcore.records import Ack, Entry, Lease
from agentcore.service import Service
from agentcore.testing import advance, call, say
from agentcore.tools import sleep_until
from tests.engine.world import World, dies, kinds, slices_of_one_step, until
from tests.harness import TENANT, Harness, on

# -- 1. accepted means durable


class Away:
    """A bus that nobody reaches."""

    redelivery = 60.0

    async def send(self, run_ids: Sequence[str]) -> None:
        raise ConnectionError("the bus is away")

    async def close(self) -> None: ...


def test_a_bus_that_is_away_refuses_nothing_and_loses_nothing(tmp_path: Path, world: World) -> None:
    async def test(it: Harness) -> None:
        it.agent(
            lambda: world.agent([call("pay", id="p")], [say("hi")], tools=[world.tool("pay", needs_approval=True)])
        )
        bus, it.service.bus = it.service.bus, cast(Any, Away())
        run = await it.accept()
        assert (await it.get(run)).status == "queued"
        left = await it.service.work(run.id)
        assert left is not None
        assert left.status == "waiting"
        [question] = await it.questions()
        await it.service.decide(TENANT, question.id, "approve", by="tester")
        assert world.count("pay") == 0
        it.service.bus = bus
        await it.later(61)
        assert ((await it.get(run)).status, world.count("pay")) == ("succeeded", 1)

    on(tmp_path, test)


def test_a_run_is_stored_when_it_is_answered(tmp_path: Path, world: World) -> None:
    async def test(it: Harness) -> None:
        it.agent(lambda: world.agent([say("hi")]))
        for options in ({}, {"here": True}, {"idempotency_key": "k"}, {"thread_id": (await it.accept()).thread_id}):
            run = await it.accept(**options)
            # Another connection, and nothing awaited in between.
            with closing(sqlite3.connect(tmp_path / "test.db")) as other:
                assert UUID(run.id) in [UUID(id) for (id,) in other.execute("select id from run")]
        await it.work()

    on(tmp_path, test)


def test_an_accept_that_cannot_be_stored_is_not_answered(tmp_path: Path, world: World) -> None:
    class Full:
        """A store that cannot commit."""

        def __getattr__(self, verb: str) -> Any:
            raise OSError("the disk is full")

    async def test(it: Harness) -> None:
        it.agent(lambda: world.agent([say("hi")]))
        store, it.service.store = it.service.store, cast(StateStore, Full())
        with pytest.raises(OSError, match="full"):
            await it.accept()
        it.service.store = store
        assert not await it.service.bus.receive(limit=10, wait=0.01)

    on(tmp_path, test)


# -- 2. one writer


class Unreachable:
    """A database that answers no heartbeat any more."""

    def __init__(self, service: Service) -> None:
        self.store, self.away = service.store, False

    def __getattr__(self, verb: str) -> Any:
        if self.away and verb in ("renew", "held"):
            raise OSError("no route to host")
        return getattr(self.store, verb)


@pytest.mark.parametrize("why", ["another worker has it", "the database is out of reach"])
def test_a_worker_that_lost_its_run_stops_in_the_middle_of_a_tool(
    tmp_path: Path, world: World, streamed: bool, why: str
) -> None:
    """Its tool must not go on beside the one that the next worker starts."""

    async def test(it: Harness) -> None:
        @function_tool
        async def look() -> str:
            world.side.add("begun")
            try:
                await asyncio.sleep(3600)
            finally:
                world.side.add("stopped")
            return "never"

        it.agent(lambda: world.agent([call("look", id="l")], [say("done")], tools=[look]))
        store = Unreachable(it.service)
        it.service.store = cast(StateStore, store)
        run = await it.accept(deltas=streamed)
        work = asyncio.create_task(it.service.work(run.id))
        await until(lambda: world.count("begun"))
        store.away = why.startswith("the database")
        async with asyncio.timeout(10):
            while why.startswith("another") and not await it.store.claim(run.id, lease=60, window=1):
                await advance(it.store, 1)  # its heartbeat may come in between
            assert await work is None
        assert world.count("stopped") == 1

    on(tmp_path, test, lease_seconds=0.6)


class Busy:
    """A database that has no time for the first writes."""

    def __init__(self, service: Service, times: int) -> None:
        self.store, self.left = service.store, times

    def __getattr__(self, verb: str) -> Any:
        return getattr(self.store, verb)

    async def append(self, *args: Any, **options: Any) -> Any:
        self.left -= 1
        if self.left >= 0:
            raise Unavailable("busy")
        return await self.store.append(*args, **options)


def test_a_database_that_is_busy_for_a_moment_costs_no_lease(tmp_path: Path, world: World, streamed: bool) -> None:
    async def test(it: Harness) -> None:
        it.agent(lambda: world.agent([call("look", id="l")], [say("done")], tools=[world.tool("look")]))
        busy = Busy(it.service, 2)
        it.service.store = cast(StateStore, busy)
        run = await it.run(deltas=streamed)
        assert (run.status, run.fence) == ("succeeded", 1)
        assert busy.left < 0
        assert world.side.count() == {"model:0": 1, "look": 1, "model:1": 1}

    on(tmp_path, test)


class Flickering:
    """A database that goes away once in a verb, before or after it has done what was asked."""

    def __init__(self, service: Service, verb: str, when: str) -> None:
        self.store, self.verb, self.when, self.times = service.store, verb, when, 0

    def __getattr__(self, verb: str) -> Any:
        return self.flicker if verb == self.verb else getattr(self.store, verb)

    async def flicker(self, *args: Any, **options: Any) -> Any:
        self.times += 1
        if self.times > 1 or self.when == "after":
            done = await getattr(self.store, self.verb)(*args, **options)
        if self.times == 1:
            raise Unavailable("away")
        return done


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("verb", ["finish", "pause", "now"])
def test_a_database_that_is_away_for_a_moment_at_the_end_of_a_slice_costs_no_lease(
    tmp_path: Path, world: World, streamed: bool, verb: str, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing is paid for twice: what was said last is stored with the end of the run."""
    monkeypatch.setattr("agentcore.journal.PATIENCE", 0.01)

    async def test(it: Harness) -> None:
        it.agent(
            lambda: world.agent([call("pay", id="p")], [say("done")], tools=[world.tool("pay", needs_approval=True)])
        )
        flickering = Flickering(it.service, verb, when)
        it.service.store = cast(StateStore, flickering)
        run = await it.run(deltas=streamed)
        it.agent(lambda: world.agent([say("next")], name="other"), "other")
        behind = await it.accept("x", "other", thread_id=run.thread_id, multitask="enqueue")
        await it.decide("approve")
        left = await it.get(run)
        assert (left.status, left.fence, left.failures) == ("succeeded", 2, 0)
        assert (flickering.times, world.count("model:0"), world.count("model:1")) == (2 + (verb == "finish"), 1, 1)
        assert (await it.get(behind)).status == "succeeded"  # by its id on the bus: no tick has passed

    on(tmp_path, test)


# -- 4. no finished step runs twice


class Wavering:
    """A store whose first write is the slowest, and that keeps what it is given."""

    def __init__(self) -> None:
        self.stored: list[str] = []
        self.under_way = 0

    async def append(self, lease: Lease, entries: Sequence[Entry], **options: Any) -> Ack:
        self.under_way += 1
        assert self.under_way == 1, "two writes of one run at once"
        await asyncio.sleep(0.02 / (1 + len(self.stored)))
        self.stored += [entry.key for entry in entries]
        self.under_way -= 1
        return Ack(last_seq=1 + len(self.stored))


def test_all_that_a_run_records_is_stored_in_one_line(tmp_path: Path, world: World) -> None:
    """So a model response is never stored before the tool results it saw."""

    async def test(it: Harness) -> None:
        it.agent(lambda: world.agent([say("hi")]))
        claim = await it.store.claim((await it.accept()).id, lease=60, window=1)
        assert claim is not None
        store = Wavering()
        journal = Journal(cast(StateStore, store), claim, lease=60)
        for number in range(40):
            linger = (0.0, LINGER, ALWAYS)[number % 3]
            journal.add(Entry(key=f"{number}", kind="tool", data={}), linger=linger)
            if number % 7 == 0:
                await asyncio.sleep(0.003)
        await journal.commit()
        assert store.stored == [f"{number}" for number in range(40)]

    on(tmp_path, test)


def test_a_lease_that_the_watchdog_has_kept_is_not_given_up_when_the_database_is_away(
    tmp_path: Path, world: World
) -> None:
    """The loop was held up for longer than a lease, and the first write after that meets a failover."""

    class Away(Wavering):
        away = True

        async def append(self, lease: Lease, entries: Sequence[Entry], **options: Any) -> Ack:
            if self.away:
                self.away = False
                raise Unavailable("The database is away.")
            return await super().append(lease, entries, **options)

    async def test(it: Harness) -> None:
        it.agent(lambda: world.agent([say("hi")]))
        found = await it.store.claim((await it.accept()).id, lease=60, window=1)
        assert found is not None
        claim, kept, store = replace(found, at=time.monotonic() - 100), dict[Lease, float](), Away()
        journal = Journal(cast(StateStore, store), claim, lease=60, kept=kept)
        kept[claim.lease] = time.monotonic()
        journal.add(Entry(key="done", kind="tool", data={}))
        await journal.commit()
        assert store.stored == ["done"]

    on(tmp_path, test)


def test_what_may_wait_is_not_written_because_a_write_is_under_way(tmp_path: Path, world: World) -> None:
    async def test(it: Harness) -> None:
        it.agent(lambda: world.agent([say("hi")]))
        claim = await it.store.claim((await it.accept()).id, lease=60, window=1)
        assert claim is not None
        store = Wavering()
        journal = Journal(cast(StateStore, store), claim, lease=60)
        journal.add(Entry(key="now", kind="tool", data={}))
        await asyncio.sleep(0)
        assert store.under_way == 1
        journal.add(Entry(key="later", kind="model", data={}), linger=ALWAYS)
        assert [entry.key for entry in await journal.rest()] == ["later"]
        assert store.stored == ["now"]

    on(tmp_path, test)


def test_what_nobody_waited_for_is_stored_with_the_end(
    tmp_path: Path, world: World, streamed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agentcore.durable.model.LINGER", ALWAYS)

    async def test(it: Harness) -> None:
        it.agent(lambda: world.agent([say("hi")]))
        run = await it.run(deltas=streamed)
        assert await it.keys(run) == ["accepted", "input", "model:0/0/0", "finished"]

    on(tmp_path, test)


def test_a_tool_that_is_called_is_stored_before_it_runs(tmp_path: Path, world: World, streamed: bool) -> None:
    """Else a crash could make the model call something else, and both would have happened."""

    async def test(it: Harness) -> None:
        def build() -> Agent[Any]:
            @function_tool
            async def look() -> str:
                with closing(sqlite3.connect(tmp_path / "test.db")) as other:
                    found = other.execute("select key from entry where kind = 'model' order by seq").fetchall()
                world.side.add(" ".join(key for (key,) in found))
                return "seen"

            inner = world.agent([call("look", id="n")], [say("in")], name="inner", tools=[look])
            turns = [call("look", id="a")], [call("inner", {"input": "q"}, id="b")], [say("done")]
            return world.agent(*turns, tools=[look, inner.as_tool("inner", "d")])

        it.agent(build)
        assert (await it.run(deltas=streamed)).status == "succeeded"
        assert world.count("model:0/0/0") == 1
        assert world.count("model:0/0/0 model:0/0/1 model:0/0/b/0/0") == 1

    on(tmp_path, test)


def test_a_call_beside_an_agent_that_stops_is_finished_first(tmp_path: Path, world: World, streamed: bool) -> None:
    """A slice that unwinds where an agent used as a tool would ask its model must not cut what happens beside it."""

    async def test(it: Harness) -> None:
        def build() -> Agent[Any]:
            @effect("once")
            @function_tool
            async def pay() -> str:
                world.side.add("pay")
                await until(lambda: world.count("look"))
                for deadline in it.service.deadlines:
                    deadline.bring_forward(10)
                await asyncio.sleep(0.3)
                return "paid"

            @effect("once")
            @function_tool
            async def look() -> str:
                world.side.add("look")
                await asyncio.sleep(0.1)
                return "seen"

            inner = world.agent([call("look", id="l")], [say("in")], name="inner", tools=[look])
            calls = call("inner", {"input": "q"}, id="i"), call("pay", id="p")
            return world.agent(list(calls), [say("done")], tools=[inner.as_tool("inner", "d"), pay])

        it.agent(build)
        run = await it.accept(deltas=streamed)
        await it.service.work(run.id)
        assert ((await it.get(run)).status, await it.keys(run, "tool")) == ("queued", ["tool:0/i/0/l", "tool:0/p"])
        await it.work()
        assert (await it.get(run)).status == "succeeded"
        assert (world.count("pay"), world.count("look"), world.count("model:inner:1")) == (1, 1, 1)

    on(tmp_path, test)


# -- 5. honest effects


class Failing:
    """A store that cannot write an entry of that kind."""

    def __init__(self, service: Service, kind: str) -> None:
        self.store, self.kind = service.store, kind

    def __getattr__(self, verb: str) -> Any:
        return getattr(self.store, verb)

    async def append(self, lease: Lease, entries: Sequence[Entry], **options: Any) -> Ack:
        if any(entry.kind == self.kind for entry in entries):
            raise OSError("the disk is full")
        return await self.store.append(lease, entries, **options)


def test_a_once_call_whose_announcement_cannot_be_stored_does_not_happen(
    tmp_path: Path, world: World, streamed: bool
) -> None:
    async def test(it: Harness) -> None:
        it.agent(lambda: world.agent([call("pay", id="p")], [say("done")], tools=[world.tool("pay", kind="once")]))
        run = await it.accept(deltas=streamed)
        store = it.service.store
        it.service.store = cast(StateStore, Failing(it.service, "tool_started"))
        assert await it.service.work(run.id) is None
        assert world.count("pay") == 0
        it.service.store = store
        await it.later(31)
        assert ((await it.get(run)).status, world.count("pay")) == ("succeeded", 1)

    on(tmp_path, test)


def test_a_call_has_the_same_key_after_a_redrive(tmp_path: Path, world: World, streamed: bool) -> None:
    """So what a failed run has done is not done again by the one that takes its place."""
    broken = [True]

    def build() -> Agent[Any]:
        @effect("idempotent")
        @function_tool(failure_error_function=None)
        async def pay() -> str:
            world.side.add(current().idempotency_key)
            if broken:
                raise ValueError("the answer got lost")
            return "paid"

        return world.agent([call("pay", id="p"), call("pay", id="q")], [say("done")], tools=[pay])

    async def test(it: Harness) -> None:
        it.agent(build)
        run = await it.run(deltas=streamed)
        assert run.status == "failed"
        again = await it.service.redrive(TENANT, run.id)
        await it.work()
        third = await it.service.redrive(TENANT, again.id)
        broken.clear()
        await it.work()
        left = await it.get(third)
        assert (left.status, left.root_id) == ("succeeded", run.id)
        keys = {line: n for line, n in world.side.count().items() if not line.startswith("model")}
        assert sorted(keys.values()) == [3, 3], keys

    on(tmp_path, test)


@pytest.mark.parametrize("end", ["failed", "cancelled"])
def test_an_unknown_outcome_is_asked_about_again_after_a_redrive(
    tmp_path: Path, world: World, streamed: bool, end: str
) -> None:
    async def test(it: Harness) -> None:
        @effect("once")
        @function_tool
        async def pay() -> str:
            world.side.add("pay")
            await asyncio.sleep(3600)
            return "never"

        it.agent(lambda: world.agent([call("pay", id="p")], [say("done")], tools=[pay]))
        run = await it.accept(deltas=streamed)
        await it.service.bus.receive(limit=10, wait=0.01)
        await dies(it, run, lambda: world.count("pay"))
        await it.later(31)
        assert len(await it.questions()) == 1
        if end == "cancelled":
            await it.service.cancel(TENANT, run.id)
            await it.work()
        else:
            await it.later(8 * 86400)
        assert (await it.get(run)).status == end
        again = await it.service.redrive(TENANT, run.id)
        await it.work()
        assert ((await it.get(again)).status, world.count("pay")) == ("waiting", 1)
        await it.decide("happened", result="paid, says the bank")
        left = await it.get(again)
        assert (left.status, world.count("pay"), world.count("model:0")) == ("succeeded", 1, 1)

    on(tmp_path, test, question_expiry_fails=True)


@pytest.mark.parametrize("policy", ["always", "asks"])
def test_a_tool_that_needs_approval_is_not_repeated_unless_it_says_it_may(
    tmp_path: Path, world: World, streamed: bool, policy: str
) -> None:
    async def perhaps(context: Any, arguments: dict[str, Any], call_id: str) -> bool:
        return False

    def build() -> Agent[Any]:
        @function_tool(needs_approval=True if policy == "always" else perhaps)
        async def pay() -> str:
            world.side.add("pay")
            await asyncio.sleep(3600)
            return "never"

        return world.agent([call("pay", id="p")], [say("done")], tools=[pay])

    async def test(it: Harness) -> None:
        it.agent(build)
        run = await it.accept(deltas=streamed)
        if policy == "always":
            await it.work()
            [question] = await it.questions()
            await it.service.decide(TENANT, question.id, "approve", by="tester")
        await it.service.bus.receive(limit=10, wait=0.01)
        await dies(it, run, lambda: world.count("pay"))
        await it.later(31)
        assert [(q.kind, q.tool) for q in await it.questions()] == [("outcome", "pay")]
        assert ((await it.get(run)).status, world.count("pay")) == ("waiting", 1)

    on(tmp_path, test)


# -- 6. the deadline comes from the platform


def test_a_step_that_sigterm_cuts_is_not_taken_for_one_that_fits_nowhere(
    tmp_path: Path, world: World, streamed: bool
) -> None:
    async def test(it: Harness) -> None:
        def build() -> Agent[Any]:
            @function_tool
            async def work() -> str:
                world.side.add("work")
                await asyncio.sleep(3600 if world.count("work") < 4 else 0)
                return "worked"

            return world.agent([call("work", id="w")], [say("done")], tools=[work])

        it.agent(build)
        run = await it.accept(deltas=streamed)
        for times in range(1, 4):
            slice = asyncio.create_task(it.service.work(run.id))
            await until(lambda: world.count("work") == times)  # noqa: B023 - it is awaited here
            for deadline in it.service.deadlines:
                deadline.bring_forward(0.1)
            await slice
            left = await it.get(run)
            assert (left.status, left.failures, left.error) == ("queued", times - 1, None)
        await it.work()
        left = await it.get(run)
        assert (left.status, world.count("work"), world.count("model:0")) == ("succeeded", 4, 1)

    on(tmp_path, test)


# -- 8. state outlives code


def test_preflight_calls_no_model(tmp_path: Path, world: World) -> None:
    """Of a run whose slice ended before a model call."""

    async def test(it: Harness) -> None:
        slices_of_one_step(it)
        it.agent(lambda: world.agent([call("look", id="l")], [say("done")], tools=[world.tool("look", kind="once")]))
        run = await it.accept()
        await it.service.work(run.id)
        await it.service.work(run.id)
        assert ((await it.get(run)).status, world.count("model:0"), world.count("look")) == ("queued", 1, 1)
        before = world.side.count(), await it.journal(run), await it.get(run)
        [report] = [report async for report in preflight(it.service)]
        assert (report.status, report.problem) == ("queued", None)
        assert (world.side.count(), await it.journal(run), await it.get(run)) == before
        await it.work()
        assert (await it.get(run)).status == "succeeded"

    on(tmp_path, test)


@pytest.mark.parametrize("kind", ["read", "idempotent", "once"])
def test_preflight_calls_no_tool(tmp_path: Path, world: World, kind: Any) -> None:
    """Of a run whose approval was given and that nobody has taken up since."""

    async def test(it: Harness) -> None:
        tools = [world.tool("pay", kind=kind, needs_approval=True)]
        it.agent(lambda: world.agent([call("pay", id="p")], [say("done")], tools=tools))
        run = await it.run()
        [question] = await it.questions()
        await it.service.decide(TENANT, question.id, "approve", by="tester")
        before = world.side.count(), await it.journal(run), await it.get(run)
        [report] = [report async for report in preflight(it.service)]
        assert (report.status, report.problem) == ("queued", None)
        assert (world.side.count(), await it.journal(run), await it.get(run)) == before
        await it.work()
        assert ((await it.get(run)).status, world.count("pay")) == ("succeeded", 1)

    on(tmp_path, test)


# -- 9. every wait ends


@pytest.mark.parametrize("where", ["queued", "running", "backing off", "sleeping", "waiting", "decided"])
def test_an_unfinished_run_is_always_looked_at_again(tmp_path: Path, world: World, where: str) -> None:
    """Whatever it waits for, the run at the front of its thread has a time at which somebody looks."""

    async def test(it: Harness) -> None:
        tools = [world.tool("pay", needs_approval=True), sleep_until]
        turn = {"sleeping": call("sleep_until", {"when": "2h"}, id="s")}.get(where, call("pay", id="p"))
        it.agent(lambda: world.agent([turn], [say("done")], tools=tools))
        if where == "backing off":
            it.agent(_away)
        run = await it.accept()
        if where == "running":
            await it.store.claim(run.id, lease=30, window=1)
        elif where != "queued":
            await it.service.work(run.id)
        if where == "decided":
            for question in await it.questions():
                await it.service.decide(TENANT, question.id, "approve", by="tester")
        left = await it.get(run)
        assert left.status == {"backing off": "queued", "decided": "queued"}.get(where, where)
        assert left.wake_at is not None
        assert (left.wake_at - await it.store.now()).total_seconds() < it.service.settings.run_ttl

    on(tmp_path, test, backoff_seconds=60.0)


def _away() -> Agent[Any]:
    raise ConnectionError("the model is away")


def test_what_is_asked_names_its_end(tmp_path: Path, world: World) -> None:
    async def test(it: Harness) -> None:
        it.agent(lambda: world.agent([call("pay", id="p")], tools=[world.tool("pay", needs_approval=True)]))
        run = await it.run()
        [question] = await it.questions()
        [asked] = kinds(await it.journal(run), "asked")
        assert question.expires_at is not None
        assert run.wake_at == question.expires_at
        assert [q["expires_at"] for q in asked["questions"]] == [question.expires_at.isoformat()]

    on(tmp_path, test)
