"""What is measured: raw turns, the SDK's session in a database, DBOS, and the product."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

from agents import Agent, Runner, function_tool, set_tracing_disabled

from agentcore import app
from agentcore.bus import open_bus
from agentcore.records import Run
from agentcore.registry import AgentSpec, Registry
from agentcore.service import Service
from agentcore.settings import Settings
from agentcore.store import open_store
from bench import fakes
from bench.rounds import Turn

TENANT = "default"
DBOS_PYTHON = Path(".bench/dbos/bin/python")
KINDS = ("text", "tool")
POINTS = {"text": 2, "tool": 3}  # accepted, (what the model wants called,) ended; the tool's result waits for nobody


def agents() -> dict[str, Agent[Any]]:
    """Fresh ones for each subject, as the product makes its own durable in place."""
    set_tracing_disabled(True)
    return {"text": fakes.text_agent(), "tool": fakes.tool_agent(function_tool(fakes.get_weather))}


def raw() -> Mapping[str, Turn]:
    """The SDK alone: nothing is kept."""
    found = agents()
    return {kind: partial(Runner.run, found[kind], "hi") for kind in KINDS}


@asynccontextmanager
async def commits(url: str) -> AsyncIterator[Mapping[str, Turn]]:
    """The least that durable can cost: a raw turn, and one row committed for each point that it has to wait for."""
    import psycopg

    bare = raw()
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute("create table point (id bigserial primary key, data jsonb)")

        def turn(kind: str) -> Turn:
            async def durable() -> None:
                for _ in range(POINTS[kind] - 1):
                    await connection.execute("insert into point (data) values ('{}')", prepare=True)
                await bare[kind]()
                await connection.execute("insert into point (data) values ('{}')", prepare=True)

            return durable

        yield {kind: turn(kind) for kind in KINDS}


@asynccontextmanager
async def session(url: str) -> AsyncIterator[Mapping[str, Turn]]:
    """The SDK's SQLAlchemySession: history is kept, the run is not durable. A new session each turn."""
    from agents.extensions.memory import SQLAlchemySession
    from sqlalchemy.ext.asyncio import create_async_engine

    engine, found = create_async_engine(url.replace("postgresql://", "postgresql+psycopg://")), agents()
    await SQLAlchemySession("first", engine=engine, create_tables=True).get_items()

    def turn(kind: str) -> Turn:
        return lambda: Runner.run(found[kind], "hi", session=SQLAlchemySession(str(uuid4()), engine=engine))

    yield {kind: turn(kind) for kind in KINDS}
    await engine.dispose()


class Product(Service):
    """The product in this process; it tells when a run that was accepted here has left it."""

    def spawn(self, work: Any) -> asyncio.Task[Any]:
        self.latest = super().spawn(work)
        return self.latest

    async def turn(self, kind: str, thread_id: str | None = None) -> Run:
        """A durable turn: accepted, executed in this process, ended."""
        await self.accept(TENANT, agent=kind, input="hi", thread_id=thread_id, here=True, deltas=False)
        run: Run = await self.latest  # what `accept` did last was to start it
        assert run.status == "succeeded", run.error
        return run


@asynccontextmanager
async def product(url: str, bus_url: str = "memory://", bus_password: str = "") -> AsyncIterator[Product]:
    """The product over that database, whose schema is brought up to date."""
    settings = Settings(database_url=url, bus_url=bus_url, bus_password=bus_password, model="offline")
    registry = Registry()
    registry.specs.update({kind: AgentSpec(name=kind, target=agent) for kind, agent in agents().items()})
    store = open_store(url, settings)
    service = Product(store=store, bus=open_bus(bus_url, store, settings), registry=registry, settings=settings)
    async with app.running(service, migrate=True):
        yield service


Ask = Callable[..., Awaitable[float]]


@asynccontextmanager
async def dbos(url: str) -> AsyncIterator[Ask]:
    """DBOS in its own process: ask it to measure."""
    peer = await asyncio.create_subprocess_exec(
        str(DBOS_PYTHON), "-m", "bench.dbos_peer", url,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=sys.stderr,
    )  # fmt: skip
    assert peer.stdin
    assert peer.stdout

    async def answer() -> Any:
        line = await peer.stdout.readline()  # type: ignore[union-attr]  # it was asserted
        if not line:
            raise RuntimeError("DBOS has ended. Is its environment there? `make bench` sets it up.")
        return json.loads(line)

    async def ask(case: str, **how: float) -> float:
        peer.stdin.write(json.dumps({"case": case, **how}).encode() + b"\n")  # type: ignore[union-attr]
        found: float = await answer()
        return found

    try:
        await answer()
        yield ask
    finally:
        peer.stdin.close()
        await peer.wait()
