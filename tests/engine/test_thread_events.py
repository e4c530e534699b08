"""A thread is read as a run is: each event once and in order, over all of its runs, from wherever it is read."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from agents import Agent

from agentcore.errors import Invalid, NotFound
from agentcore.events import PublicEvent, ThreadCursor
from agentcore.records import Run
from agentcore.testing import advance, call, say
from tests.engine.test_event_stream import Wordy, wordy
from tests.engine.world import World, dies, slices_of_one_step, until
from tests.harness import TENANT, Harness, harness, on

THREAD = str(uuid4())


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    found: str = request.getfixturevalue("postgres_url") if request.param == "postgresql" else ""
    return found or f"sqlite:///{tmp_path}/test.db"


class Reader:
    """Reads a thread in the background; what it has seen, without what is of its moment only."""

    def __init__(self, it: Harness, thread_id: str = THREAD, after: str | None = None) -> None:
        self.seen: list[PublicEvent] = []
        self.task = asyncio.create_task(self._read(it, thread_id, after))

    async def _read(self, it: Harness, thread_id: str, after: str | None) -> None:
        async for event in it.service.thread_events(TENANT, thread_id, after):
            if event.id:
                self.seen.append(event)

    async def until(self, last: str, times: int = 1) -> list[PublicEvent]:
        await until(lambda: self.task.done() or [e.type for e in self.seen].count(last) >= times)
        if self.task.done():
            self.task.result()
        self.task.cancel()
        await asyncio.wait([self.task])
        return self.seen


def plain(events: list[PublicEvent]) -> list[Any]:
    return [(e.type, e.data) for e in events]


async def stored(it: Harness, after: str | None = None, thread_id: str = THREAD) -> list[PublicEvent]:
    return await it.service.thread_poll(TENANT, thread_id, after)


async def there(it: Harness) -> None:
    await it.service.create_thread(TENANT, thread_id=THREAD)


def test_a_thread_has_the_events_of_all_its_runs_in_order(tmp_path: Path, world: World) -> None:
    async def test(it: Harness) -> None:
        wordy(it, world, pause=0.01)
        await there(it)
        reader = Reader(it)  # before there is any run
        for n in range(3):
            run = await it.accept(f"message {n}", thread_id=THREAD)
            await it.work()
            assert (await it.get(run)).status == "succeeded"
        live = await reader.until("finished", 3)
        assert plain(await stored(it)) == plain(live)
        assert [e.seq for e in live] == sorted(e.seq for e in live)
        assert len({e.id for e in live}) == len(live)
        assert [e.data["run_id"] for e in live] == sorted(e.data["run_id"] for e in live)

    on(tmp_path, test, delta_seconds=0.03)


def test_a_reader_that_comes_back_anywhere_gets_exactly_the_rest(url: str, world: World) -> None:
    async def test() -> None:
        async with harness(url, delta_seconds=0.03) as it:
            wordy(it, world, pause=0.005)
            await there(it)
            reader = Reader(it)
            for n in range(2):
                await it.accept(f"message {n}", thread_id=THREAD)
            await it.work()
            live = await reader.until("finished", 2)
            for n, event in enumerate(live):
                assert plain(await stored(it, event.id)) == plain(live[n + 1 :])

    asyncio.run(test())


def test_a_reader_in_another_process_gets_the_same_events(url: str, world: World) -> None:
    """It comes and goes, and changes between two processes that do not work on the run."""

    async def come_and_go(others: list[Harness]) -> list[PublicEvent]:
        found: list[PublicEvent] = []
        while [e.type for e in found].count("finished") < 2:
            others = others[::-1]
            after = found[-1].id if found else None
            async with aclosing(others[0].service.thread_events(TENANT, THREAD, after)) as events:
                mine = 0
                async for event in events:
                    if event.id:
                        found.append(event)
                        mine += 1
                    if mine == 3 or [e.type for e in found].count("finished") == 2:
                        break
        return found

    async def test() -> None:
        async with harness(url, delta_seconds=0.03) as it, harness(url) as two, harness(url) as three:
            wordy(it, world, pause=0.01)
            await there(it)
            reader, other = Reader(it), asyncio.create_task(come_and_go([two, three]))
            for n in range(2):
                await it.accept(f"message {n}", thread_id=THREAD)
                await it.work()
            live = await reader.until("finished", 2)
            async with asyncio.timeout(20):
                assert plain(await other) == plain(live)

    asyncio.run(test())


def test_a_run_that_moves_between_processes_and_dies_has_each_event_once(url: str, world: World) -> None:
    """It yields after each step, goes on elsewhere, dies in the middle of a text, and is taken over."""

    async def test() -> None:
        async with harness(url, delta_seconds=0.02) as one, harness(url, delta_seconds=0.02) as two:
            turns: list[Any] = [[call("look", id=f"c{n}")] for n in range(3)]
            for it in (one, two):
                it.agent(lambda: world.agent(*turns, [say("done")], tools=[world.tool("look")]))
                it.agent(
                    lambda: Agent(name="main", model=Wordy(world, pause=0.02), tools=[world.tool("look")]), name="wordy"
                )
                slices_of_one_step(it)
            await there(one)
            readers = [Reader(one), Reader(two)]
            run = await one.accept(thread_id=THREAD)
            for n in range(20):
                await (one, two)[n % 2].service.work(run.id)
            assert (await one.get(run)).status == "succeeded"
            second = await one.accept(agent="wordy", thread_id=THREAD)
            await until(lambda: [e.type for e in readers[0].seen].count("accepted") == 2)
            await dies(one, second, lambda: sum(e.type == "delta" for e in readers[0].seen) >= 3)
            await advance(one.store, 31)
            await two.service.work(second.id)
            for n in range(20):
                await (one, two)[n % 2].service.work(second.id)
            seen = [await reader.until("finished", 2) for reader in readers]
            for events in seen:
                kinds = [e.type for e in events]
                assert kinds.count("tool_result") == 3 + 1
                assert kinds.count("accepted") == kinds.count("finished") == 2
                assert kinds.count("yielded") >= 3
                after = events[kinds.index("accepted", 1) :]
                if "reset" in kinds:  # the other reader may have seen nothing of the lost attempt
                    after = events[kinds.index("reset") :]
                assert "".join(e.data["text"] for e in after if e.type == "delta") == "It is on its way." * 2
            whole = [_lasting(events) for events in [*seen, await stored(one)]]
            assert whole[0] == whole[1] == whole[2]

    asyncio.run(test())


def _lasting(events: list[PublicEvent]) -> list[Any]:
    """Without what a reader may have seen of a lost attempt, and without times: the clock was moved."""
    return [
        (e.id.partition(".")[0], e.type, {k: v for k, v in e.data.items() if k != "at"})
        for e in events
        if e.type not in ("delta", "reset")
    ]


def test_a_cursor_never_passes_an_unfinished_run(tmp_path: Path, world: World) -> None:
    async def test(it: Harness) -> None:
        it.agent(
            lambda: world.agent([call("pay", id="p")], [say("done")], tools=[world.tool("pay", needs_approval=True)])
        )
        first = await it.run(thread_id=THREAD)
        second = await it.accept(thread_id=THREAD, multitask="enqueue")
        await it.service.cancel(TENANT, second.id)  # it ends before the run in front of it does
        before = await stored(it)
        assert {e.data["run_id"] for e in before} == {first.id}
        await it.decide()
        rest = await stored(it, before[-1].id)
        assert [(e.data["run_id"], e.type) for e in rest][-3:] == [
            (first.id, "finished"), (second.id, "accepted"), (second.id, "cancelled"),
        ]  # fmt: skip

    on(tmp_path, test)


def test_a_run_that_was_deleted_leaves_no_hole_to_fall_into(tmp_path: Path, world: World) -> None:
    assert ThreadCursor.parse("3000007.2.1").enter(5) == ThreadCursor().run
    assert ThreadCursor.parse("3000007.2.1").enter(3).seq == 7


@pytest.mark.parametrize("bad", ["x", "1.2", "-1", "9" * 17, f"{2**31}000001"])
def test_a_cursor_that_is_none_is_refused(bad: str) -> None:
    with pytest.raises(Invalid):
        ThreadCursor.parse(bad)


def test_another_tenants_thread_is_not_there(tmp_path: Path, world: World) -> None:
    async def test(it: Harness) -> None:
        wordy(it, world)
        await it.run(thread_id=THREAD)
        with pytest.raises(NotFound):
            await it.service.thread_poll("someone-else", THREAD)
        with pytest.raises(NotFound):
            await anext(aiter(it.service.thread_events("someone-else", THREAD)))

    on(tmp_path, test)


def test_a_poll_waits_for_the_next_run(url: str, world: World) -> None:
    async def test() -> None:
        async with harness(url) as it, harness(url) as other:
            wordy(it, world)
            await there(it)
            assert await stored(it) == []
            polls = [asyncio.create_task(i.service.thread_poll(TENANT, THREAD, seconds=20)) for i in (it, other)]
            await asyncio.sleep(0.1)
            await it.accept(thread_id=THREAD)
            for poll in polls:
                assert (await poll)[0].type == "accepted"

    asyncio.run(test())


def test_readers_that_wait_share_one_look_at_the_database(tmp_path: Path, world: World) -> None:
    """A hundred streams of runs that wait for a person are not a hundred polls."""

    async def test(it: Harness) -> None:
        it.agent(
            lambda: world.agent([call("pay", id="p")], [say("done")], tools=[world.tool("pay", needs_approval=True)])
        )
        runs = [await it.accept() for _ in range(3)]
        await it.work()
        looks, reads = Counted(it.store.progress), Counted(it.store.entries)
        it.store.progress, it.store.entries = looks, reads  # type: ignore[method-assign]
        done: list[Run] = []

        async def follow(run: Run) -> None:
            async for _ in it.service.events(TENANT, run.id):
                pass
            done.append(run)

        readers = [asyncio.create_task(follow(runs[n % 3])) for n in range(100)]
        await until(lambda: reads.calls >= 100)
        before = looks.calls
        await until(lambda: looks.calls >= before + 4)
        assert reads.calls == 100  # each once, at its start
        await it.decide()
        await asyncio.gather(*readers)
        assert len(done) == 100

    on(tmp_path, test)


class Counted:
    def __init__(self, verb: Any) -> None:
        self.verb, self.calls = verb, 0

    async def __call__(self, *args: Any, **options: Any) -> Any:
        self.calls += 1
        return await self.verb(*args, **options)


def test_a_stream_outlives_a_database_that_is_away_for_a_while(tmp_path: Path, world: World) -> None:
    async def test(it: Harness) -> None:
        wordy(it, world)
        run, progress, away = await it.accept(), it.store.progress, True

        async def shaky(*args: Any) -> Any:
            if away:
                raise OSError("no route to host")
            return await progress(*args)

        it.store.progress = shaky  # type: ignore[assignment, method-assign]

        async def last() -> str:
            return [e.type async for e in it.service.events(TENANT, run.id)][-1]

        reader = asyncio.create_task(last())
        await asyncio.sleep(0.2)
        away = False
        async with harness(f"sqlite:///{tmp_path}/test.db") as other:
            other.service.registry.specs.update(it.service.registry.specs)
            await other.service.work(run.id)  # of which only a look can tell
        assert await reader == "finished"

    on(tmp_path, test)


def test_handoffs_are_told(tmp_path: Path, world: World) -> None:
    async def test(it: Harness) -> None:
        def make() -> Agent[Any]:
            other = world.agent([say("billing here")], name="billing")
            return world.agent([call("transfer_to_billing", id="h")], handoffs=[other])

        it.agent(make)
        run = await it.run(thread_id=THREAD)
        assert (await it.get(run)).output == "billing here"
        events = await stored(it)
        assert [e.type for e in events if e.type != "delta"] == [
            "accepted", "message", "handoff", "message", "finished",
        ]  # fmt: skip
        told = next(e.data for e in events if e.type == "handoff")
        assert (told["from"], told["to"], told["call_id"], told["step"]) == ("main", "billing", "h", "handoff:0/h")

    on(tmp_path, test)


def test_the_status_is_on_the_stream(tmp_path: Path, world: World) -> None:
    async def test(it: Harness) -> None:
        it.agent(
            lambda: world.agent([call("pay", id="p")], [say("done")], tools=[world.tool("pay", needs_approval=True)])
        )
        run, seen = await it.accept(), list[str]()

        async def follow() -> None:
            async for event in it.service.events(TENANT, run.id):
                seen.extend([event.data["status"]] if "status" in event.data else [])

        reader = asyncio.create_task(follow())
        await asyncio.sleep(0.05)
        await it.work()
        await until(lambda: "waiting" in seen)
        await it.decide()
        await reader
        assert seen == ["queued", "running", "waiting", "running", "succeeded"]

    on(tmp_path, test)
