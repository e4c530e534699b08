"""The processes under test, each with its own way to the database and its own wrong clock."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Set
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from tests.brokers.proxy import Proxy
from tests.e2e.processes import ROOT, environment, free_port
from tests.soak.ends import End, Outage
from tests.soak.options import LEASE, POOL, Options

DAYS = 86400.0
ENDS = 60.0  # seconds in which a process that is asked to has ended


@dataclass(frozen=True, kw_only=True)
class Loss:
    """A process was killed, or stood still from then on."""

    how: str
    pid: int
    at: float  # seconds since 1970


class Member:
    """One process, started again whenever it ends."""

    def __init__(self, name: str, command: tuple[str, ...], env: dict[str, str], proxy: Proxy, log: Path) -> None:
        self.name, self.proxy = name, proxy
        self._command, self._env, self._log = command, env, log
        self.lock = asyncio.Lock()  # one thing is done to it at a time
        self.begin()

    def begin(self) -> None:
        command = [sys.executable, "-m", "tests.soak.process", *self._command]
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, env=self._env, stdout=log, stderr=log)
        self.began = time.monotonic()

    @property
    def pid(self) -> int:
        return self.process.pid

    async def end(self, how: signal.Signals) -> End:
        """Send a signal that ends it, and start another one. Raises TimeoutExpired where it does not end."""
        if (end := self.ended()) is None:
            self.process.send_signal(how)
            await asyncio.to_thread(self.process.wait, ENDS)
            end = self._end(how)
        self.begin()
        return end

    def ended(self) -> End | None:
        """How it ended by itself, if it has."""
        return None if self.process.poll() is None else self._end(None)

    def _end(self, asked: signal.Signals | None) -> End:
        code = self.process.returncode
        return End(name=self.name, code=code, asked=asked, began=self.began, at=time.monotonic())

    async def stop(self, seconds: float) -> None:
        """Let it stand still for a while."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            self.process.send_signal(signal.SIGCONT)


class Fleet:
    def __init__(self, options: Options, folder: Path, database: str, **env: str) -> None:
        self.log, self.side = folder / "fleet.log", folder / "side"
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        self.losses: list[Loss] = []
        self.ends: list[End] = []
        self.outages: list[Outage] = []
        target, rng = urlsplit(database), options.rng("clocks")
        names = [*(f"worker {n}" for n in range(options.workers)), "api", "clock"]
        commands = {"api": ("serve",), "clock": ("clock",)}
        self.members: dict[str, Member] = {}
        for name in names:
            proxy = Proxy(target.port or 0)
            url = target._replace(netloc=f"{target.username}@127.0.0.1:{proxy.port}").geturl()
            own = environment(
                AGENTCORE_DATABASE_URL=url, AGENTCORE_AGENTS=options.agents, AGENTCORE_PORT=str(port),
                AGENTCORE_REDELIVERY_SECONDS=str(options.redelivery), SOAK_SIDE=str(self.side), SOAK_NAME=name,
                SOAK_SKEW=str(rng.uniform(-3 * DAYS, 3 * DAYS)), **SETTINGS, **env,
            )  # fmt: skip
            self.members[name] = Member(name, commands.get(name, ("work",)), own, proxy, self.log)

    @property
    def workers(self) -> list[Member]:
        return [one for name, one in self.members.items() if name.startswith("worker")]

    def connected(self, ports: Set[int]) -> dict[str, int]:
        """How many of these ports, from which the database is connected to, are of which process."""
        return {name: len(ports & member.proxy.ports()) for name, member in self.members.items()}

    def lost(self, how: str, member: Member) -> None:
        self.losses.append(Loss(how=how, pid=member.pid, at=time.time()))

    @contextmanager
    def outage(self, member: Member | None = None) -> Iterator[None]:
        """Meanwhile it, or nobody, has a way to the database."""
        name, since = member.name if member else "", time.monotonic()
        self.outages.append(outage := Outage(name=name, since=since))
        try:
            yield
        finally:
            self.outages[self.outages.index(outage)] = replace(outage, until=time.monotonic())

    def note(self, words: str) -> None:
        """Write into the log that all processes share."""
        now = datetime.now()
        with self.log.open("a") as log:
            log.write(f"{now:%Y-%m-%d %H:%M:%S},{now.microsecond // 1000:03} CHAOS {words}\n")

    async def supervise(self) -> None:
        """Start again what ends by itself, as any host does."""
        while True:
            for member in self.members.values():
                if not member.lock.locked() and (end := member.ended()) is not None:
                    self.ends.append(end)
                    self.note(f"{member.name} ended with {end.code}")
                    member.begin()
            await asyncio.sleep(0.3)

    def said(self) -> str:
        """The log that all processes share."""
        return self.log.read_text(errors="replace")

    def kill(self) -> None:
        for member in self.members.values():
            member.process.kill()
            member.process.wait()
            member.proxy.cut()


SETTINGS = {
    "AGENTCORE_MODEL": "offline",
    "AGENTCORE_POOL_SIZE": str(POOL),
    "AGENTCORE_LEASE_SECONDS": str(LEASE),
    "AGENTCORE_SLICE_SECONDS": "6",
    "AGENTCORE_DEADLINE_MARGIN": "3",
    "AGENTCORE_SYNC_TOOL_SECONDS": "2",
    "AGENTCORE_MAX_FAILURES": "50",
    "AGENTCORE_BACKOFF_SECONDS": "0.2",
    "AGENTCORE_BACKOFF_MOST": "2",
    "AGENTCORE_TICK_SECONDS": "0.5",
    "AGENTCORE_QUESTION_TTL": "20",
    "AGENTCORE_SCHEDULE_GAP": "0",
    "AGENTCORE_RATE_PER_SECOND": "0",
    "AGENTCORE_WEBHOOK_ALLOW_HTTP": "true",
    "AGENTCORE_WEBHOOK_ALLOW_PRIVATE": "true",
    "AGENTCORE_WEBHOOK_BACKOFF_SECONDS": "0.5",
    "AGENTCORE_WEBHOOK_BACKOFF_MOST": "2",
}


@asynccontextmanager
async def running(options: Options, folder: Path, database: str, **env: str) -> AsyncIterator[Fleet]:
    """The processes, killed at the end."""
    fleet = Fleet(options, folder, database, **env)
    supervising = asyncio.create_task(fleet.supervise())
    try:
        yield fleet
    finally:
        supervising.cancel()
        await asyncio.gather(supervising, return_exceptions=True)
        fleet.kill()
