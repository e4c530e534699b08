"""What models and tools really did: a line each, in a file that outlives their processes and no fault reaches."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from agentcore.testing import SideTable

What = Literal["model", "begin", "effect"]


@dataclass(frozen=True, kw_only=True)
class Line:
    """A model was called, a tool began, or it had its effect."""

    what: What
    run: str
    key: str  # of the step in the journal
    fence: int  # of the attempt that did it
    name: str  # of the tool or the agent
    idempotency: str = ""
    pid: int = 0
    at: float = 0.0  # seconds since 1970, whatever time the process believes in


class Side:
    """The side table: many processes append, one reads."""

    def __init__(self, path: Path) -> None:
        self._table, self.path = SideTable(path), path
        self._lines: list[Line] = []
        self._read = 0  # bytes

    def add(self, line: Line) -> None:
        now = time.clock_gettime(time.CLOCK_REALTIME)
        self._table.add(json.dumps({**asdict(line), "pid": os.getpid(), "at": now}))

    def lines(self) -> list[Line]:
        """All there is by now."""
        if self.path.exists():
            with self.path.open("rb") as file:
                file.seek(self._read)
                fresh = file.read()
            whole = fresh[: fresh.rfind(b"\n") + 1]
            self._read += len(whole)
            self._lines += [Line(**json.loads(line)) for line in whole.splitlines()]
        return self._lines
