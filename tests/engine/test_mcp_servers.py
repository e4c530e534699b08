"""Local MCP servers as the SDK documents them, in an agent that nobody connects them for."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from agents import Agent
from agents.mcp import MCPServerStdio

from agentcore.preflight import preflight
from agentcore.testing import call, say
from tests.engine.world import World, kinds, outputs, until
from tests.harness import Harness, on

SERVER = """
import os, sys
from mcp.server import MCPServer

def side(line):
    with open(sys.argv[1], "a") as file:
        file.write(line + "\\n")

server = MCPServer("shop")

@server.tool()
def price(item: str) -> str:
    "The price of an item."
    side("price")
    return f"{item} costs 7"

@server.tool()
def buy(item: str) -> str:
    "Buy an item; the server dies of the first one."
    side("buy")
    if open(sys.argv[1]).read().count("buy") == 1:
        os._exit(1)
    return f"bought {item}"

side(f"pid {os.getpid()}")
server.run("stdio")
"""


def shop(path: Path, **options: Any) -> MCPServerStdio:
    """A server that nobody has connected."""
    script = path / "server.py"
    script.write_text(SERVER)
    command: Any = {"command": sys.executable, "args": [str(script), str(path / "side")]}
    return MCPServerStdio(params=command, client_session_timeout_seconds=60, **options)


def agent(world: World, server: MCPServerStdio, tool: str = "price", where: str = "itself") -> Agent[Any]:
    turns = [call(tool, {"item": "tea"}, id="p")], [say("done")]
    if where == "itself":
        return world.agent(*turns, mcp_servers=[server])
    inner = world.agent(*turns, name="inner", mcp_servers=[server])
    return world.agent([call("inner", {"input": "q"}, id="i")], [say("done")], tools=[inner.as_tool("inner", "d")])


def pids(world: World) -> list[int]:
    return [int(line.split()[1]) for line in world.side.count() if line.startswith("pid")]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("where", ["itself", "agent tool"])
def test_a_server_is_connected_once_for_all_runs_and_closed_at_the_end(
    tmp_path: Path, world: World, streamed: bool, where: str
) -> None:
    async def test(it: Harness) -> None:
        server = shop(tmp_path)
        it.agent(lambda: agent(world, server, where=where))
        runs = [await it.accept(deltas=streamed) for _ in range(3)]
        await asyncio.gather(*(it.service.work(run.id) for run in runs))
        for run in runs:
            left = await it.get(run)
            assert (left.status, left.output, left.error) == ("succeeded", "done", None)
            assert "tea costs 7" in str(kinds(await it.journal(run), "tool"))
        assert (world.count("price"), len(pids(world))) == (3, 1)
        assert alive(pids(world)[0])

    on(tmp_path, test)
    assert not alive(pids(world)[0])


@pytest.mark.parametrize("where", ["itself", "agent tool"])
def test_servers_that_are_made_with_their_agents_do_not_pile_up(
    tmp_path: Path, world: World, streamed: bool, where: str
) -> None:
    async def test(it: Harness) -> None:
        it.agent(lambda: agent(world, shop(tmp_path), where=where))
        for _ in range(3):
            assert (await it.run(deltas=streamed)).status == "succeeded"
        await until(lambda: [alive(pid) for pid in pids(world)] == [False, False, True])

    on(tmp_path, test)
    assert not any(alive(pid) for pid in pids(world))


@pytest.mark.parametrize("registered", ["itself", "by a function that makes it of what there is"])
def test_a_server_that_all_runs_share_stays_whatever_runs_beside(
    tmp_path: Path, world: World, streamed: bool, registered: str
) -> None:
    async def test(it: Harness) -> None:
        shared, other = shop(tmp_path), shop(tmp_path)
        it.agent(agent(world, shared) if registered == "itself" else lambda: agent(world, shared))
        it.agent(lambda: agent(world, other), "other")
        for name in ["main", *(["main"] if registered != "itself" else []), "other", "other"]:
            await it.run(agent=name, deltas=streamed)
        assert (await it.run(deltas=streamed)).status == "succeeded"
        assert [alive(pid) for pid in pids(world)] == [True, True]

    on(tmp_path, test)


@pytest.mark.parametrize("where", ["itself", "agent tool"])
def test_a_server_that_died_is_connected_again(tmp_path: Path, world: World, streamed: bool, where: str) -> None:
    async def test(it: Harness) -> None:
        server = shop(tmp_path)
        it.agent(lambda: agent(world, server, where=where))
        assert (await it.run(deltas=streamed)).status == "succeeded"
        os.kill(pids(world)[0], signal.SIGKILL)
        run = await it.run(deltas=streamed)
        assert (run.status, run.error) == ("succeeded", None)
        assert (world.count("price"), len(pids(world))) == (2, 2)

    on(tmp_path, test)


@pytest.mark.parametrize("approval", ["never", "always"])
def test_a_server_that_dies_of_a_call_leaves_its_outcome_unknown(
    tmp_path: Path, world: World, streamed: bool, approval: Any
) -> None:
    async def test(it: Harness) -> None:
        server = shop(tmp_path, require_approval=approval)
        it.agent(lambda: agent(world, server, "buy"))
        run = await it.run(deltas=streamed)
        if approval == "always":
            await it.decide("approve")
            [question] = await it.questions()
            assert (question.kind, question.tool, world.count("buy")) == ("outcome", "buy", 1)
            await it.decide("again")
        left = await it.get(run)
        assert (left.status, left.error, world.count("buy")) == ("succeeded", None, 2)
        assert "bought tea" in str(outputs(await it.history(run))["p"])

    on(tmp_path, test)


def test_a_server_that_cannot_be_started_fails_its_run_by_name(tmp_path: Path, world: World, streamed: bool) -> None:
    async def test(it: Harness) -> None:
        server = MCPServerStdio(params={"command": str(tmp_path / "nothing")}, name="shop")
        it.agent(lambda: agent(world, server))
        run = await it.run(deltas=streamed)
        assert (run.status, (run.error or {})["code"]) == ("failed", "transient")
        assert "'shop'" in str(run.error)
        assert len(await it.keys(run, "retried")) == 2

    on(tmp_path, test, max_failures=3)


def test_preflight_knows_the_tools_of_a_server(tmp_path: Path, world: World) -> None:
    async def test(it: Harness) -> None:
        server = shop(tmp_path, require_approval="always")
        it.agent(lambda: agent(world, server))
        assert (await it.run()).status == "waiting"
        await it.service.servers.close()
        await until(lambda: not alive(pids(world)[0]))
        assert [report.problem async for report in preflight(it.service)] == [None]
        assert world.count("price") == 0

    on(tmp_path, test)
