"""A tool that holds up the event loop costs no other run its worker, and is not repeated."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from agents import Agent, function_tool

from agentcore.deadline import Deadline
from agentcore.store import open_store
from agentcore.testing import call, say
from tests.engine.world import World, elsewhere
from tests.harness import harness, settings

LEASE = 4.0
WORDS = "the event loop is held up"


def swept(url: str) -> Sequence[str]:
    """What another process takes, while this one can do nothing."""
    found = list[str]()

    async def sweep() -> None:
        store = open_store(url, settings(url))
        await store.open()
        found.extend(await store.sweep(limit=10, redelivery=60))
        await store.close()

    elsewhere(sweep)
    return found


def blocks(world: World, url: str, enough: Callable[[], bool]) -> Callable[[], Agent[None]]:
    """An agent whose tool holds up the loop until it is enough, or somebody else has taken a run."""

    @function_tool
    async def block() -> str:
        world.side.add("block")
        while not enough():
            if taken := swept(url):
                world.side.add(f"taken {len(taken)}")
                break
            time.sleep(0.2)  # noqa: ASYNC251 - which is what users do
        return "ok"

    return lambda: world.agent([call("block", id="c1")], [say("done")], tools=[block])


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgres_url"))
    return f"sqlite:///{tmp_path}/test.db"


def test_a_tool_that_holds_up_the_loop_for_longer_than_a_lease_is_not_repeated(
    url: str, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    async def test() -> None:
        async with harness(url, lease_seconds=LEASE) as it:
            until = 0.0
            it.agent(blocks(world, url, lambda: time.monotonic() > until))
            run = await it.accept()
            until = time.monotonic() + 2 * LEASE
            left = await it.service.work(run.id)
            assert left is not None
            assert (left.status, left.fence) == ("succeeded", 1)

    with caplog.at_level(logging.WARNING, "agentcore.watchdog"):
        asyncio.run(test())
    assert world.side.count() == {"model:0": 1, "block": 1, "model:1": 1}
    told = [record.getMessage() for record in caplog.records if WORDS in record.getMessage()]
    assert any(f"block ({__file__}:" in words for words in told), told


def test_a_loop_that_is_held_up_for_a_whole_slice_loses_its_runs(tmp_path: Path, world: World) -> None:
    url = f"sqlite:///{tmp_path}/test.db"

    async def test() -> None:
        async with harness(url, lease_seconds=LEASE, slice_seconds=1, deadline_margin=0.2) as it:
            until = time.monotonic() + 60
            it.agent(blocks(world, url, lambda: time.monotonic() > until))
            run = await it.accept()
            await it.service.work(run.id, Deadline(60))  # slice_seconds is for the watchdog alone here

    asyncio.run(test())
    assert world.count("taken 1") == 1
