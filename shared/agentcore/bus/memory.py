"""`memory://`: within one process, for dev and tests. What is lost with the process, the next sweep finds."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Mapping, Sequence

from agentcore.errors import LimitExceeded
from agentcore.records import Message

log = logging.getLogger("agentcore.bus")


class MemoryBus:
    def __init__(self, *, redelivery: float, most: int = 100_000) -> None:
        self.redelivery = redelivery
        self._most = most
        self._ids: OrderedDict[str, int] = OrderedDict()  # and the attempt; an id that waits is not added again
        self._come = asyncio.Event()
        self._later: set[asyncio.TimerHandle] = set()

    async def send(self, run_ids: Sequence[str], *, delay: float = 0.0) -> None:
        for run_id in () if delay else run_ids:
            if len(self._ids) >= self._most and run_id not in self._ids:
                raise LimitExceeded(f"memory:// holds at most {self._most} ids.")
            self._ids.setdefault(run_id, 1)
        self._come.set()

    async def receive(self, *, limit: int, wait: float) -> Sequence[Message]:
        try:
            async with asyncio.timeout(wait):
                while not self._ids:
                    self._come.clear()
                    await self._come.wait()
        except TimeoutError:
            return ()
        first = (self._ids.popitem(last=False) for _ in range(min(limit, len(self._ids))))
        return [Message(run_id=run_id, attempt=attempt) for run_id, attempt in first]

    async def ack(self, message: Message) -> None:
        pass  # it left when it was received

    async def retry(self, message: Message, *, delay: float) -> None:
        def again() -> None:
            self._later.discard(handle)
            self._ids.setdefault(message.run_id, message.attempt + 1)
            self._come.set()

        handle = asyncio.get_running_loop().call_later(delay, again)
        self._later.add(handle)

    async def dead_letter(self, message: Message, reason: str) -> None:
        log.error("dropped %s: %s", message.run_id, reason)

    async def bury(self, body: bytes, attributes: Mapping[str, str], reason: str) -> None:
        log.error("dropped a message: %s", reason)

    async def check(self) -> str:
        return "within this process"

    async def close(self) -> None:
        for handle in self._later:
            handle.cancel()
        self._ids.clear()
