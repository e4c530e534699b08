"""What of a run's events a client asked for: `stream_mode` of the Agent Protocol."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace

from agentcore.events import PublicEvent

_OF_MODE = {
    "messages": frozenset({"delta", "reset", "message"}),
    "updates": frozenset({"message", "inner_message", "tool_started", "tool_result", "handoff"}),
    "custom": frozenset({"custom"}),
}
_TOLD = frozenset().union(*_OF_MODE.values())  # all other events say how the run is: everybody gets those
# No type: of what a schema means here, a text or an event of it, tools have two minds (OpenAPI 3.2 tells them apart).
DESCRIBED = {"text/event-stream": {"schema": {"description": "Server-sent events: docs/streams.md has their types."}}}
ALL = "The client has all events of a run that has ended. An EventSource does not come back."


def chosen(events: AsyncGenerator[PublicEvent, None], mode: str | Sequence[str]) -> AsyncGenerator[PublicEvent, None]:
    """The events of a run that these modes have. `values`, the default, has all of them, and the values at the end."""
    modes = {mode} if isinstance(mode, str) else set(mode)
    return _with_values(events) if "values" in modes else _some(events, modes)


async def _with_values(events: AsyncGenerator[PublicEvent, None]) -> AsyncGenerator[PublicEvent, None]:
    async with aclosing(events) as all_of_them:
        async for event in all_of_them:
            if event.type == "finished":
                # No id: the end of the run has it, and who comes back for that gets both.
                yield replace(event, id="", type="values", data={"output": event.data.get("output"), "error": None})
            yield event


async def _some(events: AsyncGenerator[PublicEvent, None], modes: set[str]) -> AsyncGenerator[PublicEvent, None]:
    wanted = frozenset().union(*(_OF_MODE[mode] for mode in modes))
    async with aclosing(events) as all_of_them:
        async for event in all_of_them:
            if event.type in wanted or event.type not in _TOLD:
                yield event
