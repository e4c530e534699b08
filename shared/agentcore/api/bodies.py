"""What request bodies share."""

from __future__ import annotations

import math
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

_METADATA_DEEPEST = 16
_DEEPEST = 64  # levels of JSON; no client has a use for more, and each one costs every reader a stack frame


class Body(BaseModel):
    """A JSON object that can be stored. A field that does not exist is refused: it would be silently ignored."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _storable(cls, value: Any) -> Any:
        if isinstance(value, dict):
            for name, one in value.items():
                if reason := unstorable(one) or unstorable(name):
                    raise PydanticCustomError("unstorable", "{reason}", {"field": str(name), "reason": reason})
        return value


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


def _shallow(value: dict[str, Any]) -> dict[str, Any]:
    if reason := unstorable(value, _METADATA_DEEPEST):
        raise PydanticCustomError("unstorable", "{reason}", {"reason": reason})
    return value


Metadata = Annotated[dict[str, Any], AfterValidator(_shallow)]
Limit = Annotated[int, Field(strict=True, ge=1, le=1000)]
Offset = Annotated[int, Field(strict=True, ge=0, le=1_000_000)]


def text_id(value: UUID | None) -> str | None:
    """An id as the store has it."""
    return None if value is None else str(value)
