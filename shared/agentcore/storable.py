"""What a database can keep of what others send."""

from __future__ import annotations

import math
from typing import Any

_DEEPEST = 64  # levels of JSON; no client has a use for more, and each one costs every reader a stack frame


def unstorable(value: Any, deepest: int = _DEEPEST) -> str:
    """Why a database cannot keep this JSON value; empty where it can."""
    todo = [(value, 0)]
    while todo:
        one, depth = todo.pop()
        if depth > deepest:
            return f"is nested more than {deepest} deep"
        if isinstance(one, str):
            if reason := _bad_text(one):
                return reason
        elif isinstance(one, float) and not math.isfinite(one):
            return "has a number that JSON does not know"
        elif isinstance(one, dict):
            todo += [(part, depth + 1) for pair in one.items() for part in pair]
        elif isinstance(one, list):
            todo += [(part, depth + 1) for part in one]
    return ""


def _bad_text(text: str) -> str:
    if "\0" in text:
        return "has a NUL character"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "has half of a surrogate pair"
    return ""


def clean(value: Any) -> Any:
    """The value with what a database cannot keep replaced: NUL, halves of surrogate pairs, numbers that are none."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {clean(k): clean(v) for k, v in value.items()}
    return [clean(v) for v in value] if isinstance(value, list | tuple) else value
