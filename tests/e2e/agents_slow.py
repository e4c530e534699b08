"""Agents for tests that kill processes: a model that is scripted, and a tool that waits until it is let go."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentcore import register

if TYPE_CHECKING:
    from agentcore.testing import SideTable

HOLD = 3  # the step that waits


def let_go(side: SideTable) -> bool:
    return Path(f"{side.path}.go").exists()


def make() -> Any:
    from agents import Agent, function_tool

    from agentcore.testing import Script, SideTable, call, say

    side = SideTable(os.environ["SIDE"])

    @function_tool
    async def step(number: int) -> str:
        side.add(f"step:{number}")
        while number == HOLD and not let_go(side):  # noqa: ASYNC110 - another process lets it go
            await asyncio.sleep(0.02)
        return f"step {number} is done"

    turns = [[call("step", {"number": n}, id=f"call_{n}")] for n in range(1, 6)]
    return Agent(name="slow", model=Script(*turns, [say("All steps are done.")], log=side), tools=[step])


register("slow", "tests.e2e.agents_slow:make", description="Takes five steps, and waits in the third.")
