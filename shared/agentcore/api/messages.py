"""What clients send as input → what a run keeps: a string, or the SDK's input items."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from agentcore.errors import Invalid

_ROLES = {
    "user": "user", "human": "user", "assistant": "assistant", "ai": "assistant",
    "system": "system", "developer": "developer",
}  # fmt: skip


def run_input(given: Any, messages: Sequence[Mapping[str, Any]] | None) -> Any:
    """`input` or `messages`, whichever was given. An object with `messages` is a list of them; another is its JSON.

    Raises Invalid, naming the field, for anything that a run cannot start from.
    """
    if messages:
        if given not in (None, "", {}):
            raise Invalid("messages: give either input or messages, not both.", field="messages")
        return [_message(one, f"messages.{n}") for n, one in enumerate(messages)]
    if isinstance(given, str) and given.strip():
        return given
    if isinstance(given, dict) and given:
        nested = given.get("messages")
        return run_input(nested, None) if isinstance(nested, list) else json.dumps(given, ensure_ascii=False)
    if isinstance(given, list) and given:
        return [_item(one, f"input.{n}") for n, one in enumerate(given)]
    raise Invalid("input: it must be a text, a list of messages or an object, and not empty.", field="input")


def _item(one: Any, field: str) -> Any:
    if isinstance(one, str):
        return {"role": "user", "content": one}
    if isinstance(one, dict) and "role" not in one and isinstance(one.get("type"), str):
        return one if one["type"] != "message" else _message(one, field)  # any other input item of the SDK
    return _message(one, field)


def _message(one: Any, field: str) -> dict[str, Any]:
    if not isinstance(one, Mapping):
        raise Invalid(f"{field}: it must be an object with role and content.", field=field)
    role = one.get("role")
    if not isinstance(role, str) or role not in _ROLES:
        raise Invalid(f"{field}.role: {role!r} is none of {', '.join(_ROLES)}.", field=f"{field}.role")
    return {"role": _ROLES[role], "content": _content(one.get("content"), _ROLES[role], f"{field}.content")}


def _content(content: Any, role: str, field: str) -> Any:
    if isinstance(content, str):
        return content
    if not isinstance(content, list) or not content:
        raise Invalid(f"{field}: it must be a text or a list of parts.", field=field)
    parts = [_part(part, f"{field}.{n}") for n, part in enumerate(content)]
    texts = [part["text"] for part in parts if part["type"] == "input_text"]
    if role == "assistant":  # the SDK takes an assistant's past words as a text only
        if len(texts) < len(parts):
            raise Invalid(f"{field}: an assistant's message has text parts only.", field=field)
        return "".join(texts)
    return parts


def _part(part: Any, field: str) -> dict[str, Any]:
    if not isinstance(part, dict) or not isinstance(part.get("type"), str):
        raise Invalid(f"{field}: it must be an object with a type.", field=field)
    if part["type"] not in ("text", "input_text", "output_text"):
        return part
    if not isinstance(part.get("text"), str):
        raise Invalid(f"{field}.text: it must be a text.", field=f"{field}.text")
    return {"type": "input_text", "text": part["text"]}
