"""Fill a tool's parameters, or a structured output, from words: by the schema's types and the parameters' names."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from agentcore.models import phrases

Schema = Mapping[str, Any]
Taken = tuple[Any, str]  # a value (None: not there) and the words that are left

_WHEN = {"when", "until", "at", "date", "time", "due", "deadline", "timeout", "delay", "duration"}
_ID = {"id", "ids", "number", "no", "code", "reference", "ref", "correlation", "order", "invoice", "account"}
_FREE = {"reason", "note", "text", "message", "input", "body", "content", "question", "query", "prompt", "task"}
_FREE |= {"comment", "promise", "description", "details", "summary", "subject", "request"}

# In the order in which they take their words: the more a form says about itself, the sooner.
_KINDS = ("enum", "email", "url", "zone", "cron", "when", "id", "number", "boolean", "name", "array", "object", "text")


def fill(schema: Schema, text: str, earlier: Sequence[str] = ()) -> tuple[dict[str, Any], list[str]]:
    """Arguments for a parameter schema out of `text`, and the names of required ones that are not to be found.

    A required id that `text` lacks is looked for in `earlier`, newest first ("refund it").
    """
    values, missing, rest = {}, [], text
    for name, part in sorted(_properties(schema).items(), key=lambda p: _KINDS.index(_kind(*p))):
        kind, needed = _kind(name, part), required(schema, name)
        value, rest = _take(name, part, rest, text)
        if kind in ("text", "name") and not needed and value in (text.strip(), text.strip(" .?!")):
            continue  # all that was said is a last resort
        if value is None and needed and kind == "id":
            value = next((v for v in (_take(name, part, e, e)[0] for e in earlier) if v is not None), None)
        if value is not None:
            values[name] = value
        elif needed:
            missing.append(name)
    return {name: values[name] for name in _properties(schema) if name in values}, missing


def required(schema: Schema, name: str) -> bool:
    """Whether the parameter must be given. In strict schemas all are listed, so a null or a default says no."""
    part = schema.get("properties", {})[name]
    nullable = any(option.get("type") == "null" for option in part.get("anyOf", ()))
    return name in schema.get("required", ()) and not nullable and "default" not in part


def typed(schema: Schema, text: str) -> dict[str, Any]:
    """The values that `text` holds for parameters of a form of their own: ids, amounts, times, not free text."""
    kinds = {name: _kind(name, part) for name, part in _properties(schema).items()}
    found = {"properties": {n: p for n, p in _properties(schema).items() if kinds[n] in _KINDS[:8]}}
    return fill(found, text)[0]


def example(schema: Schema, text: str, fallback: str) -> Any:
    """A value that fits the schema: what `text` says where it says something, else the plainest one."""
    return _example("", schema, schema, text, fallback)


def _example(name: str, part: Schema, root: Schema, text: str, fallback: str) -> Any:
    part = _resolved(part, root)
    if part.get("properties"):
        return {n: _example(n, p, root, text, fallback) for n, p in part["properties"].items()}
    if part.get("type") == "array":
        count = part.get("minItems", 1 if part.get("items") else 0)
        return [_example(name, part.get("items", {}), root, text, fallback) for _ in range(count)]
    kind = _kind(name, part)
    value = None if kind == "text" else _take(name, part, text, text)[0]
    return _plainest(part, fallback) if value is None else _within(part, value)


def _plainest(part: Schema, fallback: str) -> Any:
    if options := _options(part):
        return options[0]
    plain: dict[str, Any] = {
        "boolean": False,
        "integer": 0,
        "number": 0,
        "null": None,
        "object": {},
        "string": fallback,
    }
    return _within(part, plain.get(part.get("type", "string"), fallback))


def _within(part: Schema, value: Any) -> Any:
    if isinstance(value, str):
        return value.ljust(part.get("minLength", 0), ".")[: part.get("maxLength")]
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = max(value, part.get("minimum", part.get("exclusiveMinimum", value - 1) + 1))
        return min(value, part.get("maximum", part.get("exclusiveMaximum", value + 1) - 1))
    return value


def _properties(schema: Schema) -> dict[str, Schema]:
    return {name: _resolved(part, schema) for name, part in schema.get("properties", {}).items()}


def _resolved(part: Schema, root: Schema) -> Schema:
    """The schema behind a reference, and the first of several that is not null."""
    if ref := part.get("$ref"):
        return _resolved(root["$defs"][ref.rpartition("/")[2]], root)
    options = [o for o in (*part.get("anyOf", ()), *part.get("allOf", ())) if o.get("type") != "null"]
    return _resolved(options[0], root) if options else part


def _options(part: Schema) -> list[Any]:
    return list(part.get("enum") or ([part["const"]] if "const" in part else []))


def _kind(name: str, part: Schema) -> str:
    last = name.lower().rpartition("_")[2]
    form, kind = part.get("format", ""), part.get("type", "string")
    if _options(part):
        return "enum"
    if kind in ("boolean", "array", "object"):
        return str(kind)
    if last in _ID:
        return "id"
    if kind in ("integer", "number"):
        return "number"
    if last in _WHEN or form in ("date", "date-time", "duration"):
        return "when"
    named = {"email": "email", "url": "url", "uri": "url", "link": "url", "cron": "cron", "timezone": "zone"}
    return named.get(last) or named.get(form) or ("text" if last in _FREE else "name")


def _take(name: str, part: Schema, rest: str, text: str) -> Taken:
    value, left = phrases.cut(re.compile(rf"\b{re.escape(name)}\s*=\s*(\"[^\"]*\"|[^\s,;]+)"), rest)
    if value is not None:
        return _coerced(part, str(value).strip('"').rstrip(".")), left
    value, left = _TAKERS[_kind(name, part)](name, part, rest, text)
    return _coerced(part, value), left


def _coerced(part: Schema, value: Any) -> Any:
    kind = part.get("type")
    if not isinstance(value, str) or kind in ("string", None):
        return value
    try:
        return json.loads(value.replace(",", ".")) if kind == "number" else json.loads(value)
    except ValueError:
        return None


def _enum(name: str, part: Schema, rest: str, text: str) -> Taken:
    for option in _options(part):
        value, left = phrases.cut(re.compile(rf"\b({re.escape(str(option))})\b", re.I), rest)
        if value is not None:
            return option, left
    return None, rest


def _boolean(name: str, part: Schema, rest: str, text: str) -> Taken:
    if not re.search(rf"\b{re.escape(name.rpartition('_')[2])}", rest, re.I):
        return None, rest
    return not re.search(r"\b(no|not|without|don't|false|off)\b", rest, re.I), rest


def _array(name: str, part: Schema, rest: str, text: str) -> Taken:
    found: list[Any] = []
    item = part.get("items", {})
    one = name.removesuffix("s")
    if _kind(one, item) in ("name", "text"):
        return phrases.quoted(rest) or None, rest
    while True:
        value, left = _take(one, item, rest, rest)
        if value is None or left == rest:
            return found or None, rest
        found.append(value)
        rest = left


def _object(name: str, part: Schema, rest: str, text: str) -> Taken:
    values, missing = fill(part, rest)
    return (None if missing else values), rest


_Taker = Callable[[str, Schema, str, str], Taken]
_TAKERS: dict[str, _Taker] = {
    "enum": _enum,
    "boolean": _boolean,
    "array": _array,
    "object": _object,
    "email": lambda n, p, rest, t: phrases.cut(phrases.EMAIL, rest),
    "url": lambda n, p, rest, t: phrases.cut(phrases.URL, rest),
    "zone": lambda n, p, rest, t: phrases.cut(phrases.ZONE, rest),
    "cron": lambda n, p, rest, t: phrases.cron(rest),
    "when": lambda n, p, rest, t: phrases.when(rest),
    "id": lambda n, p, rest, t: phrases.identifier(n, rest),
    "number": lambda n, p, rest, t: phrases.amount(rest),
    "name": lambda n, p, rest, t: phrases.name(n, rest, t),
    "text": lambda n, p, rest, t: phrases.free(n, rest, t),
}
