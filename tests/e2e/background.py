"""A whole service behind a real server, on a loop in a thread: for clients that are not async."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agentcore import app
from agentcore.settings import Settings
from agentcore.worker import work_forever
from tests.e2e.served import serving

PATIENCE = 60.0  # seconds


@contextmanager
def served(path: Path, **options: Any) -> Iterator[str]:
    """The URL of a server over a fresh SQLite file, with a worker beside it and the offline model."""
    url, loop, stop = Future[str](), asyncio.new_event_loop(), asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(_serve(path, url, stop, options),))
    thread.start()
    try:
        yield url.result(PATIENCE)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(PATIENCE)
        loop.close()


async def _serve(path: Path, url: Future[str], stop: asyncio.Event, options: dict[str, Any]) -> None:
    try:
        given = {"database_url": f"sqlite:///{path}/api.db", "bus_url": "memory://", "model": "offline", "auth": "none"}
        service = app.build(Settings(**{**given, **options}))
        async with app.running(service, migrate=True), serving(service) as address:
            working = asyncio.create_task(work_forever(service, stop=stop))
            url.set_result(address)
            await working
    except Exception as error:
        if url.done():
            raise
        url.set_exception(error)
