"""Messages kept back for a while, for buses that cannot delay what is given back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from agentcore.logs import brief, detail

log = logging.getLogger("agentcore.bus")


class Holding:
    """Runs something after a delay, or never: what is still held when the process ends comes again by itself."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def later(self, delay: float, give_back: Callable[[], Awaitable[object]]) -> None:
        task = asyncio.create_task(_after(delay, give_back))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _after(delay: float, give_back: Callable[[], Awaitable[object]]) -> None:
    await asyncio.sleep(delay)
    try:
        await give_back()
    except Exception as error:
        words = "a message could not be given back; it will come again by itself: %s"
        log.warning(words, brief(error), exc_info=detail(log, error))
