"""AWS Lambda: what its events say, and what it wants to hear."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from agentcore.errors import AgentCoreError
from agentcore.hosts.messages import Pushed, pushed


def seconds(context: Any) -> float:
    """How long this invocation may still run. Lambda developer guide, "Using the Lambda context object"."""
    left: int = context.get_remaining_time_in_millis()
    return left / 1000


def messages(event: Mapping[str, Any]) -> list[Pushed]:
    """The messages of an SQS batch, or the one event that EventBridge calls with."""
    return [_record(one) for one in event["Records"]] if "Records" in event else [_from_eventbridge(event)]


def answer(event: Mapping[str, Any], done: Sequence[bool]) -> Mapping[str, Any]:
    """What Lambda is told: the messages that it must give again, and only those (ReportBatchItemFailures).

    Raises AgentCoreError for EventBridge's one event, as Lambda then calls again, and at last puts it aside.
    """
    if "Records" in event:
        failed = [one["messageId"] for one, well in zip(event["Records"], done, strict=True) if not well]
        return {"batchItemFailures": [{"itemIdentifier": id} for id in failed]}
    if not all(done):
        raise AgentCoreError("The event could not be taken; it is logged why.")
    return {}


def _record(record: Mapping[str, Any]) -> Pushed:
    """Lambda developer guide, "Using Lambda with Amazon SQS": an example event."""
    body = record["body"]
    given = {name: _value(one) for name, one in record.get("messageAttributes", {}).items()}
    attempt = int(record.get("attributes", {}).get("ApproximateReceiveCount", 1))
    found = pushed(body.encode(), given, content_type=given.get("content-type", ""), attempt=attempt)
    if found.message.flaw and (event := _event_in(body)) is not None:  # a rule whose target is the queue
        return pushed(event, attempt=attempt)
    return found


def _value(attribute: Mapping[str, Any]) -> str:
    if "binaryValue" in attribute:
        return base64.b64decode(attribute["binaryValue"]).decode(errors="replace")
    return str(attribute.get("stringValue") or "")


def _event_in(body: str) -> bytes | None:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    is_event = isinstance(found, dict) and "detail-type" in found
    return _cloud_event(found) if is_event else None


def _from_eventbridge(event: Mapping[str, Any]) -> Pushed:
    return pushed(_cloud_event(event))


def _cloud_event(event: Mapping[str, Any]) -> bytes:
    """EventBridge's envelope as a CloudEvent; or the one that its sender put inside.

    EventBridge user guide, "Events": `detail-type`, `source` and `id` identify it, `detail` is what the sender gave.
    """
    detail = event.get("detail")
    if isinstance(detail, dict) and "specversion" in detail:
        return json.dumps(detail).encode()
    named = {"id": event.get("id"), "source": event.get("source"), "type": event.get("detail-type")}
    return json.dumps({"specversion": "1.0", **named, "data": detail}).encode()
