"""Which step of which attempt some code is: what the side table says beside what happened."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from agentcore import current
from agentcore.durable.scope import scope_now
from tests.soak.side import Line, Side, What

SIDE = Side(Path(os.environ.get("SOAK_SIDE", "side")))


@dataclass(frozen=True, kw_only=True)
class Step:
    run: str
    key: str
    fence: int
    name: str
    idempotency: str

    @classmethod
    def tool(cls) -> Step:
        """The tool call this code is in."""
        here = current()
        return cls(run=here.run_id, key=here.key, fence=_fence(), name=here.tool, idempotency=here.idempotency_key)

    @classmethod
    def model(cls) -> Step:
        """The model call this code is in, under the key that the journal will have for it."""
        here, scope = current(), scope_now()
        assert scope is not None
        place = f"model:{scope.slice.segment}/{scope.path}"
        key = f"{place}/{scope.slice.numbers[place]}"
        return cls(run=here.run_id, key=key, fence=_fence(), name=here.agent, idempotency="")

    def did(self, what: What) -> None:
        SIDE.add(Line(what=what, **vars(self)))

    @property
    def done(self) -> str:
        """What a tool returns, so that the journal says which attempt it is from."""
        return f"{self.name} done (attempt {self.fence})"


def _fence() -> int:
    scope = scope_now()
    assert scope is not None
    return scope.slice.journal.run.fence
