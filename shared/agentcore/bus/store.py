"""`store://`: the database is the queue. A send is only a hint; receiving is the sweep that takes due runs."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence

from agentcore.hints import listen
from agentcore.logs import brief, trace
from agentcore.ports import Hints, StateStore
from agentcore.records import Message

log = logging.getLogger("agentcore.bus")
CHANNEL = "agentcore_work"
_LEAST, _MOST = 0.02, 1.0  # seconds between two looks: seldom while nothing comes, often while something does


class StoreBus:
    redelivery = 0.0  # an accepted run is due at once: there is no message that could be on its way

    def __init__(self, store: StateStore, hints: Hints, *, redelivery: float) -> None:
        self._store, self._hints = store, hints
        self._lost_after = redelivery  # a run that was received and never claimed is due again then
        self._pause = _LEAST
        self._hint = asyncio.Event()
        self._hinting: asyncio.Task[None] | None = None
        self._listening: asyncio.Task[None] | None = None
        self._again = False

    async def send(self, run_ids: Sequence[str], *, delay: float = 0.0) -> None:
        if not run_ids or delay:
            return
        self._hear()
        # One NOTIFY at a time: it takes a lock that all committers share, and one hint wakes for many runs.
        self._again = True
        if self._hinting is None or self._hinting.done():
            self._hinting = asyncio.create_task(self._notify())

    async def receive(self, *, limit: int, wait: float) -> Sequence[Message]:
        if self._listening is None:
            self._listening = asyncio.create_task(listen(self._hints, CHANNEL, lambda _: self._hear()))
        until = time.monotonic() + wait
        while True:
            self._hint.clear()  # before the look: a run that comes during it is found by the next one
            if found := await self._store.sweep(limit=limit, redelivery=self._lost_after):
                self._pause = _LEAST
                return [Message(run_id=run_id) for run_id in found]
            left = until - time.monotonic()
            if left <= 0:
                return ()
            await self._nap(min(left, self._pause))

    async def ack(self, message: Message) -> None:
        pass  # the row is the message

    async def retry(self, message: Message, *, delay: float) -> None:
        pass  # the sweep that gave it has set when it is due again

    async def dead_letter(self, message: Message, reason: str) -> None:
        log.error("%s: %s", message.run_id, reason)

    async def bury(self, body: bytes, attributes: Mapping[str, str], reason: str) -> None:
        log.error("dropped a message: %s", reason)

    async def check(self) -> str:
        return "workers poll the database"

    async def close(self) -> None:
        tasks = [task for task in (self._listening, self._hinting) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _hear(self) -> None:
        self._pause = _LEAST
        self._hint.set()

    async def _nap(self, seconds: float) -> None:
        self._pause = min(_MOST, self._pause * 2)
        try:
            async with asyncio.timeout(seconds):
                await self._hint.wait()
        except TimeoutError:
            pass

    async def _notify(self) -> None:
        while self._again:
            self._again = False
            try:
                await self._hints.notify(CHANNEL, "")
            except Exception as error:
                words = "other workers were not told of new work; they will find it by polling: %s"
                log.warning(words, brief(error), exc_info=trace(log, error))
