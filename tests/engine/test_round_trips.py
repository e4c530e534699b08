"""What a turn costs on PostgreSQL: one statement a durable point, none in a transaction block."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from agents import Agent, function_tool

from agentcore.api import create_app
from agentcore.journal import ALWAYS
from agentcore.service import Service
from agentcore.store.sql import SqlStore
from agentcore.testing import Script, call, say
from tests.harness import harness
from tests.statements import statements


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow machine must not write early what may wait, nor look for cancellations meanwhile."""
    monkeypatch.setattr("agentcore.durable.model.LINGER", ALWAYS)
    monkeypatch.setattr("agentcore.engine.CANCEL_POLL", ALWAYS)


@function_tool
async def look() -> str:
    return "seen"


TURNS: dict[str, tuple[Any, int]] = {
    # Accept with the claim, each model response that calls tools, each tool result, the end with the last response.
    "text": (Agent(name="main", model=Script([say("hello")])), 2),
    "one tool": (Agent(name="main", model=Script([call("look", id="c")], [say("done")]), tools=[look]), 4),
}


@pytest.mark.parametrize("name", list(TURNS))
def test_a_turn_that_is_executed_where_it_is_accepted(name: str, postgres_url: str) -> None:
    agent, most = TURNS[name]

    async def go() -> None:
        async with harness(postgres_url) as it:
            assert isinstance(it.store, SqlStore)
            it.agent(agent)
            for count in range(3):  # the first one also warms up
                with statements(it.store) as seen:
                    run = await it.accept(here=True, deltas=False)
                    await it.quiet()
                assert (await it.get(run)).status == "succeeded"
                own = [s for s in seen if "pg_notify" not in s]
                if count:
                    assert "BEGIN" not in own, own
                    assert len(own) == most, "\n".join(own)

    asyncio.run(go())


def test_http_adds_one_statement_for_the_thread(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    agent, most = TURNS["text"]
    monkeypatch.setattr("agentcore.look.LEAST", ALWAYS)  # a slow machine must not look meanwhile whether others write

    async def go() -> None:
        async with harness(postgres_url, auth="none") as it:
            assert isinstance(it.store, SqlStore)
            it.agent(agent)
            transport = httpx.ASGITransport(create_app(it.service))
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
                for count in range(3):
                    with statements(it.store) as seen:
                        thread = (await http.post("/threads", json={})).raise_for_status().json()
                        body = {"agent_id": "main", "input": "go", "thread_id": thread["thread_id"]}
                        answer = (await http.post("/runs/wait", json=body)).raise_for_status().json()
                        await it.quiet()
                    assert answer["values"]["output"] == "hello"
                    own = [s for s in seen if "pg_notify" not in s]
                    if count:
                        assert "BEGIN" not in own, own
                        assert len(own) == 1 + most, "\n".join(own)

    asyncio.run(go())


@pytest.mark.parametrize("name", list(TURNS))
def test_a_webhook_costs_no_statement_before_the_end_of_its_run(
    name: str, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent, most = TURNS[name]
    monkeypatch.setattr(Service, "_tell", lambda self, run: None)  # telling it comes after

    async def go() -> None:
        async with harness(postgres_url) as it:
            assert isinstance(it.store, SqlStore)
            it.agent(agent)
            for count in range(3):
                with statements(it.store) as seen:
                    run = await it.accept(here=True, deltas=False, webhook="https://example.com")
                    await it.quiet()
                own = [s for s in seen if "pg_notify" not in s]
                assert len(await it.store.deliveries(run.tenant, run.id)) == 1
                if count:
                    assert "BEGIN" not in own, own
                    assert len(own) == most, own

    asyncio.run(go())


@pytest.mark.parametrize("name", list(TURNS))
def test_a_turn_that_goes_over_the_bus_costs_one_more(name: str, postgres_url: str) -> None:
    agent, most = TURNS[name]

    async def go() -> None:
        async with harness(postgres_url) as it:
            assert isinstance(it.store, SqlStore)
            it.agent(agent)
            for count in range(3):
                with statements(it.store) as seen:
                    await it.accept(deltas=False)
                    await it.work()
                    await it.quiet()
                own = [s for s in seen if "pg_notify" not in s]
                if count:
                    assert "BEGIN" not in own, own
                    assert len(own) == most + 1, "\n".join(own)

    asyncio.run(go())
