"""A whole service behind a real server in this process, with scripted agents: for streams that have no end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect

from agentcore.commands import server
from agentcore.service import Service
from agentcore.worker import work_forever
from tests.harness import Harness, harness

Json = dict[str, Any]


@asynccontextmanager
async def serving(service: Service) -> AsyncIterator[str]:
    """A server over it; its URL. It is stopped as by SIGTERM."""
    stop = asyncio.Event()
    service.settings = replace(service.settings, port=0, auth="none")
    with server.listen(service.settings) as listening:
        answering = asyncio.create_task(server.answer(service, listening, stop))
        try:
            yield server.address(listening)
        finally:
            stop.set()
            await answering


class World:
    """The service, its server, and a client of it."""

    def __init__(self, it: Harness, url: str, http: httpx.AsyncClient) -> None:
        self.it, self.url, self.http = it, url, http

    @asynccontextmanager
    async def stream(self, method: str, path: str, **options: Any) -> AsyncIterator[AsyncIterator[Json]]:
        """Events of a stream as {id, event, data}, as they come."""
        async with self.http.stream(method, path, timeout=30, **options) as answer:
            if answer.is_error:
                await answer.aread()
            assert answer.status_code == 200, answer.text
            assert answer.headers["content-type"].startswith("text/event-stream")
            yield parsed(answer.aiter_lines())

    @asynccontextmanager
    async def socket(self, thread_id: str) -> AsyncIterator[Socket]:
        async with connect(f"ws{self.url[4:]}/threads/{thread_id}/stream") as connection:
            yield Socket(connection)

    async def command(self, thread_id: str, method: str, **params: Any) -> Json:
        answer = await self.http.post(
            f"/threads/{thread_id}/commands", json={"id": 7, "method": method, "params": params}
        )
        assert answer.status_code == 200, answer.text
        told: Json = answer.json()
        assert told["id"] == 7
        return told


class Socket:
    """A client of the WebSocket: what came, sorted into answers and events."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection, self.events, self._id = connection, list[Json](), 0

    async def ask(self, method: str, **params: Any) -> Json:
        self._id += 1
        await self.connection.send(json.dumps({"id": self._id, "method": method, "params": params}))
        while True:
            told = await self.next()
            if told["type"] != "event":
                assert told["id"] == self._id
                return told

    async def next(self) -> Json:
        async with asyncio.timeout(20):
            told: Json = json.loads(await self.connection.recv())
        if told["type"] == "event":
            self.events.append(told)
        return told

    async def until(self, last: Callable[[Json], bool]) -> list[Json]:
        while not (self.events and last(self.events[-1])):
            await self.next()
        return self.events


async def parsed(lines: AsyncIterator[str]) -> AsyncIterator[Json]:
    fields: Json = {}
    async for line in lines:
        if not line:
            if "data" in fields:
                yield {**fields, "data": json.loads(fields["data"])}
            fields = {}
        elif not line.startswith(":"):
            name, _, value = line.partition(": ")
            fields[name] = value


async def take(events: AsyncIterator[Json], last: Callable[[Json], bool]) -> list[Json]:
    """Events up to one that is the last."""
    found: list[Json] = []
    async with asyncio.timeout(30):
        async for event in events:
            found.append(event)
            if last(event):
                return found
    raise AssertionError(f"it ended: {[e['event'] for e in found]}")


def ended(event: Json) -> bool:
    """Whether a protocol event is the end of a run, or its question."""
    data = event.get("data", event)
    if data.get("method") != "lifecycle" or data["params"]["namespace"]:
        return False
    return data["params"]["data"]["event"] in ("completed", "failed", "interrupted")


def on(url: str | Path, test: Callable[[World], Awaitable[None]], *, working: bool = True, **options: Any) -> None:
    """Run an async test against a server (a path: over a SQLite file there), with a worker beside it."""

    async def go() -> None:
        where = url if isinstance(url, str) else f"sqlite:///{url}/test.db"
        async with asyncio.timeout(90), harness(where, **options) as it, serving(it.service) as address:
            stop = asyncio.Event()
            worker = asyncio.create_task(work_forever(it.service, stop=stop)) if working else None
            try:
                async with httpx.AsyncClient(base_url=address, trust_env=False) as http:
                    await test(World(it, address, http))
            finally:
                stop.set()
                if worker:
                    await worker

    asyncio.run(go())


def methods(events: list[Json]) -> Iterator[str]:
    for event in events:
        told = event.get("data", event)
        data = told["params"]["data"]
        name = data.get("event", "") if isinstance(data, dict) else ""
        yield f"{told['method']}:{name}" if name else told["method"]
