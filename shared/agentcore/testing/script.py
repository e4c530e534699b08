"""Models and side tables for tests: what they do depends on their input alone, so a repeated call gives the same."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from agents import Model, ModelResponse
from agents.testing import ScriptedModel, assistant_message, function_call

Turn = Sequence[Any]


def say(text: str) -> Any:
    """A message of the model."""
    return assistant_message(text)


def call(tool: str, arguments: dict[str, Any] | None = None, *, id: str) -> Any:
    """A tool call of the model; `id` must be unique in the script."""
    return function_call(tool, arguments or {}, call_id=id)


class Script(Model):
    """Answers a message with its turns, one after the other; which one is next is read off the input."""

    def __init__(self, *turns: Turn, log: SideTable | None = None, name: str = "model") -> None:
        self.turns, self.log, self.name = turns, log, name

    def turn(self, input: Any) -> list[Any]:
        number = 0 if isinstance(input, str) else _answers(input)
        if self.log is not None:
            self.log.add(f"{self.name}:{number}")
        return list(self.turns[min(number, len(self.turns) - 1)])

    async def get_response(self, system_instructions: Any, input: Any, *args: Any, **kwargs: Any) -> ModelResponse:
        return await ScriptedModel([self.turn(input)]).get_response(system_instructions, input, *args, **kwargs)

    async def stream_response(
        self, system_instructions: Any, input: Any, *args: Any, **kwargs: Any
    ) -> AsyncIterator[Any]:
        model = ScriptedModel([self.turn(input)])
        async for event in model.stream_response(system_instructions, input, *args, **kwargs):
            yield event


def _answers(input: Sequence[Any]) -> int:
    """How often the model has answered since the last user message: its items stand together."""
    count, before = 0, False
    for item in input:
        if item.get("role") == "user":
            count, before = 0, False
            continue
        own = item.get("type") in ("function_call", "reasoning") or item.get("role") == "assistant"
        count += own and not before
        before = own
    return count


class SideTable:
    """A file that survives `os._exit`, to which tools and models write what really happened."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def add(self, line: str) -> None:
        """Append a line, in one write."""
        file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            os.write(file, f"{line}\n".encode())
        finally:
            os.close(file)

    def count(self) -> Counter[str]:
        """How often each line was written."""
        return Counter(self.path.read_text().splitlines()) if self.path.exists() else Counter()
