"""Requests as Google sends them, field by field from its documentation."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

PROJECT = "projects/agents"


def push(body: bytes, attributes: Mapping[str, str] | None = None, *, attempt: int | None = None) -> dict[str, Any]:
    """Pub/Sub documentation, "Push subscriptions", receive messages. deliveryAttempt: "Dead-letter topics"."""
    found: dict[str, Any] = {
        "message": {
            "attributes": dict(attributes or {}), "data": base64.b64encode(body).decode(),
            "messageId": "2070443601311540", "message_id": "2070443601311540",
            "publishTime": "2027-01-01T12:00:00.749Z", "publish_time": "2027-01-01T12:00:00.749Z",
        },
        "subscription": f"{PROJECT}/subscriptions/runs",
    }  # fmt: skip
    return found if attempt is None else {**found, "deliveryAttempt": attempt}


def eventarc(body: bytes) -> tuple[dict[str, str], bytes]:
    """Eventarc documentation, "Event format": a CloudEvent in HTTP binary mode; its data is what a push has."""
    headers = {
        "ce-id": "2070443601311540", "ce-source": f"//pubsub.googleapis.com/{PROJECT}/topics/runs",
        "ce-specversion": "1.0", "ce-type": "google.cloud.pubsub.topic.v1.messagePublished",
        "ce-time": "2027-01-01T12:00:00.749Z", "content-type": "application/json",
    }  # fmt: skip
    return headers, json.dumps(push(body)).encode()


def cloud_event(**more: Any) -> tuple[dict[str, str], bytes]:
    """CloudEvents 1.0, HTTP protocol binding, binary mode."""
    headers = {"ce-id": "1", "ce-source": "/shop", "ce-specversion": "1.0", "ce-type": "paid", "ce-subject": "o-1"}
    return {**headers, "content-type": "application/json"}, json.dumps({"sum": 7, **more}).encode()


def service_account(email: str, audience: str) -> dict[str, Any]:
    """Pub/Sub documentation, "Authentication for push subscriptions": the claims beside iss, iat and exp."""
    return {
        "aud": audience, "azp": "113774264463038321964", "sub": "113774264463038321964", "email": email,
        "email_verified": True, "tenant": None, "scope": None,
    }  # fmt: skip
