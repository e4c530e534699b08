"""Hints and rates over Redis: what `ports.Shared` promises, whichever wire carries it."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from agentcore.errors import Misconfigured
from agentcore.redis import SETTING
from agentcore.redis.gate import Gate
from agentcore.redis.wire import PATIENCE, Wire

_SOON = 0.25  # seconds that a request may wait to be counted
_REFUSED = ("WRONGPASS", "NOAUTH", "Unauthorized", "invalid username-password", "Authentication required")

# The generic cell rate algorithm (ITU-T I.371): a token bucket seen from the other side. What a caller owes, in
# milliseconds, is the time that its key has yet to live, and a fraction as its value. So the server's clock counts,
# the script need not ask for the time, and who owes nothing leaves nothing behind.
_TAKE = """
local cost, most = tonumber(ARGV[1]), tonumber(ARGV[2])
local owed = redis.call('PTTL', KEYS[1])
if owed > 0 then owed = owed + (tonumber(redis.call('GET', KEYS[1]) or '0') or 0) else owed = 0 end
local wait = owed + cost - most
if wait > 0.001 then return math.ceil(wait) end
local ttl = math.max(1, math.floor(owed + cost))
redis.call('SET', KEYS[1], tostring(owed + cost - ttl), 'PX', ttl)
return 0
"""


class Redis:
    def __init__(self, wire: Wire, shown: str) -> None:
        self._wire, self._shown = wire, shown
        what = f"{SETTING}={shown} cannot be used"
        self._telling = Gate(f"{what}: other processes find what is new by polling")
        self._counting = Gate(f"{what}: each process counts for itself how often callers call")

    async def notify(self, channel: str, *payloads: str) -> None:
        if payloads:
            await self._ask(self._telling, PATIENCE, "PUBLISH", channel, json.dumps(payloads))

    def listen(self, channel: str) -> AbstractAsyncContextManager[AsyncIterator[str]]:
        return self._listen(channel)

    @asynccontextmanager
    async def _listen(self, channel: str) -> AsyncIterator[AsyncIterator[str]]:
        async with self._wire.subscribe(channel) as messages:
            yield (payload async for message in messages for payload in _payloads(message))

    async def take(self, caller: str, *, rate: float, burst: int) -> float | None:
        key = f"agentcore:rate:{hashlib.sha256(caller.encode()).hexdigest()[:32]}"  # who calls is nobody's business
        cost = 1000 / rate
        wait = await self._ask(self._counting, _SOON, "EVAL", _TAKE, 1, key, cost, cost * burst)
        return None if wait is None else float(wait) / 1000

    async def check(self) -> str:
        began = time.perf_counter()
        try:
            async with asyncio.timeout(10), self._wire.subscribe("agentcore_check"):
                await self._wire.call("PING")
                await self._wire.call("PUBLISH", "agentcore_check", "[]")
                await self._wire.call("EVAL", _TAKE, 1, "agentcore:rate:check", 1, 1000)
        except Exception as error:
            raise self._explained(error) from error
        return f"answers in {time.perf_counter() - began:.2f} s"

    async def close(self) -> None:
        await self._wire.close()

    async def _ask(self, gate: Gate, seconds: float, *command: str | int | float) -> Any:
        """The answer; None where there is none in time. Never raises, as nothing depends on it."""
        if not gate.enter():
            return None
        try:
            async with asyncio.timeout(seconds):
                answer = await self._wire.call(*command)
        except Exception as error:
            gate.failed(error)
            return None
        gate.answered()
        return answer

    def _explained(self, error: Exception) -> Misconfigured:
        said = str(error) or type(error).__name__
        if any(word in said for word in _REFUSED):
            what = "it refuses the credentials. Check AGENTCORE_REDIS_TOKEN, and the URL's user and password"
        elif "NOPERM" in said or "permission" in said:
            what = "its user lacks a permission. docs/redis.md says which it needs"
        else:
            what = "it does not answer"
        return Misconfigured(f"{SETTING}={self._shown}: {what} ({said}).", setting=SETTING)


def _payloads(message: str) -> list[str]:
    """What `notify` packed; nothing where somebody else has published something else."""
    try:
        found = json.loads(message)
    except ValueError:
        return []
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []
