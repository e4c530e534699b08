"""The verbs that read: events of runs and threads as streams and as polls, and waiting for a run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from agentcore.events import Begun, Cursor, PublicEvent, ThreadCursor, ends
from agentcore.live import Live, mark_of
from agentcore.look import Look
from agentcore.ports import StateStore
from agentcore.records import Entry, Run

PAGE, PAGE_SIZE = 200, 100_000  # entries of one read, and characters; a reader that does not go on holds no more
ThreadNews = AsyncGenerator[tuple[Run, PublicEvent], None]


class Reading:
    """What readers of one process share: `live` has what happens here, `look` finds what happens elsewhere."""

    store: StateStore
    live: Live
    look: Look

    async def wait(self, run: Run, seconds: float) -> Run:
        """A run that its caller has read, once it ended, needs a person, or sleeps; or as it is when the time is up."""
        try:
            async with asyncio.timeout(seconds):
                return await self._settled(run)
        except TimeoutError:
            return await self.store.run(run.tenant, run.id)

    async def _settled(self, run: Run) -> Run:
        with self.live.watch(run.id) as feed:
            self.look.begin(run.id)
            while not ends(run):
                feed.mark = mark_of(run)
                while not feed.stale():
                    await feed.wait()
                    feed.clear()
                run = feed.ended or await self.store.run(run.tenant, run.id)
            return run

    def events(self, tenant: str, run_id: str, after: str | None = None) -> AsyncGenerator[PublicEvent, None]:
        """A run's events after that id, and then as they happen, until the run has ended."""
        return self._news(tenant, run_id, Cursor.parse(after))

    def thread_events(self, tenant: str, thread_id: str, after: str | None = None) -> AsyncGenerator[PublicEvent, None]:
        """The events of all runs of a thread after that id, in order, and then as they happen: it has no end."""
        return self._placed(tenant, thread_id, ThreadCursor.parse(after))

    async def poll(
        self, tenant: str, run_id: str, after: str | None = None, *, seconds: float = 0.0
    ) -> tuple[Run, list[PublicEvent]]:
        """The same read for clients that cannot stream: what there is, waiting up to `seconds` for the first."""
        cursor = Cursor.parse(after)
        run, found, _ = await self._read(tenant, run_id, cursor)
        if found or run.terminal or seconds <= 0:
            return run, found
        found = await _first(self._news(tenant, run_id, cursor), seconds)
        run, more, _ = await self._read(tenant, run_id, cursor)
        return run, found + more

    async def thread_poll(
        self, tenant: str, thread_id: str, after: str | None = None, *, seconds: float = 0.0
    ) -> list[PublicEvent]:
        """The same for a thread."""
        await self.store.thread(tenant, thread_id)  # NotFound
        cursor = ThreadCursor.parse(after)
        found = await self._read_thread(tenant, thread_id, cursor)
        if found or seconds <= 0:
            return found
        found = await _first(self._placed(tenant, thread_id, cursor), seconds)
        return found + await self._read_thread(tenant, thread_id, cursor)

    async def whole(self, tenant: str, run_id: str) -> tuple[Run, list[PublicEvent]]:
        """A run, and all that has happened in it."""
        cursor, found = Cursor(), list[PublicEvent]()
        while True:
            run, events, all = await self._read(tenant, run_id, cursor)
            found += events
            if all:
                return run, found

    async def _read(self, tenant: str, run_id: str, cursor: Cursor) -> tuple[Run, list[PublicEvent], bool]:
        """What the database has now, up to a page of it, and whether that is all."""
        run, entries = await self._page(tenant, run_id, cursor)
        return run, [event for entry in entries for event in cursor.take(entry)], _last(run, entries)

    async def _page(self, tenant: str, run_id: str, cursor: Cursor) -> tuple[Run, list[Entry]]:
        return await self.store.entries(tenant, run_id, after=cursor.seq, limit=PAGE, size=PAGE_SIZE)

    async def _read_thread(self, tenant: str, thread_id: str, cursor: ThreadCursor) -> list[PublicEvent]:
        found: list[PublicEvent] = []
        while len(found) < PAGE and (run := await self.store.run_at(tenant, thread_id, cursor.position)):
            run, events, all = await self._read(tenant, run.id, cursor.enter(run.position))
            found += [cursor.placed(event, run) for event in events]
            if all and not run.terminal:
                break
            if all:
                cursor.enter(run.position + 1)
        return found

    async def _news(self, tenant: str, run_id: str, cursor: Cursor) -> AsyncGenerator[PublicEvent, None]:
        """One read for streams and long polls: the database up to now, then what this process hears."""
        with self.live.watch(run_id) as feed:
            self.look.begin(run_id)
            while True:
                run, entries = await self._page(tenant, run_id, cursor)
                feed.mark = mark_of(run)
                for entry in entries:
                    for event in cursor.take(entry):
                        yield event
                if not _last(run, entries):
                    continue
                if run.terminal:
                    return
                if run.status == "running":
                    for event in cursor.take(Begun(attempt=run.fence)):
                        yield event
                while not feed.stale():
                    await feed.wait()
                    for news in feed.drain():
                        if cursor.follows(news):
                            for event in cursor.take(news):
                                yield event
                        elif isinstance(news, Entry):
                            feed.lose()  # others are missing before it: read the database
                        # A piece of text before which others are missing comes again, with them, when it is stored.

    async def thread_news(self, tenant: str, thread_id: str, cursor: ThreadCursor) -> ThreadNews:
        """A thread's events, each with its run, from a place on, and then as they happen: it has no end."""
        while True:
            run = await self._run_at(tenant, thread_id, cursor.position)
            news = self._news(tenant, run.id, cursor.enter(run.position))
            async with aclosing(news):
                async for event in news:
                    yield run, event
            cursor.enter(run.position + 1)

    async def _placed(self, tenant: str, thread_id: str, cursor: ThreadCursor) -> AsyncGenerator[PublicEvent, None]:
        async with aclosing(self.thread_news(tenant, thread_id, cursor)) as news:
            async for run, event in news:
                yield cursor.placed(event, run)

    async def _run_at(self, tenant: str, thread_id: str, position: int) -> Run:
        """The first run of a thread from a position on, once there is one. NotFound: the thread is gone."""
        if run := await self.store.run_at(tenant, thread_id, position):
            return run
        with self.live.watch(thread_id, thread=True) as feed:
            self.look.begin(thread_id)
            while True:
                thread = await self.store.thread(tenant, thread_id)
                feed.mark = (thread.next_position, "")
                if run := await self.store.run_at(tenant, thread_id, position):
                    return run
                feed.stale()
                await feed.wait()


def _last(run: Run, entries: list[Entry]) -> bool:
    """Whether a page is the last one of its journal."""
    return not entries or entries[-1].seq >= run.last_seq


async def _first(news: AsyncGenerator[PublicEvent, None], seconds: float) -> list[PublicEvent]:
    """The first event that lasts, if it comes within that time."""
    try:
        async with asyncio.timeout(seconds), aclosing(news):
            async for event in news:
                if event.id:
                    return [event]
    except TimeoutError:
        pass
    return []
