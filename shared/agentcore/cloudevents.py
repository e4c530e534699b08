"""CloudEvents 1.0, whatever carries them: structured (one JSON object) and binary (attributes beside the data)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn

from agentcore.errors import Invalid
from agentcore.records import Event
from agentcore.storable import unstorable

_LONGEST = 1000  # characters of an attribute


def binary(tenant: str, attributes: Mapping[str, Any], content_type: str, body: bytes) -> Event:
    """The event of attributes that were carried beside the data. Raises Invalid, naming the attribute."""
    given = dict(attributes)
    kind = (content_type or "application/json").partition(";")[0].strip().lower()
    if body:
        is_json = kind == "application/json" or kind.endswith("+json")
        given["data"] = parsed(body) if is_json else _text(body)
    return structured(tenant, given)


def structured(tenant: str, given: Any) -> Event:
    """The event of a JSON object. Raises Invalid, naming the attribute."""
    if not isinstance(given, dict):
        _refuse("body", "it must be a CloudEvent: an object with specversion, id, source and type")
    if given.get("specversion") != "1.0":
        _refuse("specversion", 'it must be "1.0"')
    name, source, id = (_attribute(given, field) for field in ("type", "source", "id"))
    subject = "" if given.get("subject") in (None, "") else _attribute(given, "subject")
    data = given["data"] if "data" in given else given.get("data_base64")
    if reason := unstorable(data):
        _refuse("data", f"it {reason}")
    return Event(tenant=tenant, name=name, source=source, id=id, correlation=subject, data=data)


def _attribute(given: Mapping[str, Any], field: str) -> str:
    value = given.get(field)
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST or unstorable(value):
        _refuse(field, f"it must be a text of 1 to {_LONGEST} characters")
    return value


def parsed(body: bytes) -> Any:
    """The JSON of a body. Raises Invalid."""
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
