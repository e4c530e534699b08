"""What request bodies share."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from agentcore.storable import unstorable

_METADATA_DEEPEST = 16


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


def _shallow(value: dict[str, Any]) -> dict[str, Any]:
    if reason := unstorable(value, _METADATA_DEEPEST):
        raise PydanticCustomError("unstorable", "{reason}", {"reason": reason})
    return value


def _kept(value: str) -> str:
    if reason := unstorable(value):
        raise PydanticCustomError("unstorable", "{reason}", {"reason": reason})
    return value


storable = AfterValidator(_kept)  # of a text in a query, which a database is asked for
Metadata = Annotated[dict[str, Any], AfterValidator(_shallow)]
Limit = Annotated[int, Field(strict=True, ge=1, le=1000)]
Offset = Annotated[int, Field(strict=True, ge=0, le=1_000_000)]


def text_id(value: UUID | None) -> str | None:
    """An id as the store has it."""
    return None if value is None else str(value)
