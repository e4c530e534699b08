"""A person who decides, late, and who looks up what became of a call before saying so."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.soak.api import Api
from tests.soak.options import STOP, Options
from tests.soak.side import Side

LATE = 5.0  # seconds at most that an approval waits
NEVER = 0.03  # how often somebody forgets, so that the question expires
SURE = 2 * STOP + 2  # seconds after which no process that stood still can be about to do what is asked about


@dataclass
class Person:
    api: Api
    options: Options
    side: Side
    decided: Counter[str] = field(default_factory=Counter)

    async def decide(self) -> None:
        """Answer what is asked, for ever."""
        due, rng = dict[str, float](), self.options.rng("person")
        while True:
            answer = await self.api.ask("GET", "/approvals?limit=1000")
            for asked in sorted(answer.json(), key=lambda one: str(one["approval_id"])):
                wait = SURE if asked["kind"] == "outcome" else rng.uniform(0, LATE)
                if asked["kind"] == "approval" and rng.random() < NEVER:
                    wait = 3600.0
                due.setdefault(asked["approval_id"], time.monotonic() + wait)
                if due[asked["approval_id"]] <= time.monotonic():
                    await self._answer(asked, twice=rng.random() < 0.1, no=rng.random() < 0.1)
            await asyncio.sleep(0.5)

    async def _answer(self, asked: dict[str, Any], *, twice: bool, no: bool) -> None:
        if asked["kind"] == "approval":
            said = {"decision": "reject" if no else "approve", "arguments_hash": asked["arguments_hash"]}
        elif self._happened(asked):
            said = {"decision": "happened", "result": f"{asked['tool']} happened"}
        else:
            said = {"decision": "again"}
        self.decided[f"{asked['kind']}: {said['decision']}"] += 1
        path = f"/approvals/{asked['approval_id']}"
        await asyncio.gather(*(self.api.ask("POST", path, json=said) for _ in range(1 + twice)))

    def _happened(self, asked: dict[str, Any]) -> bool:
        run, call = asked["run_id"], f"/{asked['call_id']}"
        return any(e.what == "effect" and e.run == run and e.key.endswith(call) for e in self.side.lines())
