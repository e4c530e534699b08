"""News of runs within this process: what a reader gets from memory before (and instead of) reading the database."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager

from agentcore.events import Delta
from agentcore.records import Entry

News = Entry | Delta


class Feed:
    """One reader's queue. A reader that is too slow loses it, not the run, and reads the database again."""

    def __init__(self, most: int = 2000) -> None:
        self._news: deque[News] = deque()
        self._most = most
        self._woken = asyncio.Event()
        self._stale = False

    def put(self, news: News | None) -> None:
        """Add news, or with None only a hint that the database has some."""
        if news is None:
            self._stale = True
        else:
            if len(self._news) >= self._most:
                self._news.clear()
            self._news.append(news)
        self._woken.set()

    async def wait(self, seconds: float) -> bool:
        """Whether there was news or a hint within that time."""
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return False
        self._woken.clear()
        return True

    def drain(self) -> Iterator[News]:
        while self._news:
            yield self._news.popleft()

    def stale(self) -> bool:
        """Whether there was a hint since the last call."""
        stale, self._stale = self._stale, False
        return stale


class Live:
    """Publishes news to the feeds of this process."""

    def __init__(self) -> None:
        self._feeds: defaultdict[str, set[Feed]] = defaultdict(set)

    @contextmanager
    def watch(self, run_id: str) -> Iterator[Feed]:
        feed = Feed()
        self._feeds[run_id].add(feed)
        try:
            yield feed
        finally:
            self._feeds[run_id].discard(feed)
            if not self._feeds[run_id]:
                del self._feeds[run_id]

    def watched(self, run_id: str) -> bool:
        return run_id in self._feeds

    def publish(self, run_id: str, *news: News) -> None:
        for feed in self._feeds.get(run_id, ()):
            for one in news:
                feed.put(one)

    def hint(self, run_id: str) -> None:
        for feed in self._feeds.get(run_id, ()):
            feed.put(None)
