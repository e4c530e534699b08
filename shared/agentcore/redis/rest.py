"""`https://`: Upstash's REST API, for hosts where a connection cannot be kept. https://upstash.com/docs/redis/features/restapi"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import httpx
from upstash_redis.asyncio import Redis
from upstash_redis.errors import UpstashError

from agentcore.redis.wire import PATIENCE

_QUIET = 120.0  # seconds without a message, after which it subscribes anew: the connection may be dead


class RestWire:
    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._redis = Redis(
            url, token, rest_encoding=None, rest_retries=0, allow_telemetry=False, read_your_writes=False
        )
        # The client cannot subscribe: there is no such call in it.
        self._http = httpx.AsyncClient(
            headers={"Authorization": f"Bearer {token}", "Accept": "text/event-stream"},
            timeout=httpx.Timeout(PATIENCE, read=_QUIET),
        )

    async def call(self, *command: str | int | float) -> Any:
        return await self._redis.execute(list(command))

    @asynccontextmanager
    async def subscribe(self, channel: str) -> AsyncIterator[AsyncIterator[str]]:
        where = f"{self._url}/subscribe/{quote(channel, safe='')}"
        async with self._http.stream("POST", where) as answer:
            if answer.status_code != httpx.codes.OK:
                raise UpstashError(await _why(answer))
            events = _events(answer)
            async with asyncio.timeout(PATIENCE):
                await anext(events)  # subscribe,CHANNEL,1
            yield _messages(events)

    async def close(self) -> None:
        await self._redis.close()
        await self._http.aclose()


async def _events(answer: httpx.Response) -> AsyncIterator[str]:
    try:
        async for line in answer.aiter_lines():
            if line.startswith("data:"):
                yield line.removeprefix("data:").lstrip()
    except httpx.ReadTimeout:
        return


async def _messages(events: AsyncIterator[str]) -> AsyncIterator[str]:
    async for event in events:
        kind, _, rest = event.partition(",")
        if kind == "message":
            yield rest.partition(",")[2]


async def _why(answer: httpx.Response) -> str:
    await answer.aread()
    try:
        return str(answer.json()["error"])
    except (ValueError, KeyError, TypeError):
        return f"status {answer.status_code}"
