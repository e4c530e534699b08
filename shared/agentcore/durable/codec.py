"""The SDK's model responses and tool outputs as JSON, and back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from agents import ItemHelpers, ToolOutputFileContent, ToolOutputImage, ToolOutputText, Usage
from agents.items import ModelResponse, TResponseInputItem
from openai.types.responses import (
    Response,
    ResponseCompletedEvent,
    ResponseFunctionToolCall,
    ResponseOutputItem,
    ResponseUsage,
)
from openai.types.responses.response_usage import InputTokensDetails, OutputTokensDetails
from pydantic import BaseModel, TypeAdapter

_TOOL_OUTPUTS = {cls.__name__: cls for cls in (ToolOutputText, ToolOutputImage, ToolOutputFileContent)}


@cache
def _items() -> TypeAdapter[list[ResponseOutputItem]]:
    return TypeAdapter(list[ResponseOutputItem])  # slow to build, and needed only by a replay


def dump_output(output: Sequence[Any]) -> list[Any]:
    """The output items of a model response, as JSON: in the names of the API, such as `async`, not of Python."""
    return [
        item.model_dump(mode="json", exclude_unset=True, by_alias=True) if isinstance(item, BaseModel) else dict(item)
        for item in output
    ]


def dump_usage(usage: Usage | ResponseUsage | None) -> dict[str, int]:
    """Token counts; `requests` counts attempts."""
    if usage is None:
        return {}
    return {
        "requests": usage.requests if isinstance(usage, Usage) else 1,
        "input_tokens": usage.input_tokens or 0,
        "output_tokens": usage.output_tokens or 0,
        "total_tokens": usage.total_tokens or 0,
        "cached_tokens": getattr(usage.input_tokens_details, "cached_tokens", 0) or 0,
        "reasoning_tokens": getattr(usage.output_tokens_details, "reasoning_tokens", 0) or 0,
    }


def load_response(data: Mapping[str, Any]) -> ModelResponse:
    """A recorded model response, for `get_response`."""
    counts = data["usage"]
    usage = Usage(
        requests=counts.get("requests", 0), input_tokens=counts.get("input_tokens", 0),
        output_tokens=counts.get("output_tokens", 0), total_tokens=counts.get("total_tokens", 0),
    )  # fmt: skip
    output = _items().validate_python(data["output"])
    return ModelResponse(output=list(output), usage=usage, response_id=data["response_id"])


def load_completed(data: Mapping[str, Any]) -> ResponseCompletedEvent:
    """A recorded model response, as the last event of `stream_response`: all the Runner needs."""
    counts = data["usage"]
    usage = ResponseUsage(
        input_tokens=counts.get("input_tokens", 0), output_tokens=counts.get("output_tokens", 0),
        total_tokens=counts.get("total_tokens", 0),
        input_tokens_details=InputTokensDetails.model_construct(
            cached_tokens=counts.get("cached_tokens", 0), cache_write_tokens=0
        ),
        output_tokens_details=OutputTokensDetails(reasoning_tokens=counts.get("reasoning_tokens", 0)),
    )  # fmt: skip
    response = Response(
        id=data["response_id"] or "recorded", created_at=0, model="", object="response", tools=[],
        output=list(_items().validate_python(data["output"])), tool_choice="auto", parallel_tool_calls=True,
        usage=usage,
    )  # fmt: skip
    return ResponseCompletedEvent(type="response.completed", sequence_number=0, response=response)


def shape(input: str | list[TResponseInputItem]) -> str:
    """What a model call was asked, without its words: the roles, types and call ids, as a short hash."""
    if isinstance(input, str):
        return "text"
    parts = (f"{i.get('type') or ''}:{i.get('role') or ''}:{i.get('call_id') or ''}" for i in _mappings(input))
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:16]


def _mappings(input: list[TResponseInputItem]) -> list[Mapping[str, Any]]:
    return [item if isinstance(item, Mapping) else item.model_dump() for item in input]


def dump_tool_output(output: Any) -> Any:
    """A tool's result as JSON. What the SDK has no type for and JSON cannot say becomes text, as the model reads it."""
    if isinstance(output, BaseModel) and type(output).__name__ in _TOOL_OUTPUTS:
        return {"$sdk": type(output).__name__, "value": output.model_dump(mode="json")}
    if isinstance(output, list) and any(isinstance(part, BaseModel) for part in output):
        return {"$list": [dump_tool_output(part) for part in output]}
    if type(output) is str:
        return output
    try:
        return json.loads(json.dumps(output))
    except (TypeError, ValueError):
        return str(output)


def load_tool_output(data: Any) -> Any:
    """A recorded tool result."""
    if isinstance(data, Mapping):
        if "$sdk" in data:
            return _TOOL_OUTPUTS[data["$sdk"]].model_validate(data["value"])
        if "$list" in data:
            return [load_tool_output(part) for part in data["$list"]]
    return data


def told(data: Any) -> Any:
    """What the model is told of a recorded tool result: text, or the parts of an input item."""
    call = ResponseFunctionToolCall(arguments="", call_id="", name="", type="function_call")
    return ItemHelpers.tool_call_output_item(call, load_tool_output(data))["output"]
