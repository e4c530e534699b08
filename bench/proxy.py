"""A database further away: a TCP proxy that holds back what comes through it, and counts round trips."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit

from bench.processes import command, environment


class Proxy:
    """Round trips so far: how often a client spoke after it had been answered."""

    def __init__(self, delay: float) -> None:
        self.delay = delay  # seconds, each way
        self.trips = 0

    async def serve(self, target: tuple[str, int], near: asyncio.StreamReader, out: asyncio.StreamWriter) -> None:
        answers, far = await asyncio.open_connection(*target)
        spoke = [""]  # who spoke last on this connection
        await asyncio.gather(self._pump("client", near, far, spoke), self._pump("server", answers, out, spoke))

    async def _pump(self, who: str, source: asyncio.StreamReader, to: asyncio.StreamWriter, spoke: list[str]) -> None:
        loop = asyncio.get_running_loop()
        try:
            while data := await source.read(65536):
                self.trips += who == "client" and spoke[0] != "client"
                spoke[0] = who
                loop.call_later(self.delay, to.write, data) if self.delay else to.write(data)
        except ConnectionError:
            pass
        finally:
            loop.call_later(self.delay, to.close)


@asynccontextmanager
async def proxied(url: str, delay: float = 0.0) -> AsyncIterator[tuple[str, Proxy]]:
    """The same database through a proxy: its URL, and the proxy."""
    place, proxy = urlsplit(url), Proxy(delay)
    target = (place.hostname or "", place.port or 5432)
    server = await asyncio.start_server(lambda near, out: proxy.serve(target, near, out), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield urlunsplit(place._replace(netloc=f"{place.username}@127.0.0.1:{port}")), proxy
    finally:
        server.close()


@asynccontextmanager
async def far(url: str, delay: float) -> AsyncIterator[str]:
    """The URL of the same database so far away, each way; what holds back is a process of its own."""
    async with command("-m", "bench.proxy", url, str(delay), **environment()) as process:
        assert process.stdout
        yield (await process.stdout.readline()).decode().strip()


async def _main(url: str, delay: float) -> None:
    async with proxied(url, delay) as (here, _):
        print(here, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], float(sys.argv[2])))
