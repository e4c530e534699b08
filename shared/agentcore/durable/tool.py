"""The tool seam: each local tool call is recorded when it completes, and replayed from then on."""

from __future__ import annotations

import asyncio
import copy
import functools
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from agents import FunctionTool
from agents.tool import invoke_function_tool
from agents.tool_context import ToolContext

from agentcore import metrics
from agentcore.context import Current, Parked, Woke
from agentcore.durable.codec import dump_tool_output, load_tool_output
from agentcore.durable.scope import Scope, enter, no_exit, scope_now
from agentcore.effects import effect_of
from agentcore.errors import Transient
from agentcore.journal import RETRY, Journal, Suspended, Suspension
from agentcore.records import Entry

WAITING = "(this call has not finished: the run goes on later)"
"""Returned by a call that stops with its slice. No model sees it: the slice ends at the next model seam."""

SYNC = "__agents_sync_function_tool__"  # how the SDK marks tools that run in a thread; pinned by a test


class _Unwound(BaseException):
    """Carries an error of a tool past the SDK's handler, which would make it text for the model."""


def is_agent_tool(tool: Any) -> bool:
    """Whether a tool is `Agent.as_tool()`; pinned by a test, as the SDK has no public word for it."""
    return bool(getattr(tool, "_is_agent_tool", False))


def durable_tool(tool: FunctionTool) -> None:
    """Make a tool durable, in place, once."""
    if isinstance(tool.on_invoke_tool, Durable):
        return
    inner = copy.copy(tool)
    _let_through(inner)
    # The SDK's time-out would end our recording with the tool; the copy keeps it, inside.
    tool.timeout_seconds = None
    call = _Call(inner, tool)
    original = type(tool.on_invoke_tool)
    if original.__call__ is Durable.__call__ or not hasattr(tool.on_invoke_tool, "prepare_arguments"):
        tool.on_invoke_tool = Durable(call)
    else:
        # The SDK reads a decorated tool's arguments for its approval policy off its invoker, by type.
        kind = type("DurableInvoker", (Durable, original), {})
        durable: Any = object.__new__(kind)
        durable.__dict__.update(vars(tool.on_invoke_tool), call=call)
        tool.on_invoke_tool = durable


class Durable:
    """Stands where a tool's invoker stood."""

    def __init__(self, call: _Call) -> None:
        self.call = call

    async def __call__(self, context: ToolContext[Any], arguments: str) -> Any:
        return await self.call(context, arguments)


