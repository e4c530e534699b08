"""Nested runs: the SDK's default runner, made to notice when it is called inside a run of ours."""

from __future__ import annotations

import asyncio
import concurrent.futures
import dataclasses
from collections.abc import Coroutine
from functools import partial
from typing import Any

from agents import RunConfig, RunResult, RunResultStreaming
from agents.run import AgentRunner, get_default_agent_runner, set_default_agent_runner

from agentcore.durable.agent import durable_guardrails, instrument_within
from agentcore.durable.model import DurableModel, DurableProvider, is_default
from agentcore.durable.scope import Slice, enter, scope_now
from agentcore.errors import Misconfigured
from agentcore.journal import Journal

_NO_STREAM = (
    "Runner.run_streamed in a sync tool, on an event loop of its own, cannot be recorded. "
    "Use Runner.run_sync there, or make the tool async."
)


class DurableRunner(AgentRunner):
    """Runs agents as the SDK does; inside one of our runs, each gets its own place in the journal."""

    async def run(self, starting_agent: Any, input: Any, **kwargs: Any) -> RunResult:
        scope = scope_now()
        if scope is None:
            return await super().run(starting_agent, input, **kwargs)
        journal = scope.slice.journal
        if not journal.here:  # a sync tool brought a loop of its own; the connections in use belong to the journal's
            return await asyncio.wrap_future(_beside(journal, self.run(starting_agent, input, **kwargs)))
        instrument_within(scope, starting_agent)
        kwargs["run_config"] = durable_config(kwargs.get("run_config"), scope.slice)
        with enter(scope.run()):
            return await super().run(starting_agent, input, **kwargs)

    def run_sync(self, starting_agent: Any, input: Any, **kwargs: Any) -> RunResult:
        """From a sync tool's thread: the run happens on the journal's loop, in the place where the tool is."""
        scope = scope_now()
        if scope is None or _has_loop():  # which the SDK refuses, as it would wait for itself
            return super().run_sync(starting_agent, input, **kwargs)
        journal = scope.slice.journal
        try:
            return _beside(journal, self.run(starting_agent, input, **kwargs)).result()
        except concurrent.futures.CancelledError:  # an Exception, which would become text for the model
            journal.stop()

    def run_streamed(self, starting_agent: Any, input: Any, **kwargs: Any) -> RunResultStreaming:
        scope = scope_now()
        if scope is None:
            return super().run_streamed(starting_agent, input, **kwargs)
        if not scope.slice.journal.here:
            scope.slice.fail(Misconfigured(_NO_STREAM))
        instrument_within(scope, starting_agent)
        kwargs["run_config"] = durable_config(kwargs.get("run_config"), scope.slice)
        with enter(scope.run()):  # the SDK's task starts in here and keeps the scope
            result = super().run_streamed(starting_agent, input, **kwargs)
        if result.run_loop_task is not None:
            result.run_loop_task.add_done_callback(partial(_asked, scope.slice.journal))
        return result


def _beside(journal: Journal, run: Coroutine[Any, Any, RunResult]) -> concurrent.futures.Future[RunResult]:
    """Start a run on the journal's loop, with this thread's context variables."""
    future = asyncio.run_coroutine_threadsafe(run, journal.loop)
    journal.beside.add(future)
    future.add_done_callback(journal.beside.discard)
    return future


def _asked(journal: Journal, task: asyncio.Task[Any]) -> None:
    """Ask what ended the task of a stream that was cut with its slice: else asyncio reports that nobody did."""
    if journal.suspension and not task.cancelled():
        task.exception()


def _has_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


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
