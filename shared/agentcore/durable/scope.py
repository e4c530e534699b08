"""Where in a run code executes: which of its (nested) runs, which agent, which tool call."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn
from uuid import UUID, uuid5

from agents import ModelProvider
from agents.mcp import MCPServer

from agentcore.context import Current, Host, _current
from agentcore.errors import AgentCoreError, IncompatibleVersion
from agentcore.journal import FATAL, Journal, Suspension

ASIDE = "aside"
"""What a run is inside of that an agent's instructions, or a hook, have started."""


async def _connected(servers: Iterable[MCPServer]) -> None:
    """For slices whose servers somebody else connects."""


@dataclass
class Slice:
    """What all of a slice's scopes share."""

    journal: Journal
    host: Host
    provider: ModelProvider  # for runs that bring none of their own
    transient: Callable[[BaseException], bool]  # errors that may pass when tried again
    retry_on: tuple[type[BaseException], ...] = ()  # tool errors that make the run retry
    trim: Callable[[list[Any]], list[Any]] = lambda items: items  # to the history window
    connect: Callable[[Iterable[MCPServer]], Awaitable[None]] = _connected
    threads: dict[str, asyncio.Task[Any]] = field(default_factory=dict)  # of sync tools, by idempotency key
    asked: int = 0  # interruptions that a person was asked about when the slice began
    segment: int = 0  # raised by each interruption; a replay of the next one asks the model anew
    numbers: Counter[str] = field(default_factory=Counter)  # of the model calls and nested runs of each path
    called: dict[str, Mapping[str, str]] = field(default_factory=dict)  # by path: name → call_id
    call_ids: set[str] = field(default_factory=set)  # of all tool calls seen, history included

    def diverged(self, step: str) -> bool:
        """Whether a step that is not recorded comes before a question that was asked; then the run fails for good.

        All that came before the question is recorded, so this code does not stop where the person was asked.
        """
        if self.segment >= self.asked:
            return False
        run = self.journal.run
        error = IncompatibleVersion(
            f"Version {run.agent_version} of {run.agent!r} asked a person before {step}; this version does not stop "
            f"there, so it cannot heed the decision. Deploy the old version under its name until such runs have ended.",
            recorded=run.agent_version, key=step,
        )  # fmt: skip
        self.journal.suspend(Suspension(rank=FATAL, error=error))
        return True

    def fail(self, error: AgentCoreError) -> NoReturn:
        """Unwind, and let the run fail for good: an error raised in a tool would become text for the model."""
        self.journal.suspend(Suspension(rank=FATAL, error=error))
        self.journal.stop()

    def next_segment(self) -> None:
        self.segment += 1
        self.numbers.clear()


@dataclass(frozen=True)
class Scope:
    """One place in a run. Paths: "0" is the run itself, "0/call_1/0" the first run inside a tool call of it.

    So what a run is inside of stands at every second place: readers of the journal take it from there.
    """

    slice: Slice
    path: str = ""
    agent: list[str] = field(default_factory=lambda: [""])  # the one that acts now; one cell, shared within a path
    own: bool = False  # of an agent's own run: not inside one of its tool calls or guardrails

    def within(self, what: str) -> Scope:
        """Inside a tool call or a guardrail: runs started there get paths of their own."""
        return replace(self, path=f"{self.path}/{what}", own=False)

    def run(self) -> Scope:
        """A run started here. They are numbered in the order they start, which asyncio keeps."""
        if self.own:  # by an agent's instructions, or a hook
            return self.within(ASIDE).run()
        number = self.slice.numbers[f"run:{self.path}"]
        self.slice.numbers[f"run:{self.path}"] += 1
        return replace(self, path=f"{self.path}/{number}".lstrip("/"), agent=[""], own=True)

    def called(self, calls: Mapping[str, str]) -> None:
        """Note the first call of each name in the last response here: a handoff is told its arguments, not its call."""
        self.slice.called[self.path] = calls

    @property
    def top(self) -> bool:
        return "/" not in self.path

    def key(self, call_id: str) -> str:
        """The journal key of a tool call made in this scope."""
        return f"tool:{self.path}/{call_id}"

    def current(self, tool: str = "", call_id: str = "") -> Current:
        """What a tool sees of the run."""
        run, key = self.slice.journal.run, self.key(call_id)
        return Current(
            run_id=run.id, root_id=run.root_id, tenant=run.tenant, thread_id=run.thread_id,
            agent=self.agent[0] or run.agent, host=self.slice.host, tool=tool, call_id=call_id, key=key,
            idempotency_key=str(uuid5(UUID(run.root_id), key)) if call_id else "",
        )  # fmt: skip


@contextmanager
def no_exit(what: str) -> Iterator[None]:
    """An exit in an agent's code is an error like any other: asyncio would end the process, with all its runs."""
    try:
        yield
    except SystemExit as error:
        raise RuntimeError(f"{what} raised SystemExit({error.code!r}).") from error


_scope: ContextVar[Scope | None] = ContextVar("agentcore_scope", default=None)


def scope_now() -> Scope | None:
    """The scope this code runs in; None where no journal is."""
    return _scope.get()


@contextmanager
def enter(scope: Scope, current: Current | None = None) -> Iterator[None]:
    """Run what is inside in that scope. Tasks started inside inherit it."""
    token, mark = _scope.set(scope), _current.set(current or scope.current())
    try:
        yield
    finally:
        _scope.reset(token)
        _current.reset(mark)
