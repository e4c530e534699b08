"""Events from outside, as CloudEvents 1.0 over HTTP: structured, binary and batched."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from fastapi import APIRouter, Request

from agentcore import cloudevents
from agentcore.api import schemas
from agentcore.api.caller import Tenant, Verbs
from agentcore.api.scopes import needs
from agentcore.errors import Invalid

routes = APIRouter(prefix="/events", tags=["Events"])
_BATCH = 100
_EVENT = {"$ref": "#/components/schemas/CloudEvent"}
_BODY = {
    "application/cloudevents+json": {"schema": _EVENT},
    "application/cloudevents-batch+json": {"schema": {"type": "array", "items": _EVENT, "maxItems": _BATCH}},
    "application/json": {"schema": {"description": "One event. With `ce-` headers, the attributes: its data alone."}},
}


@routes.post(
    "",
    response_model=schemas.Signalled | list[schemas.Signalled],
    openapi_extra={"requestBody": {"required": True, "content": _BODY}},
    responses=schemas.refusals(409, 413, 422),
)
@needs("events:write")
async def send_event(request: Request, tenant: Tenant, verbs: Verbs) -> Any:
    """Wake the runs that wait for the event and start those that rules name: once for each source and id."""
    body = await request.body()
    if "ce-specversion" in request.headers:
        # The attributes are headers, percent-encoded; the body is the data.
        given = {name[3:]: unquote(value) for name, value in request.headers.items() if name.startswith("ce-")}
        return await verbs.signal(cloudevents.binary(tenant, given, request.headers.get("content-type", ""), body))
    given = cloudevents.parsed(body)
    if not isinstance(given, list):
        return await verbs.signal(cloudevents.structured(tenant, given))
    if len(given) > _BATCH:
        raise Invalid(f"body: a batch has at most {_BATCH} events.", field="body")
    return [await verbs.signal(event) for event in [cloudevents.structured(tenant, one) for one in given]]
