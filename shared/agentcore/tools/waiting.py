"""Tools that wait, holding no worker: the run sleeps and is woken by the clock, an event or a message."""

from __future__ import annotations

import json

from agents import function_tool

from agentcore.clock import parse_when
from agentcore.context import Woke, current
from agentcore.effects import effect
from agentcore.tools.failures import say_the_fix


@effect("idempotent")
@function_tool(failure_error_function=say_the_fix)
async def sleep_until(when: str) -> str:
    """Sleep, pausing until a time, then go on. It costs nothing, however long it is.

    Args:
        when: A duration such as 90s, 2h or 3d, or an ISO 8601 time with its offset, such as 2027-03-01T09:00:00+01:00.
    """
    woke = await current().sleep(parse_when(when))
    return "You slept until then: it is time to go on." if woke.by == "time" else _interrupted(woke)


@effect("idempotent")
@function_tool(failure_error_function=say_the_fix)
async def wait_for_event(name: str, timeout: str = "7d", correlation: str = "") -> str:  # noqa: ASYNC109 - the model's
    """Wait for an event from outside, such as order.delivered, and return its data.

    Args:
        name: The event's name.
        timeout: How long to wait at most: a duration such as 2h or 3d, or an ISO 8601 time.
        correlation: Which one of the events of that name is meant, such as an order's id. Empty: any of that name.
    """
    woke = await current().sleep(parse_when(timeout), event=name, correlation=correlation)
    if woke.by == "event":
        return f"Event {name} came: {json.dumps(woke.data, ensure_ascii=False)}"
    return f"Event {name} has not come within {timeout}." if woke.by == "time" else _interrupted(woke)


def _interrupted(woke: Woke) -> str:
    return f"Woken early by a new {woke.by}. You will see it after this answer: finish here, or say what is still open."
