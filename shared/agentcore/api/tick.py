"""The clock from outside: one request does all that is due."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Query

from agentcore.api import schemas
from agentcore.api.caller import Verbs
from agentcore.api.scopes import needs, signed
from agentcore.deadline import Deadline

routes = APIRouter(tags=["Schedules"])


@routes.post("/tick", **schemas.answers(schemas.Ticked, 503))
@signed
@needs("system")
async def tick(verbs: Verbs, seconds: Annotated[float, Query(ge=1, le=240)] = 25.0) -> Mapping[str, int]:
    """Ring what is due, send what was lost, deliver webhooks, apply retention: within so many seconds, of all tenants.

    Safe from many places at once and any number of times. What does not fit is done by the next call. A body means
    nothing and is not read.
    """
    return await verbs.tick(Deadline(seconds))
