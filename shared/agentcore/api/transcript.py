"""Messages and tool calls as the Agent Protocol's content blocks (its streaming/protocol.cddl, 2 and 8). Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from agentcore.api.messages import message_of

Json = Mapping[str, Any]
_USAGE = {"input_tokens": "inputTokens", "output_tokens": "outputTokens", "total_tokens": "totalTokens"}
_ROLES = {"user": "human", "system": "system", "developer": "system", "assistant": "ai"}


def start(id: str, role: str, **metadata: Any) -> dict[str, Any]:
    return {"event": "message-start", "role": role, "id": id, **({"metadata": metadata} if metadata else {})}


def finish(usage: Json | None = None) -> dict[str, Any]:
    return {"event": "message-finish", **({"usage": _usage(usage)} if usage else {})}


def text_start(index: int = 0) -> dict[str, Any]:
    return _block("start", index, {"type": "text", "text": ""})


def text_delta(text: str, index: int = 0) -> dict[str, Any]:
    return {"event": "content-block-delta", "index": index, "delta": {"type": "text-delta", "text": text}}


def text_finish(text: str, index: int = 0) -> dict[str, Any]:
    return _block("finish", index, {"type": "text", "text": text})


def text_block(text: str, index: int = 0) -> Iterator[dict[str, Any]]:
    """A text all at once: its delta too, for clients that put texts together from those."""
    yield text_start(index)
    yield text_delta(text, index)
    yield text_finish(text, index)


def call_block(call: Json, index: int) -> Iterator[dict[str, Any]]:
    """A tool call all at once."""
    chunk = {"type": "tool_call_chunk", "id": call["call_id"], "name": call["name"]}
    yield _block("start", index, {**chunk, "args": ""})
    fields = {**chunk, "args": call["arguments"] or ""}
    yield {"event": "content-block-delta", "index": index, "delta": {"type": "block-delta", "fields": fields}}
    yield _block("finish", index, tool_call(call))


def tool_call(call: Json) -> dict[str, Any]:
    """The finished block of a call: its arguments as an object, or why they are none."""
    about = {"id": call["call_id"], "name": call["name"]}
    try:
        arguments = json.loads(call["arguments"] or "{}")
    except ValueError as error:
        return {"type": "invalid_tool_call", **about, "args": call["arguments"], "error": str(error)}
    if not isinstance(arguments, dict):
        return {"type": "invalid_tool_call", **about, "args": call["arguments"], "error": "They are no object."}
    return {"type": "tool_call", **about, "args": arguments}


def given(input: Any, prefix: str) -> Iterator[dict[str, Any]]:
    """What a run was started with, as complete messages. An assistant's earlier words are theirs, too."""
    items = input if isinstance(input, list) else [{"role": "user", "content": input}]
    for n, item in enumerate(items):
        if isinstance(item, Mapping) and item.get("role") in _ROLES:
            yield start(f"{prefix}/{n}", _ROLES[item["role"]])
            for index, block in enumerate(_blocks(item.get("content"))):
                if block["type"] == "text":
                    yield from text_block(block["text"], index)
                else:
                    yield _block("start", index, block)
                    yield _block("finish", index, block)
            yield finish()


def _blocks(content: Any) -> Iterator[dict[str, Any]]:
    for part in content if isinstance(content, list) else [content]:
        text = part.get("text") if isinstance(part, Mapping) else part
        if isinstance(text, str):
            yield {"type": "text", "text": text}
        elif isinstance(part, Mapping):
            yield {"type": "non_standard", "value": dict(part)}
        else:
            yield {"type": "text", "text": json.dumps(part, ensure_ascii=False)}


def _block(what: str, index: int, content: Json) -> dict[str, Any]:
    return {"event": f"content-block-{what}", "index": index, "content": dict(content)}


def _usage(usage: Json) -> dict[str, Any]:
    told: dict[str, Any] = {name: usage[ours] for ours, name in _USAGE.items() if ours in usage}
    if "cached_tokens" in usage:
        told["inputTokenDetails"] = {"cacheRead": usage["cached_tokens"]}
    if "reasoning_tokens" in usage:
        told["outputTokenDetails"] = {"reasoning": usage["reasoning_tokens"]}
    return told


def said(text: str, calls: Sequence[Json], id: str) -> list[dict[str, Any]]:
    """A model's response as messages, as the thread's history has them."""
    words = [message_of({"role": "assistant", "content": text, "id": id})] if text else []
    return [*words, *(message_of({**call, "type": "function_call"}) for call in calls)]


def came_of(call_id: str, output: Any) -> dict[str, Any]:
    """A tool's result as a message."""
    return message_of({"type": "function_call_output", "call_id": call_id, "output": output})
