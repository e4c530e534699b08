"""Whatever can break, breaks: at random, and several things at once."""

from __future__ import annotations

import asyncio
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable

from tests.postgres import Postgres
from tests.soak.fleet import Fleet, Member
from tests.soak.options import LEASE, SILENCE, STOP, Options


class Chaos:
    """The faults of one soak."""

    def __init__(self, options: Options, fleet: Fleet, server: Postgres) -> None:
        self.counts: Counter[str] = Counter()
        self._rng, self._fleet, self._server = options.rng("chaos"), fleet, server
        self._restarting = asyncio.Lock()
        faults: list[tuple[int, Callable[[], Awaitable[None]]]] = [
            (30, self.kill_worker), (20, self.stop_one), (15, self.end_worker), (15, self.cut_one),
            (4, self.silence_one), (7, self.cut_all), (6, self.restart_fast), (6, self.restart_at_once),
            (5, self.kill_api), (4, self.end_api), (4, self.kill_clock),
        ]  # fmt: skip
        wanted = options.faults or [fault.__name__ for _, fault in faults]
        self._pause, self._faults = options.pause, [one for one in faults if one[1].__name__ in wanted]

    async def rage(self, seconds: float) -> None:
        """Break things for so long, and repair them all before the return."""
        until = time.monotonic() + seconds
        async with asyncio.TaskGroup() as group:
            while time.monotonic() < until:
                await asyncio.sleep(self._rng.uniform(0, self._pause))
                weights, faults = zip(*self._faults, strict=True)
                group.create_task(self._rng.choices(faults, weights)[0]())

    async def kill_worker(self) -> None:
        await self._end(self._worker(), signal.SIGKILL, "kills of workers")

    async def end_worker(self) -> None:
        await self._end(self._worker(), signal.SIGTERM, "SIGTERMs to workers")

    async def kill_api(self) -> None:
        await self._end(self._fleet.members["api"], signal.SIGKILL, "kills of the API")

    async def end_api(self) -> None:
        await self._end(self._fleet.members["api"], signal.SIGTERM, "SIGTERMs to the API")

    async def kill_clock(self) -> None:
        await self._end(self._fleet.members["clock"], signal.SIGKILL, "kills of the timer")

    async def stop_one(self) -> None:
        """For longer than a lease: whoever goes on with its runs meets it again."""
        member = self._any()
        async with member.lock:
            self._count("stops", member)
            self._fleet.lost("stop", member)
            await member.stop(STOP)
            await asyncio.sleep(1.0)  # so that what it was about to do is done

    async def cut_one(self) -> None:
        """One process cannot reach the database, often for longer than a lease; perhaps from amid a statement on."""
        member = self._any()
        async with member.lock:
            self._count("cuts of one process", member)
            with self._fleet.outage(member):
                member.proxy.cut_after(self._rng.randrange(4000))
                await asyncio.sleep(self._rng.uniform(0, STOP))
                member.proxy.cut()
                member.proxy.restore()

    async def silence_one(self) -> None:
        """What one process sends to the database is lost, and nobody tells it, often until it gives up by itself."""
        member = self._any()
        async with member.lock:
            self._count("silences of one process", member)
            with self._fleet.outage(member):
                member.proxy.silence()
                await asyncio.sleep(self._rng.uniform(0, SILENCE))
                member.proxy.cut()
                member.proxy.restore()

    async def cut_all(self) -> None:
        """Nobody can."""
        async with self._restarting:
            self._count("cuts of all")
            with self._fleet.outage():
                for member in self._fleet.members.values():
                    member.proxy.cut()
                await asyncio.sleep(self._rng.uniform(0, LEASE))
                for member in self._fleet.members.values():
                    member.proxy.restore()

    async def restart_fast(self) -> None:
        await self._restart(signal.SIGINT, "restarts of PostgreSQL, fast")

    async def restart_at_once(self) -> None:
        await self._restart(signal.SIGQUIT, "restarts of PostgreSQL, immediate")

    async def _restart(self, how: signal.Signals, counted: str) -> None:
        async with self._restarting:
            self._count(counted)
            with self._fleet.outage():
                await asyncio.to_thread(self._again, how, self._rng.uniform(0, 1))

    def _again(self, how: signal.Signals, pause: float) -> None:
        """In one thread, so that the server comes back although the soak ends amid it."""
        self._server.stop(how)
        time.sleep(pause)
        self._server.start()

    async def _end(self, member: Member, how: signal.Signals, counted: str) -> None:
        async with member.lock:
            self._count(counted, member)
            self._fleet.lost(how.name, member)
            self._fleet.ends.append(await member.end(how))

    def _count(self, what: str, member: Member | None = None) -> None:
        self.counts[what] += 1
        self._fleet.note(f"{what}{f': {member.name}' if member else ''}")

    def _worker(self) -> Member:
        return self._free(self._fleet.workers)

    def _any(self) -> Member:
        return self._free([*self._fleet.workers, self._fleet.members["api"]])

    def _free(self, members: list[Member]) -> Member:
        """One to which nothing is being done, if there is any."""
        return self._rng.choice([one for one in members if not one.lock.locked()] or members)
