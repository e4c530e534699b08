"""Invocations as the Functions host sends them, field by field from its documentation."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any


def request(path: str) -> dict[str, Any]:
    """ "Azure Functions HTTP trigger", HTTP streams: the request itself is forwarded."""
    return {"function": "http_chat", "name": "req", "data": {"route": path.partition("?")[0].lstrip("/")}}


def queued(body: str, properties: Mapping[str, Any] | None = None, *, attempt: int = 1) -> dict[str, Any]:
    """ "Azure Service Bus trigger", message metadata."""
    given = {"json": json.dumps(dict(properties or {}))}
    return {
        "function": "queue_worker", "name": "message", "data": {"string": body}, "metadata": {
            "MessageId": {"string": uuid.uuid4().hex}, "DeliveryCount": {"json": str(attempt)},
            "SequenceNumber": {"json": "7"}, "LockToken": {"string": str(uuid.uuid4())},
            "ApplicationProperties": given, "UserProperties": given, "ContentType": {"string": "application/json"},
        },
    }  # fmt: skip


def streamed(body: str, properties: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """ "Azure Event Hubs trigger", event metadata."""
    return {
        "function": "hub_worker", "name": "event", "data": {"string": body}, "metadata": {
            "Properties": {"json": json.dumps(dict(properties or {}))}, "SystemProperties": {"json": "{}"},
            "SequenceNumber": {"json": "7"}, "Offset": {"string": "12345"}, "PartitionKey": {"string": ""},
            "EnqueuedTimeUtc": {"json": '"2027-01-01T12:00:00Z"'},
        },
    }  # fmt: skip


def recorded(value: str) -> dict[str, Any]:
    """ "Apache Kafka trigger": the record is one JSON object."""
    whole = {"Offset": 7, "Partition": 0, "Topic": "runs", "Timestamp": "2027-01-01T12:00:00.000Z", "Value": value,
             "Headers": []}  # fmt: skip
    return {"function": "kafka_worker", "name": "event", "data": {"string": json.dumps(whole)}, "metadata": {}}


def timer() -> dict[str, Any]:
    """ "Timer trigger for Azure Functions", usage: the timer object."""
    return {
        "function": "timer_wakeup", "name": "timer", "data": {
            "json": json.dumps({"Schedule": {"AdjustForDST": True}, "ScheduleStatus": None, "IsPastDue": False}),
        },
    }  # fmt: skip
