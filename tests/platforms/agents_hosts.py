"""Agents for hosts: one that asks and sleeps, one that works longer than a host allows, one that hangs once."""

from __future__ import annotations

import asyncio
import os
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from agentcore import register
from agentcore.registry import EventRule
from tests.platforms.steps import STEPS

SECONDS = 0.4  # of a step


def _side() -> Any:
    from agentcore.testing import SideTable

    return SideTable(os.environ["SIDE"])


def traveller() -> Any:
    from agents import Agent, function_tool

    from agentcore import current
    from agentcore.testing import Script, call, say

    side = _side()

    @function_tool(needs_approval=True)
    async def book() -> str:
        side.add("book")
        return "booked"

    @function_tool
    async def nap() -> str:
        await current().sleep(timedelta(hours=1))
        side.add("nap")
        return "slept"

    turns = [call("book", id="c1")], [call("nap", id="c2")], [say("Have a good trip.")]
    return Agent(name="traveller", model=Script(*turns, log=side), tools=[book, nap])


def long() -> Any:
    from agents import Agent, function_tool

    from agentcore.testing import Script, call, say

    side = _side()

    @function_tool
    async def step(number: int) -> str:
        await asyncio.sleep(SECONDS)
        side.add(f"step:{number}")
        return f"step {number} is done"

    turns = [[call("step", {"number": n}, id=f"c{n}")] for n in range(STEPS)]
    return Agent(name="long", model=Script(*turns, [say("All steps are done.")]), tools=[step])


def stuck() -> Any:
    from agents import Agent, function_tool

    from agentcore.testing import Script, call, say

    side = _side()

    @function_tool
    async def first() -> str:
        side.add("first")
        return "done"

    @function_tool
    def hang() -> str:
        once = Path(f"{side.path}.hung")
        if not once.exists():
            once.touch()
            time.sleep(60)  # no deadline reaches it: the host kills the process
        side.add("hang")
        return "done"

    turns = [call("first", id="c1")], [call("hang", id="c2")], [say("It ends.")]
    return Agent(name="stuck", model=Script(*turns), tools=[first, hang])


def buyer() -> Any:
    from agents import Agent

    from agentcore.testing import Script, say

    return Agent(name="buyer", model=Script([say("Thank you.")]))


for name in ("traveller", "long", "stuck"):
    register(name, f"{__name__}:{name}", description=f"The {name} agent")

rule = EventRule(name="paid", input=lambda event: f"{event.source} {event.name} {event.data['sum']}")
register("buyer", f"{__name__}:buyer", events=[rule])
