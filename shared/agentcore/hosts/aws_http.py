"""HTTP on AWS Lambda: what stands in front of the function, and how long that waits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mangum import Mangum
from starlette.types import Scope

from agentcore.hosts import aws, limits
from agentcore.hosts.asgi import Hosted
from agentcore.hosts.resident import Resident

_TEXTS = ["text/", "application/json", "application/problem+json"]  # all else would travel as base64


def handler(resident: Resident) -> Mangum:
    """A handler for HTTP APIs, REST APIs, function URLs and Application Load Balancers."""
    assert resident.loop  # Mangum runs requests in the loop that this thread has
    return Mangum(Hosted(resident, _request_seconds), lifespan="off", text_mime_types=_TEXTS)


def _request_seconds(scope: Scope) -> float:
    """Whatever stands in front of the function may wait for less time than the function has."""
    event: Mapping[str, Any] = scope["aws.event"]
    front = event.get("requestContext", {})
    if "elb" in front:
        waits = limits.ALB
    elif ".lambda-url." in front.get("domainName", ""):
        waits = limits.LAMBDA_MOST
    else:
        waits = limits.HTTP_API if event.get("version") == "2.0" else limits.REST_API
    return min(waits, aws.seconds(scope["aws.context"]))
