"""The model seam: each model call is recorded when it completes, and replayed from then on."""

from __future__ import annotations

import hashlib
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from agents import Agent, FunctionTool, Model, ModelProvider, ModelResponse
from agents.items import TResponseStreamEvent

from agentcore import metrics
from agentcore.durable.codec import dump_output, dump_usage, load_completed, load_response, shape
from agentcore.durable.handoff import durable_handoff
from agentcore.durable.scope import Scope, scope_now
from agentcore.effects import effect_of
from agentcore.errors import IncompatibleVersion
from agentcore.journal import CANCEL, FATAL, LINGER, Suspension
from agentcore.records import Entry


class DurableModel(Model):
    """A model whose calls inside a run happen once."""

    def __init__(self, inner: Model) -> None:
        self.inner = inner

    async def get_response(self, system_instructions: Any, input: Any, *args: Any, **kwargs: Any) -> ModelResponse:
        call = _Call.begin(input, *args, **kwargs)
        if call is None:
            return await self.inner.get_response(system_instructions, input, *args, **kwargs)
        if call.recorded:
            return load_response(call.replay())
        journal = call.scope.slice.journal
        await call.seam()
        async with journal.step(model=True):
            response = await self.inner.get_response(system_instructions, call.trimmed, *args, **kwargs)
        call.repair(response.output)
        await call.record(response.output, response.usage, response.response_id)
        return response

    async def stream_response(
        self, system_instructions: Any, input: Any, *args: Any, **kwargs: Any
    ) -> AsyncIterator[TResponseStreamEvent]:
        call = _Call.begin(input, *args, **kwargs)
        if call is None:
            async for event in self.inner.stream_response(system_instructions, input, *args, **kwargs):
                yield event
            return
        if call.recorded:
            yield load_completed(call.replay())
            return
        journal, last = call.scope.slice.journal, None
        await call.seam()
        async with journal.step(model=True):
            async for event in self.inner.stream_response(system_instructions, call.trimmed, *args, **kwargs):
                if journal.suspension and journal.suspension.rank >= CANCEL:
                    journal.stop()
                call.see(event)
                if event.type == "response.completed":
                    last = event  # held back until it is recorded: the Runner acts on it
                else:
                    yield event
        if last is not None:
            response = last.response
            response.output = response.output or call.items  # some servers leave it empty in the last event
            call.repair(response.output)
            await call.record(response.output, response.usage, response.id)
            yield last

    def get_retry_advice(self, request: Any) -> Any:
        return self.inner.get_retry_advice(request)

    async def close(self) -> None:
        await self.inner.close()

    async def _cleanup_on_run_end(self, owner: object) -> None:
        await self.inner._cleanup_on_run_end(owner)  # models with connections of their own rely on it


class DurableProvider(ModelProvider):
    """A provider whose models are durable."""

    def __init__(self, inner: ModelProvider) -> None:
        self.inner = inner

    def get_model(self, model_name: str | None) -> Model:
        model = self.inner.get_model(model_name)
        return model if isinstance(model, DurableModel) else DurableModel(model)

    async def aclose(self) -> None:
        await self.inner.aclose()


