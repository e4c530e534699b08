"""Runs that the process which accepts them executes itself."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from agents import Agent, function_tool

from agentcore.errors import NotFound
from agentcore.testing import Script, call, say
from tests.harness import Harness, on


class Gate:
    """An agent whose tool waits until the gate is opened."""

    def __init__(self) -> None:
        self.entered, self.opened = asyncio.Event(), asyncio.Event()

        @function_tool
        async def wait() -> str:
            self.entered.set()
            await self.opened.wait()
            return "through"

        self.agent = Agent(name="main", model=Script([call("wait", id="c")], [say("done")]), tools=[wait])


def test_what_there_is_no_room_for_is_left_to_the_workers(tmp_path: Path) -> None:
    async def test(it: Harness) -> None:
        gate = Gate()
        it.agent(gate.agent)
        first = await it.accept(here=True)
        await gate.entered.wait()
        second = await it.accept(here=True)
        assert (first.status, second.status) == ("running", "queued")
        gate.opened.set()
        await it.quiet()
        third = await it.accept(here=True)
        assert third.status == "running"
        await it.quiet()
        await it.work()
        assert [(await it.get(run)).status for run in (first, second, third)] == ["succeeded"] * 3

    on(tmp_path, test, inline_runs=1)


def test_one_that_is_refused_takes_no_room(tmp_path: Path) -> None:
    async def test(it: Harness) -> None:
        it.agent(Agent(name="main", model=Script([say("hello")])))
        theirs, _ = await it.service.create_thread("another")
        with pytest.raises(NotFound):
            await it.accept(here=True, thread_id=theirs.id)
        assert (await it.accept(here=True)).status == "running"
        await it.quiet()

    on(tmp_path, test, inline_runs=1)


def test_one_that_has_not_begun_hears_that_the_process_ends(tmp_path: Path) -> None:
    async def test(it: Harness) -> None:
        it.agent(Agent(name="main", model=Script([say("hello")])))
        run = await it.accept(here=True)
        assert len(it.service.deadlines) == 1  # before its task had a turn
        await it.service.drain(10)
        assert (await it.get(run)).status == "queued"  # handed over: no step was begun
        await it.work()
        assert (await it.get(run)).status == "succeeded"

    on(tmp_path, test)
