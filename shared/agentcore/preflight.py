"""Before a deploy: replay every parked run against the code at hand, with fresh calls forbidden."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agentcore.deadline import Deadline
from agentcore.engine import Execution, agent_of
from agentcore.errors import Misconfigured
from agentcore.reach import check
from agentcore.records import Claim, Finish
from agentcore.registry import Registry

if TYPE_CHECKING:
    from agentcore.service import Service

log = logging.getLogger("agentcore.preflight")


@dataclass(frozen=True, kw_only=True)
class Report:
    """One parked run. `problem` is None where it would resume."""

    run_id: str
    tenant: str
    agent: str
    status: str
    problem: str | None


async def unfit(registry: Registry) -> dict[str, Misconfigured]:
    """The registered agents that cannot run, and why: they cannot be loaded, or reach a tool that cannot be recorded.

    A function that makes an agent is called, as each slice does.
    """
    found = {}
    for spec in registry.specs.values():
        try:
            check(await agent_of(spec))
        except Misconfigured as error:
            found[spec.name] = error
        except Exception:  # it may be well when it is needed
            log.warning("agent %r could not be made", spec.name, exc_info=True)
    return found


async def preflight(service: Service, *, batch: int = 100) -> AsyncIterator[Report]:
    """A report for each unfinished run that has a journal. Nothing is claimed, called or written."""
    last = ""
    while claims := await service.store.parked(after=last, limit=batch, window=service.settings.history_items):
        for claim in claims:
            yield await _check(service, claim)
        last = claims[-1].run.id


async def _check(service: Service, claim: Claim) -> Report:
    run, problem = claim.run, None
    execution = Execution(service, claim, Deadline(None), frozen=True)
    try:
        to = await execution.rehearse()
        if isinstance(to, Finish) and to.status == "failed" and to.error:
            problem = f"{to.error['code']}: {to.error['message']}"
    except Exception as error:
        problem = f"{type(error).__name__}: {error}"
    finally:
        execution.leave_servers()
    return Report(run_id=run.id, tenant=run.tenant, agent=run.agent, status=run.status, problem=problem)
