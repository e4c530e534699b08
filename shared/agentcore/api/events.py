"""Events from outside, as CloudEvents 1.0 over HTTP: structured, binary and batched."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn
from urllib.parse import unquote

from fastapi import APIRouter, Request

from agentcore.api.bodies import unstorable
from agentcore.api.caller import Tenant, Verbs
from agentcore.api.scopes import needs
from agentcore.errors import Invalid
from agentcore.records import Event

routes = APIRouter(prefix="/events", tags=["Events"])
_LONGEST = 1000  # characters of an attribute
_BATCH = 100


@routes.post("")
@needs("events:write")
async def send_event(request: Request, tenant: Tenant, verbs: Verbs) -> Any:
    """Wake the runs that wait for the event and start those that rules name: once for each source and id."""
    body = await request.body()
    if "ce-specversion" in request.headers:
        return await verbs.signal(_binary(tenant, request.headers, body))
    given = _json(body)
    if not isinstance(given, list):
        return await verbs.signal(_event(tenant, given))
    if len(given) > _BATCH:
        raise Invalid(f"body: a batch has at most {_BATCH} events.", field="body")
    return [await verbs.signal(event) for event in [_event(tenant, one) for one in given]]


def _binary(tenant: str, headers: Mapping[str, str], body: bytes) -> Event:
    """The attributes are headers, percent-encoded; the body is the data."""
    given: dict[str, Any] = {name[3:]: unquote(value) for name, value in headers.items() if name.startswith("ce-")}
    kind = headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if body:
        is_json = kind == "application/json" or kind.endswith("+json")
        given["data"] = _json(body) if is_json else _text(body)
    return _event(tenant, given)


def _event(tenant: str, given: Any) -> Event:
    if not isinstance(given, dict):
        _refuse("body", "it must be a CloudEvent: an object with specversion, id, source and type")
    if given.get("specversion") != "1.0":
        _refuse("specversion", 'it must be "1.0"')
    name, source, id = (_attribute(given, field) for field in ("type", "source", "id"))
    subject = _attribute(given, "subject") if given.get("subject") else ""
    data = given["data"] if "data" in given else given.get("data_base64")
    if reason := unstorable(data):
        _refuse("data", f"it {reason}")
    return Event(tenant=tenant, name=name, source=source, id=id, correlation=subject, data=data)


def _attribute(given: Mapping[str, Any], field: str) -> str:
    value = given.get(field)
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST or unstorable(value):
        _refuse(field, f"it must be a text of 1 to {_LONGEST} characters")
    return value


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        _refuse("body", "it is not JSON")


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        _refuse("body", "it is neither JSON nor UTF-8; send binary data as data_base64")


def _refuse(field: str, reason: str) -> NoReturn:
    raise Invalid(f"{field}: {reason}.", field=field)
