"""News of runs within this process: what a reader gets from memory before (and instead of) reading the database."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from agentcore.events import Begun, Delta
from agentcore.records import Entry, Run

News = Entry | Delta | Begun
Mark = tuple[int, str]
"""How far something is: a run's last_seq and state, or a thread's next position."""

MOST = 256  # pieces of news a reader may leave lying


class Feed:
    """One reader's queue. A reader that is too slow loses it, not the run, and reads the database again."""

    def __init__(self, most: int = MOST) -> None:
        self.mark: Mark | None = None  # what the reader knows; none before its first look
        self.ended: Run | None = None  # the run, once it ended in this process with a text
        self._news: deque[News] = deque()
        self._most = most
        self._woken = asyncio.Event()
        self._stale = False
        self._lost = False

    def put(self, news: News | None) -> None:
        """Add news, or with None only a hint that the database has some."""
        if news is None:
            self._stale = True
        elif len(self._news) >= self._most:
            self.lose()
        elif not self._lost:
            self._news.append(news)
            self._heard(news)
        self._woken.set()

    def lose(self) -> None:
        """Forget all there is, and keep nothing until the database is read: it has it all, or will have."""
        self._news.clear()
        self._stale = self._lost = True

    def _heard(self, news: News) -> None:
        seq, state = self.mark or (0, "")
        if isinstance(news, Entry):
            self.mark = (max(seq, news.seq), state)
        elif isinstance(news, Begun):
            self.mark = (seq, state_of("running", news.attempt))

    async def wait(self) -> None:
        """Return when there is news or a hint."""
        await self._woken.wait()
        self._woken.clear()

    def drain(self) -> Iterator[News]:
        while self._news:
            yield self._news.popleft()

    def clear(self) -> None:
        """Drop the news that there is: for a reader to whom only the database counts."""
        self._news.clear()

    def stale(self) -> bool:
        """Whether the database must be read: there was a hint, or news was lost, since the last call."""
        stale, self._stale, self._lost = self._stale, False, False
        return stale

    def behind(self, mark: Mark | None) -> bool:
        """Whether the database has what this reader does not know. None: what it reads is gone."""
        if self.mark is None:
            return False  # it has yet to look for the first time
        return mark is None or mark[0] > self.mark[0] or mark[1] != self.mark[1]


class Live:
    """Publishes news to the feeds of this process. Runs and threads have one space of ids."""

    def __init__(self) -> None:
        self._feeds: defaultdict[str, set[Feed]] = defaultdict(set)
        self._threads: set[str] = set()

    @contextmanager
    def watch(self, id: str, *, thread: bool = False) -> Iterator[Feed]:
        """A feed of a run, or of a thread: the latter has only hints."""
        feed = Feed()
        self._feeds[id].add(feed)
        if thread:
            self._threads.add(id)
        try:
            yield feed
        finally:
            self._feeds[id].discard(feed)
            if not self._feeds[id]:
                del self._feeds[id]
                self._threads.discard(id)

    def watched(self) -> tuple[list[str], list[str]]:
        """The runs and the threads that somebody reads."""
        return [id for id in self._feeds if id not in self._threads], list(self._threads)

    def publish(self, run_id: str, *news: News) -> None:
        for feed in self._feeds.get(run_id, ()):
            for one in news:
                feed.put(one)

    def left(self, run: Run) -> None:
        """Tell how a run was left by this process. Who waits for it need not ask the database how it ended.

        Unless it ended with an object: a database has its own order of keys, in which everybody is to be told it.
        """
        whole = run.terminal and (run.output is None or isinstance(run.output, str))
        for feed in self._feeds.get(run.id, ()):
            feed.ended = run if whole else None
            feed.put(None)

    def hint(self, id: str) -> None:
        """Tell that the database has news of a run or a thread."""
        for feed in self._feeds.get(id, ()):
            feed.put(None)

    def compare(self, ids: list[str], found: Mapping[str, Mark]) -> bool:
        """Wake those who know less than was found; whether there are any."""
        behind = [feed for id in ids for feed in self._feeds.get(id, ()) if feed.behind(found.get(id))]
        for feed in behind:
            feed.put(None)
        return bool(behind)


def mark_of(run: Run) -> Mark:
    return run.last_seq, state_of(run.status, run.fence)


def state_of(status: str, fence: int) -> str:
    return f"{status} {fence}"
