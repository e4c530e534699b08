"""Messages of the Agent Protocol ↔ the SDK's input items, which is what runs and threads keep.

A tool call and its result are blocks of an assistant's and of a tool's message:
`{"type": "tool_call", "call_id", "name", "arguments"}` and `{"type": "tool_result", "call_id", "output"}`. What has no
place in an item, such as a message's id and metadata, is kept beside it (`history.SHOWN`): no model sees it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from agentcore.errors import Invalid
from agentcore.history import SHOWN, bare

_ROLES = {
    "user": "user", "human": "user", "assistant": "assistant", "ai": "assistant",
    "system": "system", "developer": "developer", "tool": "tool",
}  # fmt: skip
_TEXTS = ("text", "input_text", "output_text")
_BY_US = ("role", "type", "status")


# -- in


def run_input(given: Any, messages: Sequence[Mapping[str, Any]] | None) -> Any:
    """`input` or `messages`, whichever was given, as a text or as items.

    An object with `messages` is a list of them; another object, a number or a truth value is its JSON. Raises Invalid,
    naming the field, for anything that a run cannot start from.
    """
    if messages:
        if given not in (None, "", {}):
            raise Invalid("messages: give either input or messages, not both.", field="messages")
        return items_of(messages, "messages")
    if isinstance(given, str) and given.strip():
        return given
    if isinstance(given, dict) and given:
        nested = given.get("messages")
        return run_input(nested, None) if isinstance(nested, list) else json.dumps(given, ensure_ascii=False)
    if isinstance(given, list) and given:
        return [item for n, one in enumerate(given) for item in _items(one, f"input.{n}")]
    if isinstance(given, bool | int | float):
        return json.dumps(given)
    raise Invalid("input: it must be a text, a list of messages or an object, and not empty.", field="input")


def items_of(messages: Sequence[Any], field: str) -> list[dict[str, Any]]:
    """Messages as items. Invalid, naming the field."""
    return [item for n, one in enumerate(messages) for item in _said(one, f"{field}.{n}")]


def _items(one: Any, field: str) -> list[dict[str, Any]]:
    if isinstance(one, str):
        return [{"role": "user", "content": one}]
    if isinstance(one, dict) and "role" not in one and isinstance(one.get("type"), str) and one["type"] != "message":
        return [bare(one)]  # any other input item of the SDK
    return _said(one, field)


def _said(one: Any, field: str) -> list[dict[str, Any]]:
    """The items of one message: several, where it calls tools."""
    if not isinstance(one, Mapping):
        raise Invalid(f"{field}: it must be an object with role and content.", field=field)
    role = one.get("role")
    if not isinstance(role, str) or role not in _ROLES:
        raise Invalid(f"{field}.role: {role!r} is none of {', '.join(_ROLES)}.", field=f"{field}.role")
    items = list(_by_role(_ROLES[role], one.get("content"), f"{field}.content"))
    back = message_of(items[0])
    beside = {k: v for k, v in one.items() if k not in _BY_US and back.get(k) != v}
    if len(items) > 1:
        beside.pop("content", None)  # it is in all of them together
    return [{**items[0], SHOWN: beside}, *items[1:]] if beside else items


def _by_role(role: str, content: Any, field: str) -> Iterable[dict[str, Any]]:
    if isinstance(content, str) and role != "tool":
        return [{"role": role, "content": content}]
    if not isinstance(content, list) or not content:
        raise Invalid(f"{field}: it must be a {'' if role == 'tool' else 'text or a '}list of parts.", field=field)
    parts = [_part(part, f"{field}.{n}") for n, part in enumerate(content)]
    if role not in ("assistant", "tool"):
        return [{"role": role, "content": parts}]
    return [*_text_of(parts, role, field), *(_block(p, f"{field}.{n}") for n, p in enumerate(parts) if not _text(p))]


def _text_of(parts: Sequence[Mapping[str, Any]], role: str, field: str) -> Iterable[dict[str, Any]]:
    """The SDK takes an assistant's past words as a text only."""
    texts = [part["text"] for part in parts if _text(part)]
    if texts and role == "tool":
        raise Invalid(f"{field}: a tool's message has parts of type tool_result.", field=field)
    return [{"role": role, "content": "".join(texts)}] if texts else []


def _block(part: Mapping[str, Any], field: str) -> dict[str, Any]:
    match part["type"]:
        case "tool_call":
            named = _strings(part, field, "call_id", "name", "arguments")
            return {"type": "function_call", **named}
        case "tool_result":
            output = part.get("output")
            told = output if isinstance(output, str) else json.dumps(output, ensure_ascii=False)
            return {"type": "function_call_output", **_strings(part, field, "call_id"), "output": told}
        case "refusal":
            return {"role": "assistant", "content": _strings(part, field, "refusal")["refusal"]}
        case kind if kind.startswith("input_"):
            raise Invalid(f"{field}: only a user's message has parts of type {kind}.", field=field)
        case _:
            return bare(part)  # such as reasoning: an item as it is


def _strings(part: Mapping[str, Any], field: str, *names: str) -> dict[str, str]:
    for name in names:
        if not isinstance(part.get(name), str):
            raise Invalid(f"{field}.{name}: it must be a text.", field=f"{field}.{name}")
    return {name: part[name] for name in names}


def _part(part: Any, field: str) -> dict[str, Any]:
    if not isinstance(part, dict) or not isinstance(part.get("type"), str):
        raise Invalid(f"{field}: it must be an object with a type.", field=field)
    if part["type"] not in _TEXTS:
        return part
    return {"type": "input_text", **_strings(part, field, "text")}


def _text(part: Mapping[str, Any]) -> bool:
    return bool(part["type"] == "input_text")


# -- out


def message_of(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item as a message."""
    beside = item.get(SHOWN) or {}
    told = {"role": _role(item), "content": _content(item)}
    return {**told, **({"id": item["id"]} if item.get("id") else {}), **beside}


def _role(item: Mapping[str, Any]) -> str:
    by_tool = str(item.get("type") or "").endswith("_output")
    return item.get("role") or ("tool" if by_tool else "assistant")


def _content(item: Mapping[str, Any]) -> Any:
    match item.get("type") or "message":
        case "message":
            return _parts(item)
        case "function_call":
            return [{"type": "tool_call", **{name: item.get(name) for name in ("call_id", "name", "arguments")}}]
        case "function_call_output":
            return [{"type": "tool_result", "call_id": item.get("call_id"), "output": item.get("output")}]
        case _:
            return [{name: value for name, value in bare(item).items() if name not in ("id", "role")}]


def _parts(item: Mapping[str, Any]) -> Any:
    content = item.get("content")
    if not isinstance(content, list):
        return content if isinstance(content, str) else ""
    parts = [{"type": "text", "text": p.get("text", "")} if p.get("type") in _TEXTS else p for p in content]
    whole = item.get("role") == "assistant" and len(parts) == 1 and parts[0]["type"] == "text"
    return parts[0]["text"] if whole else parts
