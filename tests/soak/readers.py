"""Clients that follow a run's events over connections that break again and again."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.soak.api import Api
from tests.soak.options import Options


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
    """What one client was told of a run, over all of its connections."""

    run: str
    told: list[Told] = field(default_factory=list)
    connections: int = 0
    whole: bool = False  # the server said that there is no more


@dataclass
class Readers:
    """All clients that read."""

    api: Api
    options: Options
    streams: list[Stream] = field(default_factory=list)

    async def follow(self, run_id: str) -> None:
        """Read a run's events until its end, from the start."""
        stream = Stream(run_id)
        self.streams.append(stream)
        rng = self.options.rng("reader", len(self.streams))
        while not stream.whole:
            try:
                async with asyncio.timeout(rng.choice((0.3, 1.0, 3.0, 30.0))):
                    await self._connect(stream, rng)
            except (httpx.TransportError, TimeoutError):
                pass
            await asyncio.sleep(rng.uniform(0, 0.5))

    async def _connect(self, stream: Stream, rng: random.Random) -> None:
        """One connection: it lasts until the client has had so many events, or the server ends it."""
        path, last = f"/runs/{stream.run}/events", next((one.id for one in reversed(stream.told) if one.id), "")
        headers, most = {"Last-Event-ID": last} if last else {}, rng.choice((2, 5, 20, 1000))
        stream.connections += 1
        async with self.api.http.stream("GET", path, headers=headers) as answer:
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
