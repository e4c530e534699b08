"""Google Cloud Run: who calls, what Pub/Sub and Eventarc push, and how long a request may take."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from agentcore.errors import Forbidden, Misconfigured, Unauthenticated
from agentcore.hosts import limits
from agentcore.hosts.messages import Pushed, pushed
from agentcore.oidc import Oidc
from agentcore.settings import Settings

# Eventarc's type for a message of a Pub/Sub topic; its data is the body of a push.
_PUBLISHED = "google.cloud.pubsub.topic.v1.messagePublished"


def seconds(settings: Settings) -> float:
    """How long a request may take: Cloud Run tells functions, and services nothing."""
    return settings.host_seconds or float(os.environ.get("CLOUD_RUN_TIMEOUT_SECONDS") or limits.CLOUD_RUN)


class Senders:
    """Lets Google's services call with the identity that they were given, and nobody else."""

    def __init__(self, settings: Settings) -> None:
        """Raises Misconfigured unless it is said whose tokens are taken, and for what they must be meant."""
        self._names = frozenset(part.strip() for part in settings.push_senders.split(",") if part.strip())
        self._oidc: Oidc | None = None
        if settings.push_audience and self._names:
            self._oidc = Oidc(
                replace(
                    settings, oidc_issuer=settings.push_issuer, oidc_audience=settings.push_audience, oidc_jwks_url="",
                    oidc_algorithms="RS256",
                )
            )  # fmt: skip
        elif not settings.allow_unauthenticated:
            # The audience alone would let in every account of Google's, as each may ask for a token for any audience.
            raise Misconfigured(
                "AGENTCORE_PUSH_AUDIENCE and AGENTCORE_PUSH_SENDERS say whose calls are taken: set both; or set "
                "AGENTCORE_ALLOW_UNAUTHENTICATED=true where Cloud Run itself lets in only its invokers.",
                setting="AGENTCORE_PUSH_SENDERS",
            )

    async def check(self, headers: Mapping[str, str]) -> None:
        """Raises Unauthenticated or Forbidden. Pub/Sub documentation, "Authentication for push subscriptions"."""
        if self._oidc is None:
            return
        scheme, _, token = headers.get("authorization", "").partition(" ")
        claims = await self._oidc.claims(token.strip()) if scheme.lower() == "bearer" else None
        if claims is None:
            raise Unauthenticated(given=bool(scheme))
        if claims.get("email_verified") is not True or claims.get("email") not in self._names:
            raise Forbidden("system")


def message(headers: Mapping[str, str], body: bytes) -> Pushed:
    """What Pub/Sub pushes (wrapped or not), or a CloudEvent, structured or binary."""
    found = _object(body)
    if _wrapped(found):
        return _unwrapped(found)
    return pushed(body, headers, content_type=headers.get("content-type", ""))


def from_cloud_event(event: Any) -> Pushed:
    """The same from functions-framework, which has parsed the CloudEvent."""
    attributes = dict(event.get_attributes())
    if attributes["type"] == _PUBLISHED and _wrapped(event.data):
        return _unwrapped(event.data)
    return pushed(json.dumps({**attributes, "data": event.data}, default=str).encode())


def _object(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _wrapped(found: Any) -> bool:
    return isinstance(found, dict) and isinstance(found.get("message"), dict) and "subscription" in found


def _unwrapped(found: Mapping[str, Any]) -> Pushed:
    """Pub/Sub documentation, "Receive push messages". It counts deliveries only with a dead-letter policy."""
    inner = found["message"]
    attributes = {str(name): str(value) for name, value in (inner.get("attributes") or {}).items()}
    try:
        body = base64.b64decode(inner.get("data") or "", validate=True)
    except ValueError:
        body = b""
    attempt = found.get("deliveryAttempt")
    return pushed(
        body, attributes, content_type=attributes.get("content-type", ""),
        attempt=attempt if isinstance(attempt, int) else 1,
    )  # fmt: skip
