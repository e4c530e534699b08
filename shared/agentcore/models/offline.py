"""A model that needs no network and no key: it picks tools by rules, and the same input gives the same output."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

from agents import (
    AgentOutputSchemaBase,
    FunctionTool,
    Handoff,
    Model,
    ModelProvider,
    ModelResponse,
    ModelSettings,
    ModelTracing,
    Tool,
    TResponseInputItem,
    Usage,
)
from agents.items import TResponseStreamEvent
from openai.types.responses import Response, ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText

from agentcore.models import rules, streaming, turn
from agentcore.models.arguments import example, fill

SIGN = "(offline model)"


class OfflineProvider(ModelProvider):
    """Every name is the offline model."""

    def get_model(self, model_name: str | None) -> Model:
        return OfflineModel()


class OfflineModel(Model):
    """Walks through an agent's tools, handoffs and structured outputs by simple rules. Usage is an estimate."""

    async def get_response(
        self,
        system_instructions: str | None,
        input: str | list[TResponseInputItem],
        model_settings: ModelSettings,
        tools: list[Tool],
        output_schema: AgentOutputSchemaBase | None,
        handoffs: list[Handoff],
        tracing: ModelTracing,
        **ids: Any,
    ) -> ModelResponse:
        response = _respond(system_instructions, input, model_settings, tools, output_schema, handoffs)
        return ModelResponse(output=response.output, usage=_usage(response), response_id=response.id)

    async def stream_response(
        self,
        system_instructions: str | None,
        input: str | list[TResponseInputItem],
        model_settings: ModelSettings,
        tools: list[Tool],
        output_schema: AgentOutputSchemaBase | None,
        handoffs: list[Handoff],
        tracing: ModelTracing,
        **ids: Any,
    ) -> AsyncIterator[TResponseStreamEvent]:
        response = _respond(system_instructions, input, model_settings, tools, output_schema, handoffs)
        for event in streaming.events(response):
            yield event
            await asyncio.sleep(0)  # as a network would, let others run between two events


def _respond(
    system: str | None,
    input: str | list[TResponseInputItem],
    settings: ModelSettings,
    tools: Sequence[Tool],
    schema: AgentOutputSchemaBase | None,
    handoffs: Sequence[Handoff],
) -> Response:
    asked = turn.read(input)
    options = _options(tools, handoffs)
    stages = rules.plan(asked.text, options, asked.earlier)
    sent = json.dumps([system, input, [o.name for o in options]], default=str, sort_keys=True)
    seed = hashlib.sha256(sent.encode()).hexdigest()
    output: list[Any] = [_function_call(seed, n, call) for n, call in enumerate(_due(asked, stages, options, settings))]
    output = output or [_message(seed, _answer(asked, stages, options, schema))]
    return _response(seed, output, tokens=len(sent) // 4 + 1)


def _options(tools: Sequence[Tool], handoffs: Sequence[Handoff]) -> list[rules.Option]:
    functions = [t for t in tools if isinstance(t, FunctionTool)]
    called = [rules.Option(name=t.name, description=t.description, schema=t.params_json_schema) for t in functions]
    return called + [
        rules.Option(name=h.tool_name, description=h.tool_description, schema=h.input_json_schema, handoff=h.agent_name)
        for h in handoffs
    ]


def _due(
    asked: turn.Turn, stages: list[list[rules.Call]], options: list[rules.Option], settings: ModelSettings
) -> list[rules.Call]:
    """The calls of the first stage that has any left. None after a failure: it is reported, never retried."""
    choice = settings.tool_choice
    if choice == "none" or any(d.failed for d in asked.done):
        return []
    for stage in stages:
        ready = [c for c in stage if not c.missing and not asked.called(c.option.name, dict(c.arguments))]
        if ready:
            return ready[:1] if settings.parallel_tool_calls is False else ready
    forced = [o for o in options if choice in (o.name, "required")]
    if not forced or asked.done:
        return []
    arguments, missing = fill(forced[0].schema, asked.text, asked.earlier)
    return [] if missing else [rules.Call(option=forced[0], arguments=arguments, clause=asked.text)]


def _answer(
    asked: turn.Turn,
    stages: list[list[rules.Call]],
    options: list[rules.Option],
    schema: AgentOutputSchemaBase | None,
) -> str:
    text = f"{SIGN} {_report(asked, stages, options)}"
    if schema is None or schema.is_plain_text():
        return text
    words = " ".join([asked.text, *(d.output for d in asked.done)])
    return json.dumps(example(schema.json_schema(), words, text))


def _report(asked: turn.Turn, stages: list[list[rules.Call]], options: list[rules.Option]) -> str:
    handoffs = {o.name for o in options if o.handoff}
    done = [d for d in asked.done if d.tool not in handoffs and not d.tool.startswith("transfer_to_")]
    said = [f"{d.tool} {'did not work' if d.failed else 'says'}: {d.output}" for d in done]
    lacking = [c for stage in stages for c in stage if c.missing]
    said += [f"To call {c.option.name} I need: {', '.join(c.missing)}." for c in lacking]
    if said:
        return "\n".join(said)
    can = ", ".join(o.handoff or o.name for o in options)
    return f"You said: {asked.text[:300]!r}." + (f" I can use: {can}." if can else "")


def _function_call(seed: str, number: int, call: rules.Call) -> ResponseFunctionToolCall:
    return ResponseFunctionToolCall(
        id=f"fc_{_id(seed, number)}",
        call_id=f"call_{_id(seed, number)}",
        name=call.option.name,
        arguments=json.dumps(dict(call.arguments)),
        type="function_call",
        status="completed",
    )


def _message(seed: str, text: str) -> ResponseOutputMessage:
    part = ResponseOutputText(text=text, type="output_text", annotations=[], logprobs=[])
    return ResponseOutputMessage(
        id=f"msg_{_id(seed, 0)}", content=[part], role="assistant", status="completed", type="message"
    )


def _response(seed: str, output: list[Any], *, tokens: int) -> Response:
    written = sum(len(item.model_dump_json()) for item in output) // 4 + 1
    return Response.model_validate(
        {
            "id": f"resp_{_id(seed, 0)}",
            "created_at": 0,  # no clock: the same input gives the same output
            "model": "offline",
            "object": "response",
            "output": [item.model_dump(by_alias=True) for item in output],
            "status": "completed",
            "tool_choice": "auto",
            "tools": [],
            "parallel_tool_calls": True,
            "usage": {
                "input_tokens": tokens,
                "output_tokens": written,
                "total_tokens": tokens + written,
                "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
                "output_tokens_details": {"reasoning_tokens": 0},
            },
        }
    )


def _usage(response: Response) -> Usage:
    assert response.usage is not None
    return Usage(
        requests=1,
        input_tokens=response.usage.input_tokens,
        output_tokens=response.usage.output_tokens,
        total_tokens=response.usage.total_tokens,
    )


def _id(seed: str, number: int) -> str:
    return hashlib.sha256(f"{seed}:{number}".encode()).hexdigest()[:24]
