"""A post office for run ids that keeps none of its promises: it loses, repeats, delays and shuffles."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

LOST, DOUBLED, LATE, SHUFFLED = 0.05, 0.05, 0.1, 0.3  # how often
MOST_LATE = 3.0  # seconds
LINE = 2**20  # bytes of one request at most


class PostOffice:
    """A request is a line of JSON, an answer too. What was handed out is gone, whatever becomes of who took it."""

    def __init__(self, rng: random.Random) -> None:
        self.counts: Counter[str] = Counter()
        self.port = 0
        self._rng = rng
        self._mail: list[tuple[str, int]] = []  # a run's id, and how often it has come
        self._come = asyncio.Event()
        self._open = True

    def close(self) -> None:
        """Let those go who wait."""
        self._open = False
        self._come.set()

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            asked = json.loads(await reader.readline())
            if "send" in asked:
                self._take_in(asked["send"], asked["delay"], asked["attempt"])
                answer: list[Any] = []
            else:
                answer = await self._hand_out(asked["limit"], asked["wait"])
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
        except (ConnectionError, ValueError):
            pass  # whoever asked was killed: what it would have been given is lost
        finally:
            writer.close()

    def _take_in(self, run_ids: Sequence[str], delay: float, attempt: int) -> None:
        for run_id in run_ids:
            self.counts["sent"] += 1
            fate = self._rng.random()
            if fate < LOST:
                self.counts["lost"] += 1
                continue
            self._deliver(run_id, attempt, delay)
            if fate < LOST + DOUBLED:
                self.counts["doubled"] += 1
                self._deliver(run_id, attempt, delay + self._rng.uniform(0, MOST_LATE))

    def _deliver(self, run_id: str, attempt: int, delay: float) -> None:
        if self._rng.random() < LATE:
            self.counts["late"] += 1
            delay += self._rng.uniform(0, MOST_LATE)

        def put() -> None:
            self._mail.append((run_id, attempt))
            self._come.set()

        asyncio.get_running_loop().call_later(delay, put)

    async def _hand_out(self, limit: int, wait: float) -> list[tuple[str, int]]:
        try:
            async with asyncio.timeout(wait):
                while self._open and not self._mail:
                    self._come.clear()
                    await self._come.wait()
        except TimeoutError:
            return []
        if len(self._mail) > 1 and self._rng.random() < SHUFFLED:
            self.counts["shuffled"] += 1
            self._rng.shuffle(self._mail)
        given, self._mail = self._mail[:limit], self._mail[limit:]
        return given


@asynccontextmanager
async def opened(rng: random.Random) -> AsyncIterator[PostOffice]:
    """An office that listens on 127.0.0.1."""
    office = PostOffice(rng)
    server = await asyncio.start_server(office.talk, "127.0.0.1", 0, limit=LINE)
    office.port = server.sockets[0].getsockname()[1]
    try:
        yield office
    finally:
        office.close()
        server.close()
        await asyncio.sleep(0)
