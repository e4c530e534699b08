"""Agents by name. Filled by a module that imports no SDK: an agent is named by its path and imported on use."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agentcore.errors import Misconfigured, NotFound
from agentcore.reach import check
from agentcore.records import Event


@dataclass(frozen=True, kw_only=True)
class EventRule:
    """A run of the agent is started by each event of this name. `thread` and `input` are made from the event."""

    name: str
    thread: Callable[[Event], str] | None = None  # a stable name; the same name is the same thread. None: a new one
    input: Callable[[Event], Any] | None = None


@dataclass(frozen=True, kw_only=True)
class AgentSpec:
    """One registered agent."""

    name: str
    target: str | Any  # "module:attribute" (an Agent, or a function that makes one), or the Agent itself
    version: str = "1"
    description: str = ""
    context: str | Callable[..., Any] | None = None  # a factory, called in each slice with the Run
    run_config: str | Any = None
    hooks: str | Any = None
    max_turns: int | None = None
    retry_on: Sequence[type[BaseException]] = ()  # exceptions of tools and models that make the run retry
    metadata: Mapping[str, Any] = field(default_factory=dict)
    output_schema: Mapping[str, Any] | None = None  # JSON Schema of its outputs, where they are not just text
    schedules: Sequence[Mapping[str, Any]] = ()  # {"name", "cron", "timezone", "input"}, put for the default tenant
    events: Sequence[EventRule] = ()
    cache: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def resolve(self, what: str) -> Any:
        """The object behind `target`, `context`, `run_config` or `hooks`, imported when it is a path."""
        value = getattr(self, what)
        if not isinstance(value, str):
            return value
        if what not in self.cache:
            self.cache[what] = load_path(value, f"agent {self.name!r}, {what}")
        return self.cache[what]


@dataclass
class Registry:
    """The agents this deployment serves."""

    specs: dict[str, AgentSpec] = field(default_factory=dict)
    refused: dict[str, Misconfigured] = field(default_factory=dict)  # found here to be unable to run, and why

    def get(self, name: str) -> AgentSpec:
        try:
            return self.specs[name]
        except KeyError:
            known = ", ".join(sorted(self.specs)) or "none"
            raise NotFound(f"There is no agent {name!r}. Registered: {known}.", field="agent_id") from None

    def admit(self, name: str) -> AgentSpec:
        """The agent for a new run. Raises NotFound, and Misconfigured where it was found that it cannot run."""
        if (why := self.refused.get(name)) is not None:
            raise Misconfigured(why.message, **why.details)
        return self.get(name)

    def rules(self, event: str) -> list[tuple[AgentSpec, EventRule]]:
        """Every rule that an event of this name fires."""
        return [(s, r) for s in self.specs.values() for r in s.events if r.name == event]


_registry = Registry()


def register(name: str, target: str | Any, **options: Any) -> None:
    """Serve an agent. `target` is "module:attribute", so that nothing is imported until a run needs it.

    Options: version, description, metadata, output_schema, context, run_config, hooks, max_turns, retry_on,
    schedules, events (see AgentSpec).
    Raises Misconfigured for a name that is taken, a path that is not one, and an Agent that has, or reaches one that
    has, a local tool that cannot be recorded. An agent behind a path is looked at once it is imported.
    """
    if name in _registry.specs and _registry.specs[name].target != target:
        raise Misconfigured(f"Two agents are registered as {name!r}.", agent=name)
    if isinstance(target, str) and ":" not in target:
        raise Misconfigured(f"register({name!r}, {target!r}): the path must look like 'package.module:attribute'.")
    if _is_agent(target):
        check(target)
    _registry.specs[name] = AgentSpec(name=name, target=target, **options)


def load(module: str) -> Registry:
    """Import the module that registers the agents; a module of plain `Agent`s is read too (that imports the SDK)."""
    before = dict(_registry.specs)
    try:
        found = importlib.import_module(module)
    except ImportError as error:
        raise Misconfigured(
            f"AGENTCORE_AGENTS={module}: the module cannot be imported: {error}.", setting="AGENTCORE_AGENTS"
        ) from error
    if _registry.specs == before and not any(_module_of(s) == module for s in before.values()):
        for attribute, value in vars(found).items():
            if _is_agent(value):
                check(value)
                register(attribute, f"{module}:{attribute}", description=value.handoff_description or "")
    return _registry


def load_path(path: str, what: str) -> Any:
    """The object at "module:attribute". Raises Misconfigured, naming what asked for it."""
    module, _, attribute = path.partition(":")
    try:
        value: Any = importlib.import_module(module)
        for part in attribute.split("."):
            value = getattr(value, part)
    except (ImportError, AttributeError) as error:
        raise Misconfigured(f"{what}: {path!r} cannot be loaded: {error}.") from error
    return value


def _is_agent(value: Any) -> bool:
    return any(kind.__module__ == "agents.agent" and kind.__name__ == "Agent" for kind in type(value).__mro__)


def _module_of(spec: AgentSpec) -> str:
    return spec.target.partition(":")[0] if isinstance(spec.target, str) else ""
