"""What other processes are told of runs here."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from agentcore.registry import Registry
from agentcore.service import Service
from agentcore.settings import Settings


class Told:
    """A store that only notes what it is to tell."""

    def __init__(self) -> None:
        self.calls: list[set[str]] = []

    async def notify(self, channel: str, *payloads: str) -> None:
        self.calls.append(set(payloads))


def test_the_first_news_is_told_at_once_and_what_follows_together(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        released = asyncio.Event()

        async def sleep(seconds: float) -> None:
            await released.wait()

        store = Told()
        service = Service(store=cast(Any, store), bus=cast(Any, None), registry=Registry(), settings=Settings())
        monkeypatch.setattr(asyncio, "sleep", sleep)
        service.hint("a")
        while not store.calls:
            await asyncio.wait([asyncio.ensure_future(released.wait())], timeout=0.001)
        for run in ("b", "c", "b"):
            service.hint(run)
        assert store.calls == [{"a"}]
        released.set()
        await service.drain(10)
        assert store.calls == [{"a"}, {"b", "c"}]

    asyncio.run(test())
