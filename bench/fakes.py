"""Models that answer at once, and the agents of a text turn and of a turn with one tool. Peers use them too, in
environments of their own: nothing but the SDK is imported here."""

from __future__ import annotations

from itertools import count
from typing import Any

from agents import Agent, Model, ModelResponse, Usage
from agents.testing import ScriptedModel, assistant_message
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText

_calls = count()


class Text(Model):
    """Says the same thing each time."""

    given = 0  # messages, the last time that any was asked

    async def get_response(self, system_instructions: Any, input: Any, *args: Any, **kwargs: Any) -> ModelResponse:
        Text.given = len(input)
        text = ResponseOutputText(type="output_text", text="hello there, this is a fixed answer", annotations=[])
        message = ResponseOutputMessage(id="m1", type="message", role="assistant", status="completed", content=[text])
        return _answer(message)

    def stream_response(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError


class OneTool(Text):
    """Calls a tool, and says the same thing once it has its result."""

    async def get_response(self, system_instructions: Any, input: Any, *args: Any, **kwargs: Any) -> ModelResponse:
        if isinstance(input, list) and input[-1].get("type") == "function_call_output":
            return await super().get_response(system_instructions, input)
        number = next(_calls)
        call = ResponseFunctionToolCall(
            id=f"fc_{number}", call_id=f"call_{number}", type="function_call", name="get_weather",
            arguments='{"city":"Oslo"}',
        )  # fmt: skip
        return _answer(call)


class Words(Text):
    """Streams what it says."""

    async def stream_response(self, system_instructions: Any, input: Any, *args: Any, **kwargs: Any) -> Any:
        model = ScriptedModel([[assistant_message("hello there, this is a fixed answer")]])
        async for event in model.stream_response(system_instructions, input, *args, **kwargs):
            yield event


def _answer(item: Any) -> ModelResponse:
    usage = Usage(requests=1, input_tokens=10, output_tokens=5, total_tokens=15)
    return ModelResponse(output=[item], usage=usage, response_id=None)


def get_weather(city: str) -> str:
    """Weather for a city."""
    return f"sunny in {city}"


def text_agent() -> Agent[Any]:
    return Agent(name="text", instructions="be brief", model=Text())


def words_agent() -> Agent[Any]:
    return Agent(name="words", instructions="be brief", model=Words())


def tool_agent(tool: Any) -> Agent[Any]:
    """An agent that calls this tool, which must be `get_weather`."""
    return Agent(name="tool", instructions="be brief", model=OneTool(), tools=[tool])
