"""What tests of the engine build agents from: each attempt makes them anew, as after a restart."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, cast

from agents import Agent, function_tool

from agentcore import effect
from agentcore.ports import StateStore
from agentcore.records import Ack, Entry, Lease, Run
from agentcore.service import Service
from agentcore.testing import Script, SideTable
from tests.harness import Harness


class World:
    """Tools and models that write to a side table what really happened."""

    def __init__(self, path: Path) -> None:
        self.side = SideTable(path / "side")

    def tool(self, name: str, *, kind: Any = None, **options: Any) -> Any:
        async def run() -> str:
            self.side.add(name)
            return f"{name} done"

        tool = function_tool(run, name_override=name, **options)
        return effect(kind)(tool) if kind else tool

    def model(self, *turns: Any, name: str = "model") -> Script:
        return Script(*turns, log=self.side, name=name)

    def agent(self, *turns: Any, tools: Any = (), name: str = "main", **options: Any) -> Agent[Any]:
        """An agent of that script; its model calls are counted under `model`, or `model:NAME` for others."""
        label = "model" if name == "main" else f"model:{name}"
        return Agent(name=name, model=self.model(*turns, name=label), tools=list(tools), **options)

    def count(self, line: str) -> int:
        return self.side.count()[line]


async def until(true: Callable[[], Any]) -> None:
    """Return once it is so; fail when it is not within ten seconds."""
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 - what it waits for is in a file
            await asyncio.sleep(0.005)


async def dies(it: Harness, run: Run, when: Callable[[], Any]) -> None:
    """Work on a run, and be gone at that moment, as after kill -9: nothing more is written, and the lease passes."""
    slice = asyncio.create_task(it.service.work(run.id))
    await until(when)
    slice.cancel()
    await asyncio.wait([slice])


def elsewhere(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Do it in a thread, on an event loop of its own, while the caller's stands still."""
    thread = threading.Thread(target=lambda: asyncio.run(work()))
    thread.start()
    thread.join()


def kinds(entries: list[Entry], *wanted: str) -> list[Any]:
    """The data of the entries of these kinds."""
    return [entry.data for entry in entries if entry.kind in wanted]


def outputs(items: list[dict[str, Any]]) -> dict[str, Any]:
    """What each call came to, in a history; no call may be without an output, nor the other way round."""
    calls = [item["call_id"] for item in items if item.get("type") == "function_call"]
    found = {item["call_id"]: item["output"] for item in items if item.get("type") == "function_call_output"}
    assert sorted(calls) == sorted(found), items
    return found


def slices_of_one_step(it: Harness) -> None:
    """From now on each slice ends when it has stored a step."""
    it.service.store = cast(StateStore, Yielding(it.service))


class Yielding:
    """A store that ends the slice whenever a step was stored."""

    def __init__(self, service: Service) -> None:
        self.service, self.store = service, service.store

    def __getattr__(self, verb: str) -> Any:
        return getattr(self.store, verb)

    async def append(self, lease: Lease, entries: Sequence[Entry], **options: Any) -> Ack:
        ack = await self.store.append(lease, entries, **options)
        if any(entry.kind in ("model", "tool") for entry in entries):
            for deadline in self.service.deadlines:
                deadline.bring_forward(10)
            await asyncio.sleep(0.02)
        return ack
