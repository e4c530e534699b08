"""Agents for tests of streams: they say a lot, or a little, at once."""

from __future__ import annotations

import os
from typing import Any

from agentcore import register


def make(words: int, size: int) -> Any:
    from agents import Agent

    from agentcore.testing import SideTable, say
    from tests.engine.test_event_stream import Wordy
    from tests.engine.world import World

    world = World.__new__(World)
    world.side = SideTable(os.environ["SIDE"])
    model = Wordy(world, words=[f"{n} ".ljust(size, "x") for n in range(words)])
    model.turns = ([say("".join(model.words))],)
    return Agent(name="words", model=model)


def few() -> Any:
    return make(5, 8)


def many() -> Any:
    return make(3000, 2000)


register("few", "tests.e2e.agents_words:few", description="Says a little.")
register("many", "tests.e2e.agents_words:many", description="Says six megabytes.")
