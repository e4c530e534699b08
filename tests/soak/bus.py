"""The bus over the post office, for the processes of the soak."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

from agentcore import bus
from agentcore.ports import Bus, Hints, StateStore
from agentcore.records import Message
from agentcore.settings import Settings
from tests.soak import clock
from tests.soak.options import POST
from tests.soak.post import LINE


def open_bus(url: str, store: StateStore, settings: Settings, *, hints: Hints | None = None) -> Bus:
    """The bus that a URL names: ours, or one of the product's."""
    if url.startswith("pubsub:"):
        _rightly_timed()
    if not url.startswith(f"{POST}://"):
        return bus.open_bus(url, store, settings, hints=hints)
    return PostBus(urlsplit(url).port or 0, redelivery=settings.redelivery_seconds)


def _rightly_timed() -> None:
    """gRPC's C has the machine's clock: a deadline by a wrong one would be long past, or days away."""
    from grpc.aio import _utils

    setattr(_utils, "time", SimpleNamespace(time=clock.RIGHT))  # noqa: B010 - its types know no such module


class PostBus:
    def __init__(self, port: int, *, redelivery: float) -> None:
        self.redelivery = redelivery
        self._port = port

    async def send(self, run_ids: Sequence[str], *, delay: float = 0.0) -> None:
        await self._ask(send=list(run_ids), delay=delay, attempt=1)

    async def receive(self, *, limit: int, wait: float) -> Sequence[Message]:
        given = await self._ask(limit=limit, wait=wait)
        return [Message(run_id=run_id, attempt=attempt) for run_id, attempt in given]

    async def ack(self, message: Message) -> None:
        pass  # it left when it was received

    async def retry(self, message: Message, *, delay: float) -> None:
        await self._ask(send=[message.run_id], delay=delay, attempt=message.attempt + 1)

    async def dead_letter(self, message: Message, reason: str) -> None:
        pass

    async def bury(self, body: bytes, attributes: Mapping[str, str], reason: str) -> None:
        pass

    async def check(self) -> str:
        return "no promises"

    async def close(self) -> None:
        pass

    async def _ask(self, **request: Any) -> list[Any]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port, limit=LINE)
        try:
            writer.write(json.dumps(request).encode() + b"\n")
            answer: list[Any] = json.loads(await reader.readline())
            return answer
        finally:
            writer.close()
