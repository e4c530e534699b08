"""The HTTP API as stubborn clients use it: what is not answered is asked again, with the same idempotency key."""

from __future__ import annotations

import asyncio
from collections import Counter
from itertools import count
from typing import Any

import httpx

AGAIN, MOST = 0.2, 2.0  # seconds before another try, which double
CLIENTS = 16  # that share the streams: with each request, a client looks at all connections that it has


class Api:
    """What all clients of a soak share."""

    def __init__(self, url: str) -> None:
        self.http = _client(url)
        self._streaming = [_client(url) for _ in range(CLIENTS)]
        self.counts: Counter[str] = Counter()  # requests, those that broke, and answers by status
        self.failures: list[str] = []  # answers that blame the server itself

    async def close(self) -> None:
        await asyncio.gather(*(client.aclose() for client in (self.http, *self._streaming)))

    def streaming(self, number: int) -> httpx.AsyncClient:
        """The client for one of many streams."""
        return self._streaming[number % CLIENTS]

    async def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """The answer, once there is one. What says "not now" (429, 503) is none."""
        for tried in count():
            self.counts["requests"] += 1
            try:
                answer = await self.http.request(method, path, **options)
            except httpx.TransportError:
                self.counts["broken"] += 1
            else:
                self.note(answer, f"{method} {path}")
                if answer.status_code not in (429, 500, 503):
                    return answer
            await asyncio.sleep(min(MOST, AGAIN * 2**tried))
        raise AssertionError

    def note(self, answer: httpx.Response, what: str) -> None:
        self.counts[str(answer.status_code)] += 1
        if answer.status_code >= 500 and answer.status_code != 503:
            self.failures.append(f"{what} was answered {answer.status_code}: {answer.text[:200]}")


def _client(url: str) -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=50)
    return httpx.AsyncClient(base_url=url, timeout=20.0, limits=limits, trust_env=False)
