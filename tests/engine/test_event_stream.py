"""Readers get each event once and in order, from wherever they read and whenever they come back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from agents import Agent, function_tool

from agentcore import current
from agentcore.errors import Invalid, NotFound
from agentcore.events import Cursor, PublicEvent
from agentcore.records import Run
from agentcore.testing import Script, advance, call, say
from tests.engine.world import World, dies
from tests.harness import TENANT, Harness, harness, on

WORDS = ["It ", "is ", "on ", "its ", "way."]


class Wordy(Script):
    """Streams its texts word by word; a call in between."""

    def __init__(self, world: World, pause: float = 0.0, words: list[str] = WORDS) -> None:
        super().__init__([say("".join(words)), call("look", id="c")], [say("".join(words))], log=world.side)
        self.pause, self.words = pause, words

    async def stream_response(self, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        from openai.types.responses import ResponseTextDeltaEvent

        async for event in super().stream_response(*args, **kwargs):
            if event.type == "response.completed":
                for n, word in enumerate(self.words):
                    yield ResponseTextDeltaEvent(
                        type="response.output_text.delta", delta=word, sequence_number=n, content_index=0, item_id="m",
                        output_index=0, logprobs=[],
                    )  # fmt: skip
                    await asyncio.sleep(self.pause)
                yield event
            elif event.type != "response.output_text.delta":
                yield event


def wordy(it: Harness, world: World, **options: Any) -> None:
    it.agent(lambda: Agent(name="main", model=Wordy(world, **options), tools=[world.tool("look")]))


async def read(it: Harness, run: Run, after: str | None = None) -> list[PublicEvent]:
    """All events that last: a `status` is of its moment, and each reader is told it."""
    return [event async for event in it.service.events(TENANT, run.id, after) if event.id]


def plain(events: list[PublicEvent]) -> list[Any]:
    """Without the ids, which say also how far the reader had come."""
    return [(e.type, e.data) for e in events]


def text(events: list[PublicEvent]) -> str:
    return "".join(e.data["text"] for e in events if e.type == "delta")


async def streamed(it: Harness, run: Run, *, after: str | None = None) -> list[PublicEvent]:
    """Read a run while it is worked on."""
    reader = asyncio.create_task(read(it, run, after))
    await asyncio.sleep(0.02)
    await it.work()
    return await reader


@pytest.mark.parametrize("pause", [0.0, 0.03], ids=["fast", "slow"])
def test_live_and_stored_events_are_the_same(tmp_path: Path, world: World, pause: float) -> None:
    async def test(it: Harness) -> None:
        wordy(it, world, pause=pause)
        run = await it.accept()
        live = await streamed(it, run)
        assert [e.type for e in live if e.type != "delta"] == [
            "accepted", "message", "tool_result", "message", "finished",
        ]  # fmt: skip
        assert text(live) == "".join(WORDS * 2)
        assert plain(await read(it, run)) == plain(live)
        assert [e.seq for e in live] == sorted(e.seq for e in live)

    on(tmp_path, test, delta_seconds=0.05)


def test_a_reader_that_comes_back_anywhere_gets_exactly_the_rest(tmp_path: Path, world: World) -> None:
    async def test(it: Harness) -> None:
        wordy(it, world, pause=0.01)
        run = await it.accept()
        live = await streamed(it, run)
        assert len({e.id for e in live}) == len(live)
        for n, event in enumerate(live):
            assert plain(await read(it, run, event.id)) == plain(live[n + 1 :])

    on(tmp_path, test, delta_seconds=0.03)


def test_readers_that_come_and_go_while_it_runs_miss_nothing(tmp_path: Path, world: World) -> None:
    """Each reader takes a few events, drops its connection and comes back with the last id it has."""

    async def come_and_go(it: Harness, run: Run, few: int) -> list[PublicEvent]:
        found: list[PublicEvent] = []
        while not found or found[-1].type != "finished":
            stream = it.service.events(TENANT, run.id, found[-1].id if found else None)
            taken = 0
            async for event in stream:
                if not event.id:
                    continue
                found.append(event)
                taken += 1
                if taken == few:
                    break
            await stream.aclose()
        return found

    async def test(it: Harness) -> None:
        wordy(it, world, pause=0.005, words=[f"w{n} " for n in range(40)])
        run = await it.accept()
        readers = [asyncio.create_task(come_and_go(it, run, few)) for few in (1, 2, 3, 7)]
        whole = await streamed(it, run)
        for reader in readers:
            assert plain(await reader) == plain(whole)

    on(tmp_path, test, delta_seconds=0.03)


def test_a_reader_in_another_process_gets_the_same_events(tmp_path: Path, world: World) -> None:
    async def test() -> None:
        url = f"sqlite:///{tmp_path}/test.db"
        async with harness(url, delta_seconds=0.03) as it, harness(url) as other:
            wordy(it, world, pause=0.02)
            run = await it.accept()
            reader = asyncio.create_task(read(other, run))
            live = await streamed(it, run)
            assert plain(await reader) == plain(live)

    asyncio.run(test())


def test_a_new_attempt_resets_what_was_shown_of_the_last(tmp_path: Path, world: World) -> None:
    async def test(it: Harness) -> None:
        wordy(it, world, pause=0.05)
        run = await it.accept()
        await it.service.bus.receive(limit=1, wait=0.01)
        found: list[PublicEvent] = []

        async def follow(after: str | None) -> None:
            async for event in it.service.events(TENANT, run.id, after):
                found.extend([event] if event.id else [])

        first = asyncio.create_task(follow(None))
        await dies(it, run, lambda: len(found) >= 4)
        first.cancel()
        await asyncio.wait([first])
        shown = text(found)
        assert "".join(WORDS).startswith(shown)
        assert shown
        await advance(it.store, 31)
        second = asyncio.create_task(follow(found[-1].id))  # it comes back: it must hear of the reset all the same
        await it.service.tick()
        await it.work()
        await second
        types = [e.type for e in found]
        assert types.count("reset") == 1
        after = found[types.index("reset") + 1 :]
        assert text(after) == "".join(WORDS * 2)
        assert {e.data["attempt"] for e in after if e.type == "delta"} != {1}
        assert types[-1] == "finished"

    on(tmp_path, test, delta_seconds=0.03)


def test_no_word_is_kept_back_until_a_batch_is_stored(tmp_path: Path, world: World) -> None:
    """The model goes on when the reader has what it said; batches are stored once a minute."""
    seen = asyncio.Event()

    class Patient(Wordy):
        async def stream_response(self, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
            async for event in super().stream_response(*args, **kwargs):
                yield event
                if event.type == "response.output_text.delta":
                    await seen.wait()
                    seen.clear()

    async def test(it: Harness) -> None:
        it.agent(lambda: Agent(name="main", model=Patient(world), tools=[world.tool("look")]))
        run, found = await it.accept(), list[str]()

        async def follow() -> None:
            async for event in it.service.events(TENANT, run.id):
                if event.type == "delta":
                    found.append(event.data["text"])
                    seen.set()

        reader = asyncio.create_task(follow())
        await asyncio.sleep(0.05)
        async with asyncio.timeout(20):
            await it.work()
            await reader
        assert found == WORDS * 2

    on(tmp_path, test, delta_seconds=60.0)


def test_a_run_nobody_streams_has_no_deltas(tmp_path: Path, world: World) -> None:
    async def test(it: Harness) -> None:
        wordy(it, world)
        run = await it.run(deltas=False)
        assert [e.type for e in await read(it, run)] == ["accepted", "message", "tool_result", "message", "finished"]

    on(tmp_path, test)


def test_after_pruning_a_reader_gets_the_message_instead_of_its_deltas(tmp_path: Path, world: World) -> None:
    async def test(it: Harness) -> None:
        wordy(it, world)
        run = await it.run()
        whole = await read(it, run)
        await it.later(3600)
        assert [e.type for e in await read(it, run)] == [e.type for e in whole if e.type != "delta"]
        middle = next(e for e in whole if e.type == "delta")
        rest = await read(it, run, middle.id)
        assert [e.type for e in rest] == ["message", "tool_result", "message", "finished"]

    on(tmp_path, test)


def test_a_cursor_that_is_none_is_refused_and_so_is_another_tenant(tmp_path: Path, world: World) -> None:
    async def test(it: Harness) -> None:
        wordy(it, world)
        run = await it.run()
        for bad in ("x", "1.2", "-1", "1.2.3.4", "9" * 20):
            with pytest.raises(Invalid):
                await read(it, run, bad)
        with pytest.raises(NotFound):
            [event async for event in it.service.events("someone-else", run.id)]

    on(tmp_path, test)


def test_a_cursor_is_read_as_it_is_written() -> None:
    for cursor in (Cursor(), Cursor(seq=7), Cursor(7, 2, 0), Cursor(7, 2, 5, True)):
        assert Cursor.parse(str(cursor)) == cursor


def test_polling_gives_the_same_events(tmp_path: Path, world: World) -> None:
    async def test(it: Harness) -> None:
        wordy(it, world, pause=0.01)
        run = await it.accept()
        found: list[PublicEvent] = []

        async def poll() -> None:
            while not found or found[-1].type != "finished":
                _, news = await it.service.poll(TENANT, run.id, found[-1].id if found else None, seconds=5)
                found.extend(news)

        poller = asyncio.create_task(poll())
        live = await streamed(it, run)
        await poller
        assert plain(found) == plain(live)
        left, news = await it.service.poll(TENANT, run.id, found[-1].id, seconds=5)
        assert (left.status, news) == ("succeeded", [])

    on(tmp_path, test, delta_seconds=0.03)


def test_waiting_returns_when_a_person_is_needed_and_when_it_ends(tmp_path: Path, world: World) -> None:
    async def test(it: Harness) -> None:
        it.agent(
            lambda: world.agent([call("pay", id="p")], [say("done")], tools=[world.tool("pay", needs_approval=True)])
        )
        run = await it.accept()
        assert (await it.service.wait(run, 0.05)).status == "queued"
        waiting = asyncio.create_task(it.service.wait(run, 10))
        await it.work()
        assert (await waiting).status == "waiting"
        await it.decide("approve")
        assert (await it.service.wait(run, 10)).status == "succeeded"

    on(tmp_path, test)


def test_a_tools_own_events_are_on_the_stream(tmp_path: Path, world: World) -> None:
    @function_tool
    async def look() -> str:
        current().emit({"progress": 0.5})
        current().emit({"progress": 1.0})
        return "seen"

    async def test(it: Harness) -> None:
        it.agent(lambda: world.agent([call("look", id="c")], [say("done")], tools=[look]))
        run = await it.accept()
        live = await streamed(it, run)
        assert [e.data["progress"] for e in live if e.type == "custom"] == [0.5, 1.0]

    on(tmp_path, test)


@pytest.mark.parametrize("sync", [True, False], ids=["sync", "async"])
def test_what_a_tool_emits_is_stored_as_it_was_then(tmp_path: Path, world: World, sync: bool) -> None:
    def emit() -> str:
        progress = {"done": [1]}
        current().emit(progress)
        progress["done"].append(2)
        return "seen"

    async def emit_async() -> str:
        return emit()

    async def test(it: Harness) -> None:
        tool = function_tool(emit if sync else emit_async, name_override="look")
        it.agent(lambda: world.agent([call("look", id="c")], [say("done")], tools=[tool]))
        run = await it.run()
        assert [e.data for e in await it.journal(run) if e.kind == "custom"] == [{"done": [1]}]

    on(tmp_path, test)


@pytest.mark.parametrize("bad", [datetime(2026, 1, 1, tzinfo=UTC), float("nan")])
def test_a_tool_that_emits_what_json_cannot_say_is_told_so_and_its_run_goes_on(
    tmp_path: Path, world: World, bad: Any
) -> None:
    @function_tool
    async def look() -> str:
        current().emit({"fine": True})
        try:
            current().emit({"at": bad})
        except Invalid as error:
            return str(error)
        return "no error"

    async def test(it: Harness) -> None:
        it.agent(lambda: world.agent([call("look", id="c")], [say("done")], tools=[look]))
        run = await it.run()
        assert (run.status, run.fence) == ("succeeded", 1)
        assert [e.data for e in await it.journal(run) if e.kind == "custom"] == [{"fine": True}]
        [tool] = [e.data["output"] for e in await it.journal(run) if e.kind == "tool"]
        assert tool.startswith("emit: what a tool emits must be JSON: ")

    on(tmp_path, test)
