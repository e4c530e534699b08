"""What every bus does, whatever carries the ids."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from agentcore.bus import open_bus
from agentcore.bus import store as store_bus
from agentcore.bus.memory import MemoryBus
from agentcore.errors import LimitExceeded, Misconfigured
from agentcore.ids import new_id
from agentcore.ports import Bus, StateStore
from agentcore.records import Message, Run
from agentcore.settings import Settings
from agentcore.store import open_store

PATIENCE = 30.0  # seconds; no test waits that long unless it fails


class Rig:
    """A bus, and runs that are really due, as after an accept."""

    def __init__(self, bus: Bus, store: StateStore) -> None:
        self.bus, self.store = bus, store

    async def due(self, count: int = 1) -> list[str]:
        ids = [new_id() for _ in range(count)]
        for run_id in ids:
            run = Run(id=run_id, root_id=run_id, tenant="default", thread_id=new_id(), agent="any", input="hello")
            await self.store.accept(run, redelivery=self.bus.redelivery)
        return ids

    async def take(self, count: int, *, limit: int = 100) -> list[str]:
        """Receive until that many have come."""
        found: list[str] = []
        async with asyncio.timeout(PATIENCE):
            while len(found) < count:
                found += await self.receive(limit=limit, wait=1.0)
        return found

    async def receive(self, *, limit: int, wait: float) -> list[str]:
        return await ids_from(self.bus, limit=limit, wait=wait)


async def ids_from(bus: Bus, *, limit: int, wait: float) -> list[str]:
    return [message.run_id for message in await bus.receive(limit=limit, wait=wait)]


@asynccontextmanager
async def rig(url: str, database: str) -> AsyncIterator[Rig]:
    settings = Settings(database_url=database, bus_url=url, redelivery_seconds=3600.0)
    store = open_store(settings.database_url, settings)
    await store.open()
    await store.migrate()
    bus = open_bus(url, store, settings)
    try:
        yield Rig(bus, store)
    finally:
        await bus.close()
        await store.close()


Test = Callable[[Rig], Awaitable[None]]
On = Callable[[Test], None]


@pytest.fixture(params=["memory://", "store:// sqlite", "store:// postgresql"])
def on(request: pytest.FixtureRequest, tmp_path: Path) -> On:
    """Runs a test over a bus; each has a real database behind it."""
    url, _, database = request.param.partition(" ")
    postgres = database == "postgresql"
    where: str = request.getfixturevalue("postgres_url") if postgres else f"sqlite:///{tmp_path}/bus.db"

    def run(test: Test) -> None:
        async def go() -> None:
            async with rig(url, where) as it:
                await test(it)

        asyncio.run(go())

    return run


def test_what_is_sent_is_received(on: On) -> None:
    async def test(it: Rig) -> None:
        ids = await it.due(3)
        await it.bus.send(ids)
        assert sorted(await it.take(3)) == sorted(ids)

    on(test)


def test_what_was_received_is_not_received_again_at_once(on: On) -> None:
    async def test(it: Rig) -> None:
        await it.bus.send(await it.due(2))
        await it.take(2)
        assert not await it.bus.receive(limit=10, wait=0.1)

    on(test)


def test_an_empty_bus_answers_with_nothing(on: On) -> None:
    async def test(it: Rig) -> None:
        assert not await it.bus.receive(limit=10, wait=0.05)
        assert not await it.bus.receive(limit=10, wait=0.0)

    on(test)


def test_without_waiting_what_is_there_is_received(on: On) -> None:
    async def test(it: Rig) -> None:
        ids = await it.due()
        await it.bus.send(ids)
        assert await it.receive(limit=10, wait=0.0) == ids

    on(test)


def test_no_more_than_the_limit_is_received(on: On) -> None:
    async def test(it: Rig) -> None:
        ids = await it.due(5)
        await it.bus.send(ids)
        first = await it.receive(limit=2, wait=1.0)
        assert len(first) == 2
        assert sorted([*first, *await it.take(3, limit=2)]) == sorted(ids)

    on(test)


def test_a_receiver_that_waits_hears_of_what_is_sent_later(on: On) -> None:
    async def test(it: Rig) -> None:
        waiting = asyncio.create_task(it.take(1))
        await asyncio.sleep(0.05)
        ids = await it.due()
        await it.bus.send(ids)
        assert await waiting == ids

    on(test)


def test_several_receivers_share_the_ids(on: On) -> None:
    async def test(it: Rig) -> None:
        ids = await it.due(12)
        taken: list[str] = []

        async def receiver() -> None:
            while len(taken) < 12:
                taken.extend(await it.receive(limit=2, wait=0.2))

        receivers = [asyncio.create_task(receiver()) for _ in range(3)]
        await it.bus.send(ids)
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*receivers)
        assert sorted(taken) == sorted(ids)

    on(test)


def test_an_id_sent_twice_is_harmless(on: On) -> None:
    async def test(it: Rig) -> None:
        ids = await it.due()
        await it.bus.send([*ids, *ids])
        await it.bus.send(ids)
        assert set(await it.take(1)) == set(ids)

    on(test)


def test_sending_nothing_is_allowed(on: On) -> None:
    async def test(it: Rig) -> None:
        await it.bus.send([])
        assert not await it.bus.receive(limit=1, wait=0.0)

    on(test)


def test_dead_letters_are_logged_where_no_broker_keeps_them(on: On, caplog: pytest.LogCaptureFixture) -> None:
    async def test(it: Rig) -> None:
        await it.bus.dead_letter(Message(run_id="run-1"), "nobody knows it")
        await it.bus.bury(b"not for us", {}, "it is no run")

    with caplog.at_level(logging.ERROR, "agentcore.bus"):
        on(test)
    first, second = caplog.messages
    assert "run-1" in first
    assert "nobody knows it" in first
    assert "it is no run" in second


def test_closing_while_a_hint_is_on_its_way_leaves_nothing_behind(on: On) -> None:
    async def test(it: Rig) -> None:
        await it.bus.send(await it.due())
        await it.bus.receive(limit=1, wait=0.0)
        await it.bus.close()
        assert len(asyncio.all_tasks()) == 1

    on(test)


def test_an_unknown_scheme_names_the_setting() -> None:
    with pytest.raises(Misconfigured, match="AGENTCORE_BUS_URL"):
        open_bus("pigeon://coop", cast(StateStore, None), Settings())


def test_a_full_memory_bus_refuses_and_keeps_what_it_has() -> None:
    async def test() -> None:
        bus = MemoryBus(redelivery=1.0, most=2)
        with pytest.raises(LimitExceeded):
            await bus.send(["a", "b", "c"])
        await bus.send(["a"])
        assert await ids_from(bus, limit=5, wait=0.0) == ["a", "b"]

    asyncio.run(test())


def test_a_bus_says_after_how_long_an_id_counts_as_lost(tmp_path: Path) -> None:
    settings = Settings(redelivery_seconds=7.0)
    assert open_bus("memory://", cast(StateStore, None), settings).redelivery == 7.0
    assert (
        open_bus("store://", cast(StateStore, None), settings).redelivery == 0.0
    )  # due at once: nothing is on its way


class FakeStore:
    """A store whose hints the test gives."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.hints: asyncio.Queue[str | None] = asyncio.Queue()
        self.notified = self.opened = 0
        self.looked = asyncio.Event()
        self.busy = asyncio.Event()
        self.busy.set()

    async def sweep(self, *, limit: int, redelivery: float) -> Sequence[str]:
        taken, self.ids = self.ids[:limit], self.ids[limit:]
        self.looked.set()
        return taken

    async def notify(self, channel: str, *payloads: str) -> None:
        self.notified += 1
        await self.busy.wait()

    @asynccontextmanager
    async def listen(self, channel: str) -> AsyncIterator[AsyncIterator[str]]:
        self.opened += 1

        async def payloads() -> AsyncIterator[str]:
            while (hint := await self.hints.get()) is not None:
                yield hint
            raise ConnectionError("the connection was lost")

        yield payloads()


