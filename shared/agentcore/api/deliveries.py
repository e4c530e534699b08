"""Deliveries: what a run's webhook was told of its end, and telling it again."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query

from agentcore.api import schemas, views
from agentcore.api.caller import Tenant, Verbs
from agentcore.api.scopes import needs

routes = APIRouter(prefix="/runs/{run_id}/deliveries", tags=["Webhooks"])


@routes.get("", **schemas.answers(list[schemas.Delivery], 404))
@needs("runs:read")
async def list_deliveries(
    run_id: UUID, tenant: Tenant, verbs: Verbs,
    limit: Annotated[int, Query(ge=1, le=1000)] = 50, offset: Annotated[int, Query(ge=0, le=2**31)] = 0,
) -> list[dict[str, Any]]:  # fmt: skip
    """How far the delivery to the run's webhook got. There is none before the run has ended."""
    run = await verbs.store.run(tenant, str(run_id))
    found = await verbs.store.deliveries(tenant, run.id, limit=limit, offset=offset)
    return [views.delivery(one, run) for one in found]


@routes.post("/{delivery_id}/redeliver", **schemas.answers(schemas.Delivery, 404))
@needs("runs:write")
async def redeliver(run_id: UUID, delivery_id: UUID, tenant: Tenant, verbs: Verbs) -> dict[str, Any]:
    """Tell the webhook once more, with the same id, and with all attempts before it. It happens after the answer."""
    run = await verbs.store.run(tenant, str(run_id))
    return views.delivery(await verbs.redeliver(tenant, run.id, str(delivery_id)), run)