class _Call:
    """A tool, and what to do when it is called."""

    def __init__(self, inner: FunctionTool, outer: FunctionTool) -> None:
        self.inner, self.outer = inner, outer

    async def __call__(self, context: ToolContext[Any], arguments: str) -> Any:
        scope = scope_now()
        if scope is None:
            return await self.invoke(context, arguments)
        if is_agent_tool(self.inner):
            return await self.nested(scope, context, arguments)
        journal, key = scope.slice.journal, scope.key(context.tool_call_id)
        recorded = journal.get(key)
        if recorded is not None:
            return load_tool_output(recorded["output"])
        diverged = scope.slice.diverged(key)
        if journal.frozen:
            journal.stop()
        await journal.sure()
        if diverged or journal.suspension:
            return _waiting(journal)  # the slice is ending: no new step begins
        if effect_of(self.outer) == "once":
            await self.announce(scope, key, context, arguments)
        work = asyncio.create_task(self.fresh(scope, key, context, arguments))
        if self.threaded:
            # A thread cannot be cancelled: what it runs is recorded when it ends, even after its slice was cut, unless
            # that takes too long.
            await asyncio.wait((work, journal.gone), return_when=asyncio.FIRST_COMPLETED)
            return work.result() if work.done() else _waiting(journal)
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            work.cancel()
            raise

    @property
    def threaded(self) -> bool:
        return bool(getattr(self.inner.on_invoke_tool, SYNC, False))

    async def nested(self, scope: Scope, context: ToolContext[Any], arguments: str) -> Any:
        """An agent used as a tool is a place in the run, never a step: its own steps are recorded."""
        try:
            with enter(scope.within(context.tool_call_id)):
                return await self.invoke(context, arguments)
        except _Unwound as unwound:
            error = unwound.args[0]
            scope.slice.journal.suspend(Suspension(rank=RETRY, error=_transient(error)))
            return _waiting(scope.slice.journal)

    async def announce(self, scope: Scope, key: str, context: ToolContext[Any], arguments: str) -> None:
        """Store that the call is about to happen: if nothing follows, its outcome is unknown."""
        journal = scope.slice.journal
        before = sum(1 for e in journal.entries if e.kind == "tool_started" and e.data["key"] == key)
        data = {
            "key": key, "call_id": context.tool_call_id, "name": self.outer.name, "arguments": arguments,
            "agent": scope.agent[0],
        }  # fmt: skip
        journal.add(Entry(key=f"started:{before}:{key}", kind="tool_started", data=data))
        await journal.commit()

    async def fresh(self, scope: Scope, key: str, context: ToolContext[Any], arguments: str) -> Any:
        """Run the tool and record what came of it."""
        journal = scope.slice.journal
        woke = journal.get(f"woke:{key}")
        current = scope.current(self.outer.name, context.tool_call_id)
        if woke is not None:
            current = replace(current, woke=Woke(by=woke["by"], data=woke.get("data")))
        began = time.perf_counter()
        try:
            async with journal.step(thread=self.threaded):
                with enter(scope.within(context.tool_call_id), current):
                    if self.threaded:
                        output = await self.in_thread(scope.slice.threads, current, context, arguments)
                    else:
                        output = await self.invoke(context, arguments)
        except Parked:
            return _waiting(journal)
        except _Unwound as unwound:
            journal.suspend(Suspension(rank=RETRY, error=_transient(unwound.args[0])))
            return _waiting(journal)
        stored = dump_tool_output(output)
        data = {"call_id": context.tool_call_id, "name": self.outer.name, "agent": scope.agent[0], "output": stored}
        journal.add(Entry(key=key, kind="tool", data=data))
        metrics.tool_called(self.outer.name, time.perf_counter() - began)
        if effect_of(self.outer) == "once":
            await journal.commit()
        return load_tool_output(stored)  # what a replay would return

    async def in_thread(
        self, threads: dict[str, asyncio.Task[Any]], current: Current, context: ToolContext[Any], arguments: str
    ) -> Any:
        """Run the tool in a thread, or wait for the one that a slice before let go: never two of one call here."""
        call = current.idempotency_key
        if (left := threads.get(call)) is not None:
            await asyncio.wait((left,))
            if not left.cancelled() and not isinstance(left.exception(), (Suspended, Parked)):
                return left.result()
        threads[call] = asyncio.create_task(self.invoke(context, arguments))
        threads[call].add_done_callback(lambda _: threads.pop(call, None))
        return await asyncio.shield(threads[call])

    async def invoke(self, context: ToolContext[Any], arguments: str) -> Any:
        return await invoke_function_tool(function_tool=self.inner, context=context, arguments=arguments)


def _waiting(journal: Journal) -> str:
    journal.stopped = True
    return WAITING


def _let_through(tool: FunctionTool) -> None:
    """Let errors that may pass when tried again out of a tool, before the SDK's handler makes them text."""
    invoker = tool.on_invoke_tool
    implementation = getattr(invoker, "_invoke_tool_impl", None)
    if implementation is not None:
        invoker._invoke_tool_impl = _guarded(implementation, is_agent_tool(tool))  # type: ignore[attr-defined]
    else:
        tool.on_invoke_tool = _guarded(invoker, is_agent_tool(tool))


def _guarded(
    implementation: Callable[[ToolContext[Any], str], Awaitable[Any]], agent_tool: bool
) -> Callable[[ToolContext[Any], str], Awaitable[Any]]:
    @functools.wraps(implementation)
    async def invoke(context: ToolContext[Any], arguments: str) -> Any:
        scope = scope_now()
        if scope is None:
            return await implementation(context, arguments)
        try:
            with no_exit("The tool"):
                return await implementation(context, arguments)
        except Exception as error:
            if isinstance(error, (Transient, scope.slice.retry_on)) or (agent_tool and scope.slice.transient(error)):
                raise _Unwound(error) from error
            raise

    return invoke


def _transient(error: BaseException) -> Transient:
    return error if isinstance(error, Transient) else Transient(f"{type(error).__name__}: {error}")
