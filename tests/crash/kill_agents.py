"""Agents for workers that are killed: slow enough to be hit, and all they do is in the side table."""

from __future__ import annotations

import asyncio
import os
import random
from datetime import timedelta
from typing import Any

from agents import Agent, function_tool

from agentcore import current, effect, register
from agentcore.testing import Script, SideTable, call, say

SIDE = SideTable(os.environ.get("SIDE", "side"))


async def work() -> str:
    """Begin, take a moment, have an effect, take another: a kill may fall anywhere."""
    here = current()
    await asyncio.sleep(random.uniform(0, 0.1))
    SIDE.add(f"{here.run_id} {here.key} {here.idempotency_key}")
    await asyncio.sleep(random.uniform(0, 0.05))
    return f"{here.tool} done"


@effect("read")
@function_tool
async def look() -> str:
    return await work()


@effect("once")
@function_tool
async def pay() -> str:
    return await work()


@function_tool
async def store() -> str:
    return await work()


@function_tool
async def nap() -> str:
    await current().sleep(timedelta(seconds=0.3))
    return await work()


@function_tool(needs_approval=True)
async def refund() -> str:
    return await work()


TOOLS: list[Any] = [look, pay, store, nap, refund]


def text() -> Agent[Any]:
    return Agent(name="text", model=Script([say("hello")]))


def tools() -> Agent[Any]:
    turns = (
        [call("look", id="a"), call("pay", id="b"), call("store", id="c")],
        [call("nap", id="d")],
        [call("pay", id="e")],
    )
    return Agent(name="tools", model=Script(*turns, [say("done")]), tools=TOOLS)


def asks() -> Agent[Any]:
    return Agent(
        name="asks", model=Script([call("look", id="a")], [call("refund", id="b")], [say("done")]), tools=TOOLS
    )


def nested() -> Agent[Any]:
    inner = Agent(name="inner", model=Script([call("store", id="n")], [say("in")]), tools=TOOLS)
    other = Agent(name="other", model=Script([], [], [call("look", id="o")], [say("done")]), tools=TOOLS)
    turns = [call("inner", {"input": "q"}, id="a"), call("pay", id="b")], [call("transfer_to_other", id="h")]
    return Agent(name="nested", model=Script(*turns), tools=[*TOOLS, inner.as_tool("inner", "d")], handoffs=[other])


for name in ("text", "tools", "asks", "nested"):
    register(name, f"{__name__}:{name}")
