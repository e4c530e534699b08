"""`redis://` and `rediss://`: any Redis or Valkey server, over its own protocol."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError

from agentcore.redis.wire import PATIENCE

_MOST = 16  # connections of a process; two of them listen
_QUIET = 60.0  # seconds without a message, after which it is asked whether the connection still lives


class TcpWire:
    def __init__(self, url: str, password: str) -> None:
        given = {"password": password} if password and urlsplit(url).password is None else {}
        pool = BlockingConnectionPool.from_url(
            url, max_connections=_MOST, timeout=PATIENCE, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE,
            retry=Retry(NoBackoff(), 1),  # a connection that died while it lay idle is opened again at once
            decode_responses=True, protocol=2, **given,
        )  # fmt: skip
        self._redis = Redis.from_pool(pool)

    async def call(self, *command: str | int | float) -> Any:
        return await self._redis.execute_command(*command)  # type: ignore[no-untyped-call]  # redis has none

    @asynccontextmanager
    async def subscribe(self, channel: str) -> AsyncIterator[AsyncIterator[str]]:
        pubsub = self._redis.pubsub()
        try:
            await pubsub.subscribe(channel)
            if await pubsub.get_message(timeout=PATIENCE) is None:
                raise ConnectionError("it does not confirm the subscription")
            yield _messages(pubsub)
        finally:
            await pubsub.aclose()  # type: ignore[no-untyped-call]  # redis has none

    async def close(self) -> None:
        await self._redis.aclose()


async def _messages(pubsub: PubSub) -> AsyncIterator[str]:
    asked = False
    while True:
        message = await pubsub.get_message(timeout=PATIENCE if asked else _QUIET)
        if message is not None:
            asked = False
            if message["type"] == "message":
                yield message["data"]
        elif asked:
            raise ConnectionError("it has fallen silent")
        else:
            await pubsub.ping()
            asked = True
