"""Agents made durable in place, once, across handoffs and agents used as tools."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any

from agents import Agent, FunctionTool, InputGuardrail, OutputGuardrail, RunContextWrapper, Tool

from agentcore.durable.model import durable_model
from agentcore.durable.scope import Scope, enter, no_exit, scope_now
from agentcore.durable.tool import durable_tool, is_agent_tool
from agentcore.effects import effect_of
from agentcore.errors import Misconfigured
from agentcore.reach import check, check_tools

_MARK = "_agentcore_durable"


def instrument(agent: Agent[Any]) -> None:
    """Make an agent and all it can reach durable, what was added to them since included. Outside a run nothing changes.

    Raises Misconfigured for a tool that runs here and cannot be recorded, before anything was changed.
    """
    for one in check(agent):
        durable_model(one)
        if guardrails := [*one.input_guardrails, *one.output_guardrails]:
            durable_guardrails(guardrails, before=_has_effects(one))
        if not one.__dict__.get(_MARK):
            _tools_of(one)
            one.__dict__[_MARK] = True


def instrument_within(scope: Scope, agent: Agent[Any]) -> None:
    """Make the agent of a nested run durable; the whole run fails where that is refused."""
    try:
        instrument(agent)
    except Misconfigured as error:
        scope.slice.fail(error)


def _tools_of(agent: Agent[Any]) -> None:
    """Wrap what the Runner asks an agent for in each turn: this is where MCP tools come from, and where changed tool
    lists and the acting agent are seen."""
    original = agent.get_all_tools

    @functools.wraps(original)
    async def get_all_tools(run_context: RunContextWrapper[Any]) -> list[Tool]:
        if (scope := scope_now()) and agent.mcp_servers:
            await scope.slice.connect(agent.mcp_servers)
        tools = await original(run_context)
        for tool in tools:
            if isinstance(tool, FunctionTool):
                durable_tool(tool)
        if scope:
            _refuse(scope, agent.name, tools)
            scope.agent[0] = agent.name
        return tools

    agent.get_all_tools = get_all_tools  # type: ignore[method-assign]


def _refuse(scope: Scope, agent: str, tools: list[Tool]) -> None:
    """End the run where a tool has come in since it began: an agent's tool would make the error text for the model."""
    try:
        check_tools(agent, tools)
    except Misconfigured as error:
        scope.slice.fail(error)


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
        with enter(scope.within(f"guardrail:{name}")), no_exit(f"Guardrail {name!r}"):
            return await _maybe(function(*args, **kwargs))

    setattr(run, _MARK, True)
    return run


async def _maybe(value: Any) -> Any:
    return await value if hasattr(value, "__await__") else value
