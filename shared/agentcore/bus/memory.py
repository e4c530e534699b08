"""`memory://`: within one process, for dev and tests. What is lost with the process, the next sweep finds."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence

from agentcore.errors import LimitExceeded


class MemoryBus:
    def __init__(self, *, redelivery: float, most: int = 100_000) -> None:
        self.redelivery = redelivery
        self._most = most
        self._ids: OrderedDict[str, None] = OrderedDict()  # an id that waits already is not added again
        self._come = asyncio.Event()

    async def send(self, run_ids: Sequence[str]) -> None:
        for run_id in run_ids:
            if len(self._ids) >= self._most and run_id not in self._ids:
                raise LimitExceeded(f"memory:// holds at most {self._most} ids.")
            self._ids[run_id] = None
        self._come.set()

    async def receive(self, *, limit: int, wait: float) -> Sequence[str]:
        try:
            async with asyncio.timeout(wait):
                while not self._ids:
                    self._come.clear()
                    await self._come.wait()
        except TimeoutError:
            return ()
        return [self._ids.popitem(last=False)[0] for _ in range(min(limit, len(self._ids)))]

    async def close(self) -> None:
        self._ids.clear()
