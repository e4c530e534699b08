"""What other processes are told of runs here."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from agentcore.deadline import Deadline
from agentcore.registry import Registry
from agentcore.service import Service
from agentcore.settings import Settings
from agentcore.stint import stint

pause = asyncio.sleep


class Told:
    """A store that only notes what it is to tell."""

    def __init__(self) -> None:
        self.calls: list[set[str]] = []

    async def notify(self, channel: str, *payloads: str) -> None:
        self.calls.append(set(payloads))


def told_by(store: Told) -> Service:
    return Service(store=cast(Any, store), bus=cast(Any, None), registry=Registry(), settings=Settings())


def test_the_first_news_is_told_at_once_and_what_follows_together(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        released = asyncio.Event()

        async def sleep(seconds: float) -> None:
            await released.wait()

        store = Told()
        service = told_by(store)
        service.hint("a")
        while not store.calls:
            await pause(0.001)
        monkeypatch.setattr(asyncio, "sleep", sleep)
        for run in ("b", "c", "b"):
            service.hint(run)
        await pause(0.02)
        assert store.calls == [{"a"}]
        released.set()
        await service.drain(10)
        assert store.calls == [{"a"}, {"b", "c"}]

    asyncio.run(test())


def test_an_event_of_a_host_is_over_when_its_news_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be billed by the millisecond: what gathers for the next time is not waited for."""
    monkeypatch.setattr("agentcore.service.GATHER", 1e9)

    async def test() -> None:
        store = Told()
        service = told_by(store)
        service._told = -1e9  # long ago, whatever the clock began with
        for run in ("a", "b"):
            async with asyncio.timeout(20), stint(Deadline(600), margin=500):
                service.hint(run)
        assert store.calls == [{"a"}, {"b"}]

    asyncio.run(test())
