"""Usage: tokens by agent and day."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query

from agentcore.api import schemas
from agentcore.api.bodies import storable
from agentcore.api.caller import Tenant, Verbs
from agentcore.api.scopes import needs
from agentcore.errors import Invalid

routes = APIRouter(tags=["Usage"])
_DAYS, _MOST_DAYS = 30, 366
_FIRST, _LAST = date(2000, 1, 1), date(9000, 1, 1)  # there is arithmetic to be done with them

Agent = Annotated[str, Query(min_length=1, max_length=200), storable]


@routes.get("/usage", **schemas.answers(list[schemas.Usage]))
@needs("usage:read")
async def get_usage(
    tenant: Tenant, verbs: Verbs, first: Annotated[date | None, Query(alias="from")] = None,
    last: Annotated[date | None, Query(alias="to")] = None, agent: Agent | None = None,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1000, offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
) -> list[dict[str, Any]]:  # fmt: skip
    """Tokens by agent and day, the newest day first; `from` and `to` are included, by default the last 30 days (UTC).

    A run counts on the day on which it was accepted, and its tokens once it has ended. Days without a run are left out.
    """
    until = last or (await verbs.store.now()).date()
    since = _since(first, until)
    found = await verbs.store.usage(tenant, first=since, last=until, agent=agent, limit=limit, offset=offset)
    return [asdict(row) for row in found]


def _since(first: date | None, last: date) -> date:
    for name, given in (("from", first or _FIRST), ("to", last)):
        if not _FIRST <= given <= _LAST:
            raise Invalid(f"{name}: {given} is not between {_FIRST} and {_LAST}.", field=name)
    since = first or last - timedelta(days=_DAYS - 1)
    if since > last:
        raise Invalid(f"from: {since} is after {last}, the last day asked for.", field="from")
    if (last - since).days >= _MOST_DAYS:
        raise Invalid(f"from: {since} to {last} is more than {_MOST_DAYS} days. Ask for fewer at once.", field="from")
    return since