def fake() -> tuple[FakeStore, Bus]:
    store = FakeStore()
    return store, open_bus("store://", cast(Any, store), Settings())


def test_a_hint_from_another_process_ends_the_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_bus, "_LEAST", 3600.0)  # only a hint can make it look again
    monkeypatch.setattr(store_bus, "_MOST", 3600.0)

    async def test() -> None:
        store, bus = fake()
        waiting = asyncio.create_task(ids_from(bus, limit=1, wait=PATIENCE * 2))
        await store.looked.wait()
        store.ids.append("run")
        store.hints.put_nowait("")
        assert await asyncio.wait_for(waiting, PATIENCE) == ["run"]
        await bus.close()

    asyncio.run(test())


def test_a_lost_connection_for_hints_is_opened_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agentcore.hints._RETRY", 0.0)

    async def test() -> None:
        store, bus = fake()
        await bus.receive(limit=1, wait=0.05)
        store.hints.put_nowait(None)
        async with asyncio.timeout(PATIENCE):
            while store.opened < 2:
                await bus.receive(limit=1, wait=0.05)
        await bus.close()

    asyncio.run(test())


def test_many_sends_are_few_notifications() -> None:
    async def test() -> None:
        store, bus = fake()
        store.busy.clear()
        for n in range(50):
            await bus.send([str(n)])
            await asyncio.sleep(0)
        store.busy.set()
        await asyncio.sleep(0.01)
        assert store.notified == 2  # the first, and one for all that came while it was under way
        await bus.close()

    asyncio.run(test())


def test_a_database_that_cannot_notify_fails_no_send() -> None:
    async def test() -> None:
        store, bus = fake()

        async def notify(channel: str, *payloads: str) -> None:
            raise ConnectionError("no")

        store.notify = notify  # type: ignore[method-assign]  # a fake's
        await bus.send(["run"])
        await asyncio.sleep(0.01)
        await bus.close()

    asyncio.run(test())
