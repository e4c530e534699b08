"""A finished response as the events of the Responses API, in the order in which a server sends them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from agents.items import TResponseStreamEvent
from openai.types.responses import Response, ResponseFunctionToolCall, ResponseOutputMessage, ResponseStreamEvent
from pydantic import TypeAdapter

_EVENT: TypeAdapter[TResponseStreamEvent] = TypeAdapter(ResponseStreamEvent)
_CHUNK = re.compile(r"(?:\S+\s*){1,3}|\s+")


def events(response: Response) -> Iterator[TResponseStreamEvent]:
    """Every event of the response, numbered."""
    for number, event in enumerate(_events(response)):
        yield _EVENT.validate_python({**event, "sequence_number": number})


def _events(response: Response) -> Iterator[dict[str, Any]]:
    opened = response.model_copy(update={"output": [], "usage": None, "status": "in_progress"})
    yield {"type": "response.created", "response": opened}
    yield {"type": "response.in_progress", "response": opened}
    for index, item in enumerate(response.output):
        for event in _message(item) if isinstance(item, ResponseOutputMessage) else _call(item):
            yield {**event, "output_index": index}
    yield {"type": "response.completed", "response": response}


def _message(item: ResponseOutputMessage) -> Iterator[dict[str, Any]]:
    here = {"item_id": item.id, "content_index": 0}
    part = item.content[0]
    text = getattr(part, "text", "")
    yield _item("added", item.model_copy(update={"content": [], "status": "in_progress"}))
    yield {"type": "response.content_part.added", "part": part.model_copy(update={"text": ""}), **here}
    for chunk in _CHUNK.findall(text):
        yield {"type": "response.output_text.delta", "delta": chunk, "logprobs": [], **here}
    yield {"type": "response.output_text.done", "text": text, "logprobs": [], **here}
    yield {"type": "response.content_part.done", "part": part, **here}
    yield _item("done", item)


def _call(item: Any) -> Iterator[dict[str, Any]]:
    assert isinstance(item, ResponseFunctionToolCall)
    here = {"item_id": item.id}
    yield _item("added", item.model_copy(update={"arguments": "", "status": "in_progress"}))
    for start in range(0, len(item.arguments), 12):
        delta = item.arguments[start : start + 12]
        yield {"type": "response.function_call_arguments.delta", "delta": delta, **here}
    done = {"arguments": item.arguments, "name": item.name}
    yield {"type": "response.function_call_arguments.done", **done, **here}
    yield _item("done", item)


def _item(what: str, item: Any) -> dict[str, Any]:
    return {"type": f"response.output_item.{what}", "item": item}
