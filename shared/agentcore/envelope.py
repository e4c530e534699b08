"""What a message on a bus looks like: a run's id as plain text, or a CloudEvent 1.0.

Of binary mode, each protocol's binding has its own prefix for the attributes (CloudEvents bindings for Kafka 3.2.3 and
AMQP 3.1.1; Pub/Sub and HTTP: `ce-`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from agentcore import cloudevents
from agentcore.errors import Invalid
from agentcore.records import Event, Message

TENANT = "default"  # whose an event is that names none, in an attribute `tenant`
LARGEST = 1_048_576  # bytes of a message; most buses take less
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_PREFIXES = ("ce_", "ce-", "cloudevents:", "cloudevents_")


def opened(
    body: bytes, attributes: Mapping[str, Any] | None = None, *, content_type: str = "", attempt: int = 1,
    receipt: Any = None,
) -> Message:  # fmt: skip
    """The message that came. One that is neither id nor event says so in its `flaw`, and nothing is raised."""
    given: dict[str, Any] = {"attempt": attempt, "receipt": receipt}
    try:
        if len(body) > LARGEST:
            return Message(flaw=f"{len(body)} bytes are more than {LARGEST}", **given)
        text = body.decode().strip()
        if _ID.fullmatch(text):
            return Message(run_id=text, **given)
        return Message(event=_event(body, attributes or {}, content_type), **given)
    except UnicodeDecodeError:
        return Message(flaw="neither a run's id nor a CloudEvent: it is not UTF-8", **given)
    except Invalid as error:
        return Message(flaw=f"neither a run's id nor a CloudEvent: {error}", **given)


def _event(body: bytes, attributes: Mapping[str, Any], content_type: str) -> Event:
    """Structured where the body is one whole event, else binary."""
    beside = _unprefixed(attributes)
    if "specversion" in beside:
        return cloudevents.binary(_tenant(beside), beside, content_type, body)
    given = cloudevents.parsed(body)
    return cloudevents.structured(_tenant(given), given)


def _unprefixed(attributes: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in attributes.items():
        lower = str(name).lower()
        for prefix in _PREFIXES:
            if lower.startswith(prefix):
                found[lower.removeprefix(prefix)] = value.decode() if isinstance(value, bytes) else value
    return found


def _tenant(given: Any) -> str:
    tenant = given.get("tenant", TENANT) if isinstance(given, dict) else TENANT
    if not isinstance(tenant, str) or not 0 < len(tenant) <= 200:
        raise Invalid("tenant: it must be a text of 1 to 200 characters.", field="tenant")
    return tenant
