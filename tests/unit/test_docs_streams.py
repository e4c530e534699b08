"""docs/streams.md says what there is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from agentcore.api import inputs, trees
from agentcore.api.commands import HANDLERS
from agentcore.api.frames import Channel
from agentcore.events import KINDS

PAGE = (Path(__file__).parents[2] / "docs/streams.md").read_text()


def rows(heading: str) -> list[list[str]]:
    """The cells of a table, found by its head."""
    table = PAGE.partition(f"| {heading} |")[2].partition("\n\n")[0]
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in table.splitlines()[2:]]


def test_each_type_of_event_is_in_the_table() -> None:
    assert {row[0].strip("`"): row[1] for row in rows("type")} == dict(KINDS)


def test_each_channel_is_in_the_table() -> None:
    named, _ = get_args(Channel)
    assert {name for row in rows("channel") for name in re.findall("`([^`]+)`", row[0])} == {
        *get_args(named), "custom:NAME",
    }  # fmt: skip


def test_each_command_is_in_the_table() -> None:
    assert inputs
    assert trees
    told = {name for row in rows("command") for name in re.findall(r"`([a-z]+\.[A-Za-z]+)`", row[0])}
    assert told - {"subscription.subscribe"} == set(HANDLERS)
