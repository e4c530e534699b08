"""What an agent can come to use: the agents it hands over to or calls, and which of their tools are refused. Reads the
agents it is given by their attributes, so that it imports no SDK."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from agentcore.errors import Misconfigured

_REFUSED = {"LocalShellTool", "ShellTool", "ApplyPatchTool", "ComputerTool", "CustomTool"}


def reachable(agent: Any) -> list[Any]:
    """The agent and all that it can reach by handoffs and as tools, each once.

    A `Handoff` of one's own making says only when it is called which agent it leads to; that one is checked then.
    """
    found, ahead = {id(agent): agent}, [agent]
    while ahead:
        for other in _next(ahead.pop()):
            if id(other) not in found:
                found[id(other)] = other
                ahead.append(other)
    return list(found.values())


def _next(agent: Any) -> Iterator[Any]:
    for tool in getattr(agent, "tools", ()):
        if getattr(tool, "_is_agent_tool", False):
            yield tool._agent_instance
    for target in getattr(agent, "handoffs", ()):
        if not hasattr(target, "on_invoke_handoff"):
            yield target
        elif (kept := getattr(target, "_agent_ref", None)) and (other := kept()) is not None:
            yield other


def check(agent: Any) -> list[Any]:
    """The agent and all it can reach. Raises Misconfigured, naming agent and tool, where one has a refused tool."""
    agents = reachable(agent)
    for one in agents:
        check_tools(one.name, getattr(one, "tools", ()))
    return agents


def check_tools(agent: str, tools: Iterable[Any]) -> None:
    """Raises Misconfigured, naming the tool, for local kinds that the SDK gives no seam to record."""
    for tool in tools:
        kind = type(tool).__name__
        hosted = kind == "ShellTool" and getattr(tool, "executor", None) is None
        if kind in _REFUSED and not hosted:
            raise Misconfigured(
                f"Agent {agent!r}: {kind} runs on this machine and cannot be recorded, so a crash could repeat "
                f"what it did. Put it behind a @function_tool, and say what a repeat means with @effect.",
                agent=agent,
            )
