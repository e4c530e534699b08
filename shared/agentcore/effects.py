"""What repeating a tool would mean: `@effect("once")` over `@function_tool`. Imports no SDK."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, get_args

from agentcore.errors import Misconfigured
from agentcore.records import Effect

Tool = TypeVar("Tool")


def effect(kind: Effect) -> Callable[[Tool], Tool]:
    """Say what a repeat of the tool would do, above `@function_tool`.

    `read`: nothing changes, repeat at will. `idempotent` (default): a repeat with the same key is harmless.
    `once`: never repeated; when its outcome is unknown, a person is asked. Tools that need approval default to `once`.
    """
    if kind not in get_args(Effect):
        raise Misconfigured(f"@effect({kind!r}): say one of {', '.join(get_args(Effect))}.")

    def mark(tool: Tool) -> Tool:
        tool.agentcore_effect = kind  # type: ignore[attr-defined]  # FunctionTool has no place for it
        return tool

    return mark


def effect_of(tool: Any) -> Effect:
    """The effect of a tool: as marked, else `once` where it may need approval, else `idempotent`."""
    marked: Effect | None = getattr(tool, "agentcore_effect", None)
    if marked is not None:
        return marked
    return "once" if getattr(tool, "needs_approval", False) is not False else "idempotent"
