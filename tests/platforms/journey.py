"""What must happen on every host, whatever its events look like."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

from agentcore import settings as environment
from agentcore.bus import open_bus
from agentcore.ports import StateStore
from agentcore.records import Message
from agentcore.store import open_store
from agentcore.testing import SideTable, advance
from tests.platforms.steps import STEPS

T = TypeVar("T")
PATIENCE = 300.0  # these tests end where a busy machine lets them
MARGIN = "3.0"  # seconds: of a limit, what such a machine may take to hand over


class Host(Protocol):
    """A platform with our three functions on it."""

    side: SideTable
    url: str  # of the database

    @property
    def killed(self) -> int:
        """How often the worker's process was killed at the limit."""
        ...

    def http(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON that the API answers; AssertionError unless it is a success."""
        ...

    def carry(self) -> bool:
        """Give the worker what is on the bus, if anything comes within a second; whether it did."""
        ...

    def tick(self) -> Any: ...


def variables(folder: Path, url: str, bus: str, **more: str) -> dict[str, str]:
    """The settings of all processes on a host."""
    return {
        "AGENTCORE_DATABASE_URL": url, "AGENTCORE_BUS_URL": bus, "AGENTCORE_AGENTS": "tests.platforms.agents_hosts",
        "AGENTCORE_MODEL": "offline", "AGENTCORE_ALLOW_UNAUTHENTICATED": "true", "AGENTCORE_LEASE_SECONDS": "10",
        "AGENTCORE_REDELIVERY_SECONDS": "2", "AGENTCORE_DEADLINE_MARGIN": MARGIN, "SIDE": str(folder / "side"), **more,
    }  # fmt: skip


def pump(host: Host, *, until: Callable[[], T | None]) -> T:
    """Be the platform's bus and clock, until something has come to pass."""

    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if (found := until()) is not None:
            return found
        if not host.carry():
            host.tick()
    raise AssertionError(f"it did not come to pass: {host.side.count()}")


def push(url: str, give: Callable[[Message], bool]) -> bool:
    """Be a platform that takes a message off a bus and calls a function with it; whether there was one.

    It is given back where `give` says False.
    """

    async def go() -> bool:
        bus = open_bus(url, cast(StateStore, None), environment.load(bus_url=url))
        try:
            messages = await bus.receive(limit=1, wait=1.0)
            for message in messages:
                done = await asyncio.to_thread(give, message)
                await (bus.ack(message) if done else bus.retry(message, delay=0.0))
            return bool(messages)
        finally:
            await bus.close()

    return asyncio.run(go())


def later(host: Host, seconds: float) -> None:
    async def go() -> None:
        store = open_store(host.url, environment.load(database_url=host.url))
        await store.open()
        await advance(store, seconds)
        await store.close()

    asyncio.run(go())


def state(host: Host, run: Any, *wanted: str) -> Callable[[], Any]:
    """The run, once it is in one of these states."""

    def look() -> Any:
        found = host.http("GET", f"/runs/{run['run_id']}")
        return found if found["state"] in wanted else None

    return look


def start(host: Host, agent: str) -> Any:
    return host.http("POST", "/runs", {"agent_id": agent, "input": "go", "on_completion": "keep"})


def travels(host: Host) -> None:
    """Accept over HTTP → bus → worker → a person approves → it sleeps → the timer wakes it → read to the end."""
    run = start(host, "traveller")
    assert pump(host, until=state(host, run, "waiting"))
    (question,) = host.http("GET", "/approvals")
    host.http("POST", f"/approvals/{question['approval_id']}", {"decision": "approve"})
    assert pump(host, until=state(host, run, "sleeping"))
    later(host, 3700)
    host.tick()
    assert pump(host, until=state(host, run, "succeeded"))
    read = host.http("GET", f"/runs/{run['run_id']}/events")
    assert read["events"][-1]["type"] == "finished", read["events"]
    assert {line: n for line, n in host.side.count().items() if line in ("book", "nap")} == {"book": 1, "nap": 1}


def outlives(host: Host) -> None:
    """A run that needs several times the host's limit ends, and no step was repeated."""
    run = start(host, "long")
    assert pump(host, until=state(host, run, "succeeded", "failed"))["state"] == "succeeded"
    assert host.side.count() == {f"step:{n}": 1 for n in range(STEPS)}


def outlives_a_kill(host: Host) -> None:
    """A tool that hangs has its process killed at the limit; the run goes on where it was."""
    run = start(host, "stuck")
    assert pump(host, until=state(host, run, "succeeded", "failed"))["state"] == "succeeded"
    assert host.killed == 1
    assert host.side.count() == {"first": 1, "hang": 1}
