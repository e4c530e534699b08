"""Runs that the process which accepts them executes itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from agents import Agent, AgentOutputSchema, RunContextWrapper, function_tool
from pydantic import BaseModel

from agentcore.errors import NotFound
from agentcore.journal import ALWAYS
from agentcore.records import Run
from agentcore.testing import Script, call, say
from tests.harness import TENANT, Harness, harness, on


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


class Odd(BaseModel):
    """Things that a database cannot keep, or keeps in another way."""

    text: str
    number: float
    long: list[Any]


ODD = r'{"text": "a\u0000b \u00e6", "number": NaN, "long": [1, 2.5, null, {"b": 1, "a": [true]}]}'
ANY = AgentOutputSchema(Odd, strict_json_schema=False)


@function_tool(failure_error_function=None)
def fail() -> str:
    raise ValueError("half of a pair: \ud800")


def _asked_to_stop(it: Harness) -> Agent[Any]:
    @function_tool
    async def stop(context: RunContextWrapper[Any]) -> str:
        [run] = await it.store.runs(TENANT)
        await it.service.cancel(TENANT, run.id)
        return "asked"

    return Agent(name="main", model=Script([call("stop", id="c")], [say("never")]), tools=[stop])


ENDINGS: dict[str, Callable[[Harness], Agent[Any]]] = {
    "text": lambda it: Agent(name="main", model=Script([say("a\0b \ud800 æ")])),
    "structure": lambda it: Agent(name="main", model=Script([say(ODD)]), output_type=ANY),
    "error": lambda it: Agent(name="main", model=Script([call("fail", id="c")]), tools=[fail]),
    "asked to stop": _asked_to_stop,
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_who_waits_in_this_process_is_told_what_the_database_has(
    database_url: str, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agentcore.look.LEAST", ALWAYS)

    async def go() -> None:
        async with harness(database_url) as it:
            it.agent(ENDINGS[ending](it))
            run = await it.accept(here=True, metadata={"b": 1, "a": 2})

            async def read(tenant: str, run_id: str) -> Run:
                # What a cancellation did, or how a database has an object; nobody need look for the end.
                assert ending in ("asked to stop", "structure")
                return await stored(tenant, run_id)

            stored = it.store.run
            monkeypatch.setattr(it.store, "run", read)
            told = await it.service.wait(run, 60)
            assert told.terminal
            assert told == (found := await stored(TENANT, run.id))
            assert repr(told.output) == repr(found.output)  # in the same order, too

    asyncio.run(go())


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