@dataclass
class _Call:
    """One model call of a run."""

    scope: Scope
    key: str
    number: str
    shape: str
    trimmed: Any
    tools: Sequence[Any]
    items: list[Any] = field(default_factory=list)  # finished ones of a stream
    began: float = 0.0

    @classmethod
    def begin(
        cls, input: Any, model_settings: Any, tools: Sequence[Any], output_schema: Any, handoffs: Sequence[Any],
        *_: Any, **__: Any,
    ) -> _Call | None:  # fmt: skip
        scope = scope_now()
        if scope is None:
            return None
        for handoff in handoffs:  # the SDK makes those to plain agents anew in each turn, so they are met here
            durable_handoff(handoff)
        # Counted when a call completes, so that the SDK's own retries of a failed call keep its key.
        number = f"model:{scope.slice.segment}/{scope.path}"
        key = f"{number}/{scope.slice.numbers[number]}"
        trimmed = input if isinstance(input, str) else scope.slice.trim(input)
        return cls(scope=scope, key=key, number=number, shape=shape(input), trimmed=trimmed, tools=tools)

    @property
    def recorded(self) -> bool:
        return self.scope.slice.journal.get(self.key) is not None

    async def seam(self) -> None:
        """Where a slice that ends stops, before a call that is not recorded."""
        if self.scope.slice.diverged(self.key):
            self.scope.slice.journal.stop()
        await self.scope.slice.journal.seam()
        self.began = time.perf_counter()

    def replay(self) -> Any:
        """The recorded response; the run fails for good where this code would have asked something else."""
        data = self.scope.slice.journal.get(self.key)
        if data["shape"] != self.shape or (data["agent"] and self.agent and data["agent"] != self.agent):
            self._refuse(data)
        self.scope.slice.numbers[self.number] += 1
        self.scope.slice.call_ids.update(i["call_id"] for i in data["output"] if i.get("call_id"))
        calls = [item for item in data["output"] if item.get("type") == "function_call"]
        self.scope.called({c["name"]: c["call_id"] for c in reversed(calls)})
        return data

    @property
    def agent(self) -> str:
        return self.scope.agent[0]

    def _refuse(self, data: Any) -> None:
        journal = self.scope.slice.journal
        error = IncompatibleVersion(
            f"The run was recorded by version {journal.run.agent_version} of {journal.run.agent!r}; its model call "
            f"{self.key} (agent {data['agent']!r}) was asked something else than this version "
            f"(agent {self.agent!r}) would ask. Deploy the old version under its name until such runs have ended.",
            recorded=journal.run.agent_version, key=self.key,
        )  # fmt: skip
        journal.suspend(Suspension(rank=FATAL, error=error))
        journal.stop()

    def see(self, event: Any) -> None:
        """Pass on text as it comes, and keep finished items."""
        if event.type == "response.output_text.delta" and self.scope.top:
            journal = self.scope.slice.journal
            if journal.run.deltas:
                journal.delta(self.key, event.delta)
        elif event.type in ("response.output_item.added", "response.output_item.done"):
            self.repair([event.item], event.output_index)
            if event.type.endswith("done"):
                self.items.append(event.item)

    def repair(self, output: Sequence[Any], offset: int = 0) -> None:
        """Give calls without an id, or with one that was used before, an id of their own.

        Compatible servers leave them out or start again at call_0, and the SDK takes a repeated id for a repeated call.
        """
        for index, item in enumerate(output, offset):
            if getattr(item, "type", None) == "function_call":
                # The run's id is in it, as the next run of the thread has the same keys and sees this one's calls.
                place = f"{self.scope.slice.journal.run.id}/{self.key}#{index}"
                mine = "call_" + hashlib.sha256(place.encode()).hexdigest()[:24]
                twin = any(item.call_id == o.call_id for o in output[: index - offset] if hasattr(o, "call_id"))
                if not item.call_id or item.call_id in self.scope.slice.call_ids or twin:
                    item.call_id = mine

    async def record(self, output: Sequence[Any], usage: Any, response_id: str | None) -> None:
        """Store the response; before its tools run, if it calls any."""
        journal = self.scope.slice.journal
        calls = [item for item in output if getattr(item, "type", None) == "function_call"]
        used = dump_usage(usage)
        data = {
            "agent": self.agent, "shape": self.shape, "output": dump_output(output), "usage": used,
            "response_id": response_id, **(self._about(calls) if calls else {"effects": {}}),
        }  # fmt: skip
        journal.add(Entry(key=self.key, kind="model", data=data), linger=0.0 if calls else LINGER)
        metrics.model_called(self.agent or journal.run.agent, time.perf_counter() - self.began, used)
        self.scope.slice.numbers[self.number] += 1
        self.scope.slice.call_ids.update(c.call_id for c in calls)
        self.scope.called({c.name: c.call_id for c in reversed(calls)})
        if calls:
            await journal.commit()

    def _about(self, calls: Sequence[Any]) -> dict[str, Any]:
        """What a repeat of these calls would mean, and which of them a person is asked about first."""
        tools = [tool for tool in self.tools if isinstance(tool, FunctionTool)]
        effects = {t.name: effect_of(t) for t in tools if not getattr(t, "_is_agent_tool", False)}
        data: dict[str, Any] = {"effects": {c.call_id: effects[c.name] for c in calls if c.name in effects}}
        held = {t.name for t in tools if t.needs_approval is not False}
        if asks := [c.call_id for c in calls if c.name in held]:
            data["approvals"] = asks  # of these, readers hear that they began when a person has said yes
        return data


def is_default(provider: ModelProvider) -> bool:
    """Whether this is what RunConfig fills in when its user names no provider."""
    from agents.models.multi_provider import MultiProvider

    return type(provider) is MultiProvider and provider.provider_map is None


def durable_model(agent: Agent[Any]) -> None:
    """Make a model instance that an agent brings durable: it never passes through a provider."""
    if isinstance(agent.model, Model) and not isinstance(agent.model, DurableModel):
        agent.model = DurableModel(agent.model)
