"""Nested runs: the SDK's default runner, made to notice when it is called inside a run of ours."""

from __future__ import annotations

import dataclasses
from typing import Any

from agents import RunConfig, RunResult, RunResultStreaming
from agents.run import AgentRunner, get_default_agent_runner, set_default_agent_runner

from agentcore.durable.agent import durable_guardrails, instrument
from agentcore.durable.model import DurableModel, DurableProvider, is_default
from agentcore.durable.scope import Slice, enter, scope_now


class DurableRunner(AgentRunner):
    """Runs agents as the SDK does; inside one of our runs, each gets its own place in the journal."""

    async def run(self, starting_agent: Any, input: Any, **kwargs: Any) -> RunResult:
        scope = scope_now()
        if scope is None:
            return await super().run(starting_agent, input, **kwargs)
        instrument(starting_agent)
        kwargs["run_config"] = durable_config(kwargs.get("run_config"), scope.slice)
        with enter(scope.run()):
            return await super().run(starting_agent, input, **kwargs)

    def run_streamed(self, starting_agent: Any, input: Any, **kwargs: Any) -> RunResultStreaming:
        scope = scope_now()
        if scope is None:
            return super().run_streamed(starting_agent, input, **kwargs)
        instrument(starting_agent)
        kwargs["run_config"] = durable_config(kwargs.get("run_config"), scope.slice)
        with enter(scope.run()):  # the SDK's task starts in here and keeps the scope
            return super().run_streamed(starting_agent, input, **kwargs)


def durable_config(config: RunConfig | dict[str, Any] | None, slice: Slice) -> RunConfig:
    """A run's config with durable models; a provider its user brought is kept, and wrapped."""
    config = RunConfig(**config) if isinstance(config, dict) else config or RunConfig()
    provider = slice.provider if is_default(config.model_provider) else config.model_provider
    durable_guardrails([*(config.input_guardrails or ()), *(config.output_guardrails or ())], before=True)
    model = config.model
    if model is not None and not isinstance(model, (str, DurableModel)):
        model = DurableModel(model)
    if not isinstance(provider, DurableProvider):
        provider = DurableProvider(provider)
    if model is config.model and provider is config.model_provider:
        return config
    return dataclasses.replace(config, model=model, model_provider=provider)


def install() -> None:
    """Make the SDK's default runner ours. Repeating it changes nothing."""
    if not isinstance(get_default_agent_runner(), DurableRunner):
        set_default_agent_runner(DurableRunner())
