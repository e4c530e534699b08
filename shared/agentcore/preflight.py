"""Before a deploy: replay every parked run against the code at hand, with fresh calls forbidden."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agentcore.deadline import Deadline
from agentcore.engine import Execution
from agentcore.records import Claim, Finish

if TYPE_CHECKING:
    from agentcore.service import Service


@dataclass(frozen=True, kw_only=True)
class Report:
    """One parked run. `problem` is None where it would resume."""

    run_id: str
    tenant: str
    agent: str
    status: str
    problem: str | None


async def preflight(service: Service, *, batch: int = 100) -> AsyncIterator[Report]:
    """A report for each unfinished run that has a journal. Nothing is claimed, called or written."""
    last = ""
    while claims := await service.store.parked(after=last, limit=batch, window=service.settings.history_items):
        for claim in claims:
            yield await _check(service, claim)
        last = claims[-1].run.id


async def _check(service: Service, claim: Claim) -> Report:
    run, problem = claim.run, None
    try:
        to = await Execution(service, claim, Deadline(None), frozen=True).rehearse()
        if isinstance(to, Finish) and to.status == "failed" and to.error:
            problem = f"{to.error['code']}: {to.error['message']}"
    except Exception as error:
        problem = f"{type(error).__name__}: {error}"
    return Report(run_id=run.id, tenant=run.tenant, agent=run.agent, status=run.status, problem=problem)
