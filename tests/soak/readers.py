"""Clients that follow runs and threads over connections that break again and again."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx

from tests.soak.api import MOST, Api
from tests.soak.options import Options

CROWD = 50  # threads that are read, from which on their readers come back more slowly


@dataclass(frozen=True, kw_only=True)
class Told:
    """One event that a client was sent. `id` is empty for those of their moment only."""

    id: str
    type: str
    data: dict[str, Any]

    @property
    def seq(self) -> int:
        return int(self.id.partition(".")[0])


@dataclass
class Stream:
    """What one client was told of a run or a thread, over all of its connections."""

    kind: Literal["run", "thread"]
    of: str
    told: list[Told] = field(default_factory=list)
    connections: int = 0
    whole: bool = False  # it has come to the end

    @property
    def last(self) -> str:
        """The id to come back with."""
        return next((one.id for one in reversed(self.told) if one.id), "")


@dataclass
class Readers:
    """All clients that read."""

    api: Api
    options: Options
    streams: list[Stream] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._ends: Mapping[str, int] = {}  # of threads, the numbers of their last events, once those are known
        self._tasks: list[asyncio.Task[None]] = []

    async def follow(self, run_id: str) -> None:
        """Read a run's events until its end, from the start."""
        await self._read(Stream("run", run_id))

    def watch(self, thread_id: str) -> None:
        """Read a thread's events, which have no end, until `finish`."""
        self._tasks.append(asyncio.create_task(self._read(Stream("thread", thread_id))))

    async def finish(self, ends: Mapping[str, int]) -> None:
        """Nothing more comes: return when those who read threads have come to these events, their last ones."""
        self._ends = ends
        await asyncio.gather(*self._tasks)

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()

    async def _read(self, stream: Stream) -> None:
        self.streams.append(stream)
        rng, http = self.options.rng("reader", len(self.streams)), self.api.streaming(len(self.streams))
        while not stream.whole:
            down = False
            try:
                async with asyncio.timeout(rng.choice((0.3, 1.0, 3.0, 10.0))):
                    await self._connect(stream, rng, http)
            except httpx.ConnectError:
                down = True
            except (httpx.TransportError, TimeoutError):
                pass
            stream.whole = stream.whole or (bool(stream.told) and self._ended(stream))
            crowd = max(1.0, len(self._tasks) / CROWD)  # so that a long soak is not one of readers alone
            await asyncio.sleep(rng.uniform(0, 0.5) * crowd + (MOST if down else 0.0))

    def _ended(self, stream: Stream) -> bool:
        return int(stream.last.partition(".")[0] or 0) >= self._ends.get(stream.of, 2**63)

    async def _connect(self, stream: Stream, rng: random.Random, http: httpx.AsyncClient) -> None:
        """One connection: it lasts until the client has had so many events, or the server ends it."""
        path, last = f"/{stream.kind}s/{stream.of}/events", stream.last
        headers, most = {"Last-Event-ID": last} if last else {}, rng.choice((2, 5, 20, 1000))
        stream.connections += 1
        async with http.stream("GET", path, headers=headers) as answer:
            stream.whole = answer.status_code == 204
            if answer.status_code != 200:
                await answer.aread()
                self.api.note(answer, f"GET {path}")
                return
            async for told in parsed(answer.aiter_lines()):
                if told.type != "problem":
                    stream.told.append(told)
                most -= 1
                if most == 0:
                    return


async def parsed(lines: AsyncIterator[str]) -> AsyncIterator[Told]:
    """Server-sent events. One that is cut off in the middle was not sent."""
    event: dict[str, str] = {}
    async for line in lines:
        name, _, value = line.partition(": ")
        if line:
            event[name] = value
            continue
        if "data" in event:
            yield Told(id=event.get("id", ""), type=event["event"], data=json.loads(event["data"]))
        event = {}
