"""The loops of a worker process, over a service that misbehaves on request."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest

from agentcore.bus.memory import MemoryBus
from agentcore.deadline import Deadline
from agentcore.errors import LeaseLost, Misconfigured, Poison, Unavailable
from agentcore.records import Message
from agentcore.service import Service
from agentcore.settings import Settings
from agentcore.worker import tick_forever, work_forever

Work = Callable[[str, Deadline], Awaitable[Any]]


class Fake:
    """What the worker needs of a service."""

    def __init__(self, work: Work, **options: Any) -> None:
        self.settings = Settings(**{"deadline_margin": 0.2, **options})
        self.bus, self.worked = MemoryBus(redelivery=60.0), list[str]()
        self.doing = self.most = 0
        self._work = work

    def spawn(self, work: Any) -> Any:
        return asyncio.ensure_future(work)

    async def take(self, message: Message) -> Any:
        return message.run_id  # stands for the claim

    async def advance(self, run_id: str, deadline: Deadline) -> Any:
        self.doing += 1
        self.most = max(self.most, self.doing)
        try:
            return await self._work(run_id, deadline)
        finally:
            self.doing -= 1
            self.worked.append(run_id)

    async def loop(self, **options: Any) -> Mapping[str, int]:
        stop = options.pop("stop", None) or asyncio.Event()
        async with asyncio.timeout(60):
            return await work_forever(cast(Service, self), stop=stop, **options)


def ended(status: str = "succeeded") -> Any:
    return SimpleNamespace(status=status)


def test_a_drain_does_what_is_there_and_ends() -> None:
    async def work(run_id: str, deadline: Deadline) -> Any:
        return ended() if run_id != "b" else None

    async def test() -> None:
        it = Fake(work)
        await it.bus.send(["a", "b", "c"])
        assert await it.loop(drain=True) == {"succeeded": 2, "nothing_to_do": 1}

    asyncio.run(test())


def test_a_drain_does_what_its_own_slices_send_again() -> None:
    async def test() -> None:
        async def work(run_id: str, deadline: Deadline) -> Any:
            await asyncio.sleep(0.01)
            if it.worked.count(run_id) < 3:
                await it.bus.send([run_id])
                return ended("queued")
            return ended()

        it = Fake(work)
        await it.bus.send(["a"])
        assert await it.loop(drain=True) == {"queued": 3, "succeeded": 1}

    asyncio.run(test())


def test_no_failure_of_a_run_ends_the_loop(caplog: pytest.LogCaptureFixture) -> None:
    failures = {"a": ValueError("bad"), "b": LeaseLost("gone"), "c": SystemExit(3), "d": GeneratorExit()}

    async def work(run_id: str, deadline: Deadline) -> Any:
        if run_id in failures:
            raise failures[run_id]
        return ended()

    async def test() -> None:
        it = Fake(work)
        await it.bus.send([*failures, "e"])
        assert await it.loop(drain=True) == {"errors": 3, "lease_lost": 1, "succeeded": 1}

    with caplog.at_level(logging.ERROR):
        asyncio.run(test())
    assert len(caplog.records) == 3


def test_a_message_that_fails_is_tried_again_and_at_last_put_aside(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("agentcore.taking._MOST_DELAY", 0.0)

    async def test() -> None:
        it = Fake(cast(Work, None), bus_attempts=3)
        put_aside: list[str] = []

        async def take(message: Message) -> Any:
            raise ConnectionError("the database is away")

        async def dead_letter(message: Message, reason: str) -> None:
            put_aside.append(f"{message.run_id}: {reason}")

        monkeypatch.setattr(it, "take", take)
        monkeypatch.setattr(it.bus, "dead_letter", dead_letter)
        await it.bus.send(["a"])
        assert await it.loop(max_seconds=1.5) == {"retried": 2, "dead_letters": 1}
        assert put_aside == ["a: failed 3 times; the last time: ConnectionError: the database is away"]

    with caplog.at_level(logging.CRITICAL):
        asyncio.run(test())


@pytest.mark.parametrize(("error", "traceback"), [(Unavailable("The database is away."), False), (KeyError("x"), True)])
def test_a_database_that_is_away_is_one_line_and_a_flaw_brings_its_traceback(
    error: Exception, traceback: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def test() -> None:
        it = Fake(cast(Work, None), bus_attempts=1)

        async def take(message: Message) -> Any:
            raise error

        monkeypatch.setattr(it, "take", take)
        await it.bus.send(["a"])
        assert await it.loop(drain=True) == {"dead_letters": 1}

    with caplog.at_level(logging.INFO):
        asyncio.run(test())
    line, _ = caplog.records
    assert line.getMessage().startswith(f"a: attempt 1 failed: {type(error).__name__}: ")
    assert bool(line.exc_info) is traceback


def test_poison_goes_to_the_dead_letters_at_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def test() -> None:
        it = Fake(cast(Work, None))

        async def take(message: Message) -> Any:
            raise Poison("nobody knows it")

        monkeypatch.setattr(it, "take", take)
        await it.bus.send(["a"])
        assert await it.loop(drain=True) == {"dead_letters": 1}

    with caplog.at_level(logging.CRITICAL):
        asyncio.run(test())


def test_a_bus_that_is_set_up_wrongly_ends_the_worker_unless_it_once_worked(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        it = Fake(cast(Work, None))

        async def refused(**options: Any) -> Any:
            raise Misconfigured("no such queue")

        monkeypatch.setattr(it.bus, "receive", refused)
        with pytest.raises(Misconfigured):
            await it.loop()

    asyncio.run(test())


def test_no_more_runs_at_once_than_the_setting_says() -> None:
    async def work(run_id: str, deadline: Deadline) -> Any:
        await asyncio.sleep(0.01)
        return ended()

    async def test() -> None:
        it = Fake(work, concurrency=3)
        await it.bus.send([str(n) for n in range(20)])
        assert await it.loop(drain=True) == {"succeeded": 20}
        assert it.most == 3

    asyncio.run(test())


def test_a_stop_brings_the_deadlines_forward_and_waits_for_the_slices() -> None:
    stop = asyncio.Event()

    async def work(run_id: str, deadline: Deadline) -> Any:
        stop.set()
        while not deadline.passed:
            await deadline.sleep(1.0)
        assert not deadline.whole  # so that a step that is cut now does not count as too long
        return ended("queued")

    async def test() -> None:
        it = Fake(work)
        await it.bus.send(["a"])
        assert await it.loop(stop=stop) == {"queued": 1}

    asyncio.run(test())


def test_a_slice_that_keeps_no_deadline_is_cancelled() -> None:
    async def work(run_id: str, deadline: Deadline) -> Any:
        await asyncio.Event().wait()

    async def test() -> None:
        it = Fake(work)
        await it.bus.send(["a"])
        assert await it.loop(max_seconds=0.3) == {}
        assert it.worked == ["a"]

    asyncio.run(test())


def test_slices_fit_into_the_time_that_is_left() -> None:
    seen: list[Deadline] = []

    async def work(run_id: str, deadline: Deadline) -> Any:
        seen.append(deadline)
        assert deadline.left <= 0.5
        return ended()

    async def test() -> None:
        it = Fake(work, slice_seconds=600.0)
        await it.bus.send(["a"])
        assert await it.loop(max_seconds=0.5) == {"succeeded": 1}
        assert seen[0].whole  # it had all that a process of half a second ever has

    asyncio.run(test())


def test_a_bus_that_fails_is_read_again(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr("agentcore.worker._MOST_PAUSE", 0.01)
    stop = asyncio.Event()

    async def work(run_id: str, deadline: Deadline) -> Any:
        stop.set()
        return ended()

    async def test() -> None:
        it = Fake(work)
        await it.bus.send(["a"])
        receive, failures = it.bus.receive, iter([ConnectionError(), ConnectionError()])

        async def flaky(**options: Any) -> Any:
            if error := next(failures, None):
                raise error
            return await receive(**options)

        monkeypatch.setattr(it.bus, "receive", flaky)
        assert await it.loop(stop=stop) == {"succeeded": 1}

    asyncio.run(test())
    assert len(caplog.records) == 2


def test_a_drain_of_a_bus_that_fails_says_so() -> None:
    async def test() -> None:
        it = Fake(cast(Work, None))

        async def broken(**options: Any) -> Any:
            raise ConnectionError("the bus is away")

        it.bus.receive = broken  # type: ignore[method-assign]  # a test's own bus
        with pytest.raises(ConnectionError):
            await it.loop(drain=True)

    asyncio.run(test())


def test_a_stop_is_heard_while_a_drain_that_has_failed_waits_for_its_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    stop = asyncio.Event()

    async def work(run_id: str, deadline: Deadline) -> Any:
        asyncio.get_running_loop().call_later(0.05, stop.set)
        while not deadline.passed:
            await deadline.sleep(3600)
        return ended("queued")

    async def test() -> None:
        it = Fake(work, slice_seconds=3600.0)
        await it.bus.send(["a"])
        receive = it.bus.receive

        async def once(**options: Any) -> Any:
            monkeypatch.setattr(it.bus, "receive", broken)
            return await receive(**options)

        async def broken(**options: Any) -> Any:
            raise ConnectionError("the bus is away")

        monkeypatch.setattr(it.bus, "receive", once)
        async with asyncio.timeout(10):
            with pytest.raises(ConnectionError):
                await it.loop(drain=True, stop=stop)
        assert it.worked == ["a"]
        assert stop.is_set()

    asyncio.run(test())


def test_a_tick_that_fails_is_followed_by_the_next(caplog: pytest.LogCaptureFixture) -> None:
    stop, ticks = asyncio.Event(), list[int]()

    async def tick(deadline: Deadline) -> Any:
        ticks.append(1)
        if len(ticks) < 2:
            raise ConnectionError("the database is away")
        stop.set()

    async def deliver(deadline: Deadline) -> None:
        await deadline.sleep(60)  # a slow receiver
        assert deadline.passed

    fake = SimpleNamespace(settings=Settings(tick_seconds=0.05), clock=tick, deliver=deliver)
    asyncio.run(tick_forever(cast(Service, fake), stop))
    assert len(ticks) == 2
    assert len(caplog.records) == 1
