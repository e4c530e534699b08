"""One look at the database for all readers of this process, so that a thousand who wait are not a thousand who poll."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from agentcore.live import Live, Mark
from agentcore.logs import brief, trace
from agentcore.ports import StateStore

log = logging.getLogger("agentcore.look")
LEAST = 0.05  # seconds between two looks: after something changed, or when somebody new reads
_WORKED_ON = 0.1  # where another process has one of the runs; its deltas are stored as often
_SOON = 0.25  # where one waits for a worker, or a thread for its next run
_IDLE = 1.0
_AWAY = 5.0  # when the database does not answer
_SHARE = 10  # a look takes at most one part in so many of the time


class Look:
    """Finds out what other processes wrote to the runs and threads that are read here, and wakes their readers.

    Each look is one statement for a few hundred of them; how often depends on what they are doing. Runs that execute in
    this process (`here`) tell of themselves: for them it is only a net below.
    """

    def __init__(self, store: Callable[[], StateStore], live: Live, here: Callable[[str], bool]) -> None:
        self._store, self._live, self._here = store, live, here
        self._task: asyncio.Task[None] | None = None
        self._soon = asyncio.Event()

    def begin(self, id: str) -> None:
        """Somebody new reads this."""
        if not self._here(id):
            self._soon.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._forever())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _forever(self) -> None:
        pause = LEAST if self._soon.is_set() else _IDLE
        while True:
            await self._nap(pause)
            if self._soon.is_set():  # since the last look began: it may not have had them
                pause = LEAST
            self._soon.clear()
            runs, threads = self._live.watched()
            if not runs and not threads:
                return
            began = time.monotonic()
            try:
                found = await self._store().progress(runs, threads)
            except Exception as error:
                words = "the database does not tell what is new; trying again: %s"
                log.warning(words, brief(error), exc_info=trace(log, error))
                pause = min(_AWAY, pause * 2)
                continue
            changed = self._live.compare([*runs, *threads], found)
            pause = LEAST if changed else min(pause * 1.5, self._most(runs, threads, found))
            pause = max(pause, _SHARE * (time.monotonic() - began))

    async def _nap(self, seconds: float) -> None:
        await asyncio.sleep(LEAST)
        try:
            async with asyncio.timeout(seconds - LEAST):
                await self._soon.wait()
        except TimeoutError:
            pass

    def _most(self, runs: Iterable[str], threads: Sequence[str], found: Mapping[str, Mark]) -> float:
        states = {found[id][1].partition(" ")[0] for id in runs if id in found and not self._here(id)}
        return _WORKED_ON if "running" in states else _SOON if threads or "queued" in states else _IDLE
