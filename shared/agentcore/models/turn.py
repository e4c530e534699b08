"""What a model was sent, as the offline model reads it: the last user message and what was done about it since."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_FAILED = re.compile(r"\b(error|not approved|rejected|failed|denied|refused|timed out|invalid|expired)\b", re.I)


@dataclass(frozen=True, kw_only=True)
class Done:
    """A tool call made for the last user message, and what came of it."""

    tool: str
    arguments: Any
    output: str

    @property
    def failed(self) -> bool:
        """Whether the output begins like an error: what stands further back may be data."""
        return _FAILED.search(self.output[:60]) is not None


@dataclass(frozen=True, kw_only=True)
class Turn:
    """The last user message, the calls made for it, and what was said before, newest first."""

    text: str
    done: Sequence[Done] = ()
    earlier: Sequence[str] = ()

    def called(self, tool: str, arguments: Any) -> bool:
        return any(d.tool == tool and d.arguments == arguments for d in self.done)


def read(input: str | Iterable[Any]) -> Turn:
    """The turn that an SDK input describes."""
    if isinstance(input, str):
        return Turn(text=input)
    items = [item for item in input if isinstance(item, Mapping)]
    last = max((i for i, item in enumerate(items) if item.get("role") == "user"), default=-1)
    said = [_said(item) for item in items]
    before = said[: max(last, 0)]
    text = said[last] if last >= 0 else ""
    return Turn(text=text, done=_done(items[last + 1 :]), earlier=[s for s in reversed(before) if s])


def _said(item: Mapping[str, Any]) -> str:
    """The words of a user's message or of a tool's output; nothing for the rest."""
    if item.get("role") == "user":
        return _text(item.get("content"))
    return _text(item.get("output")) if item.get("type") == "function_call_output" else ""


def _done(items: Sequence[Mapping[str, Any]]) -> list[Done]:
    outputs = {i["call_id"]: _text(i.get("output")) for i in items if i.get("type") == "function_call_output"}
    calls = [i for i in items if i.get("type") == "function_call"]
    return [
        Done(tool=c["name"], arguments=_json(c["arguments"]), output=outputs.get(c["call_id"], "no answer"))
        for c in calls
    ]


def _json(text: str) -> Any:
    try:
        return json.loads(text or "{}")
    except ValueError:
        return text


def _text(content: Any) -> str:
    if isinstance(content, list):
        return " ".join(str(part.get("text", "")) for part in content if isinstance(part, Mapping)).strip()
    return content if isinstance(content, str) else json.dumps(content)
