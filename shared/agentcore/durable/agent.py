"""Agents made durable in place, once, across handoffs and agents used as tools."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any

from agents import Agent, FunctionTool, Handoff, InputGuardrail, OutputGuardrail, RunContextWrapper, Tool

from agentcore.durable.model import durable_model
from agentcore.durable.scope import enter, scope_now
from agentcore.durable.tool import durable_tool, is_agent_tool
from agentcore.effects import effect_of
from agentcore.errors import Misconfigured

_MARK = "_agentcore_durable"
_REFUSED = {"LocalShellTool", "ShellTool", "ApplyPatchTool", "ComputerTool", "CustomTool"}


def instrument(agent: Agent[Any]) -> None:
    """Make an agent and all it can reach durable. Outside a run nothing changes for them.

    Raises Misconfigured for a tool that runs here and cannot be recorded.
    """
    if agent.__dict__.get(_MARK):
        return
    agent.__dict__[_MARK] = True
    check_tools(agent)
    durable_model(agent)
    _tools_of(agent)
    guardrails: list[Any] = [*agent.input_guardrails, *agent.output_guardrails]
    durable_guardrails(guardrails, before=_has_effects(agent))
    for tool in agent.tools:
        if is_agent_tool(tool):
            instrument(tool._agent_instance)  # type: ignore[union-attr]  # only an agent's tool gets here
    for target in agent.handoffs:
        if isinstance(target, Handoff):
            _durable_handoff(target)
        else:
            instrument(target)


def check_tools(agent: Agent[Any]) -> None:
    """Raises Misconfigured, naming the tool, for local kinds that the SDK gives no seam to record."""
    for tool in agent.tools:
        kind = type(tool).__name__
        hosted = kind == "ShellTool" and getattr(tool, "executor", None) is None
        if kind in _REFUSED and not hosted:
            raise Misconfigured(
                f"Agent {agent.name!r}: {kind} runs on this machine and cannot be recorded, so a crash could repeat "
                f"what it did. Put it behind a @function_tool, and say what a repeat means with @effect.",
                agent=agent.name,
            )


def _tools_of(agent: Agent[Any]) -> None:
    """Wrap what the Runner asks an agent for in each turn: this is where MCP tools come from, and where changed tool
    lists and the acting agent are seen."""
    original = agent.get_all_tools

    @functools.wraps(original)
    async def get_all_tools(run_context: RunContextWrapper[Any]) -> list[Tool]:
        tools = await original(run_context)
        for tool in tools:
            if isinstance(tool, FunctionTool):
                durable_tool(tool)
        if scope := scope_now():
            scope.agent[0] = agent.name
        return tools

    agent.get_all_tools = get_all_tools  # type: ignore[method-assign]


def _has_effects(agent: Agent[Any]) -> bool:
    return bool(agent.mcp_servers) or any(
        is_agent_tool(t) or effect_of(t) != "read" for t in agent.tools if isinstance(t, FunctionTool)
    )


def durable_guardrails(guardrails: Iterable[InputGuardrail[Any] | OutputGuardrail[Any]], *, before: bool) -> None:
    """Give the runs inside guardrails their own place in the journal.

    `before`: input guardrails finish before the first model call. In parallel they would trip after a tool's effect.
    """
    for guardrail in guardrails:
        if before and isinstance(guardrail, InputGuardrail):
            guardrail.run_in_parallel = False
        function = guardrail.guardrail_function
        if not getattr(function, _MARK, False):
            guardrail.guardrail_function = _guarded(function, guardrail.get_name())


def _guarded(function: Any, name: str) -> Any:
    @functools.wraps(function)
    async def run(*args: Any, **kwargs: Any) -> Any:
        scope = scope_now()
        if scope is None:
            return await _maybe(function(*args, **kwargs))
        with enter(scope.within(f"guardrail:{name}")):
            return await _maybe(function(*args, **kwargs))

    setattr(run, _MARK, True)
    return run


async def _maybe(value: Any) -> Any:
    return await value if hasattr(value, "__await__") else value


def _durable_handoff(handoff: Handoff[Any, Any]) -> None:
    """A Handoff object says only when it is called which agent it leads to."""
    invoke = handoff.on_invoke_handoff
    if getattr(invoke, _MARK, False):
        return

    @functools.wraps(invoke)
    async def on_invoke_handoff(*args: Any, **kwargs: Any) -> Any:
        agent = await invoke(*args, **kwargs)
        instrument(agent)
        return agent

    setattr(on_invoke_handoff, _MARK, True)
    handoff.on_invoke_handoff = on_invoke_handoff
