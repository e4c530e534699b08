"""A whole service in one process over a real database, for tests of what runs do."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from agents import Agent

from agentcore import app
from agentcore.bus import open_bus
from agentcore.deadline import Deadline
from agentcore.records import Entry, Question, Run
from agentcore.registry import AgentSpec, Registry
from agentcore.service import Service
from agentcore.settings import Settings
from agentcore.store import open_store
from agentcore.testing import advance

TENANT = "default"


class Harness:
    """The service, and the verbs that tests repeat."""

    def __init__(self, service: Service) -> None:
        self.service, self.store = service, service.store

    def agent(self, agent: Agent[Any] | Callable[[], Any], name: str = "main", **options: Any) -> None:
        self.service.registry.specs[name] = AgentSpec(name=name, target=agent, **options)

    async def accept(self, input: Any = "go", agent: str = "main", **options: Any) -> Run:
        return await self.service.accept(TENANT, agent=agent, input=input, **options)

    async def work(self, deadline: Deadline | None = None) -> None:
        """Do what is on the bus, until it is empty."""
        while messages := await self.service.bus.receive(limit=10, wait=0.01):
            for message in messages:
                await self.service.work(message.run_id, deadline)

    async def run(self, input: Any = "go", agent: str = "main", **options: Any) -> Run:
        """Accept and work; the run as it was left."""
        accepted = await self.accept(input, agent, **options)
        await self.work()
        return await self.get(accepted)

    async def quiet(self) -> None:
        """What is executed where it was accepted is done."""
        while self.service.deadlines:  # noqa: ASYNC110  # what ends sets no event, and tests may poll
            await asyncio.sleep(0.001)
        await self.service.drain(10)

    async def get(self, run: Run) -> Run:
        return await self.store.run(TENANT, run.id)

    async def later(self, seconds: float) -> None:
        """Let time pass, and the timer ring."""
        await advance(self.store, seconds)
        await self.service.tick()
        await self.work()

    async def journal(self, run: Run) -> list[Entry]:
        _, entries = await self.store.entries(TENANT, run.id, limit=10_000)
        return [entry for entry in entries if entry.kind != "delta"]

    async def keys(self, run: Run, *kinds: str) -> list[str]:
        return [e.key for e in await self.journal(run) if not kinds or e.kind in kinds]

    async def history(self, run: Run) -> list[dict[str, Any]]:
        return [dict(item.data) for item in await self.store.items(TENANT, run.thread_id)]

    async def questions(self) -> list[Question]:
        return await self.store.questions(TENANT)

    async def decide(self, decision: Any = "approve", **options: Any) -> None:
        """Answer what is asked, all of it, and let the runs go on."""
        for question in await self.questions():
            await self.service.decide(TENANT, question.id, decision, by="tester", **options)
        await self.work()


def settings(url: str, **options: Any) -> Settings:
    return Settings(
        **{"database_url": url, "bus_url": "memory://", "model": "offline", "backoff_seconds": 0.0, **options}
    )


@asynccontextmanager
async def harness(url: str, **options: Any) -> AsyncIterator[Harness]:
    """A service over the database at `url`, migrated."""
    chosen = settings(url, **options)
    store = open_store(url, chosen)
    service = Service(store=store, bus=open_bus(chosen.bus_url, store, chosen), registry=Registry(), settings=chosen)
    async with app.running(service, migrate=True):
        yield Harness(service)


def on(path: Path, test: Callable[[Harness], Awaitable[None]], **options: Any) -> None:
    """Run an async test over a SQLite file in this folder."""

    async def go() -> None:
        async with harness(f"sqlite:///{path}/test.db", **options) as it:
            await test(it)

    logging.getLogger("openai.agents").setLevel(logging.CRITICAL)
    asyncio.run(go())
