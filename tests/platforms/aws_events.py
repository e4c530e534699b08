"""Events as AWS sends them, field by field from its documentation."""

from __future__ import annotations

import base64
import json
import time
import uuid
from collections.abc import Mapping
from typing import Any

_ACCOUNT, _REGION = "123456789012", "eu-central-1"


def sqs(*records: Mapping[str, Any]) -> dict[str, Any]:
    """Lambda developer guide, "Using Lambda with Amazon SQS", example event for standard queues."""
    return {"Records": list(records)}


def record(body: str, attributes: Mapping[str, str] | None = None, *, attempt: int = 1) -> dict[str, Any]:
    """One of its Records. Message attributes: the same guide; `binaryValue` is base64."""
    now = str(int(time.time() * 1000))
    return {
        "messageId": str(uuid.uuid4()), "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a", "body": body,
        "attributes": {
            "ApproximateReceiveCount": str(attempt), "SentTimestamp": now, "SenderId": "AIDAIENQZJOLO23YVJ4VO",
            "ApproximateFirstReceiveTimestamp": now,
        },
        "messageAttributes": {
            name: {"stringValue": value, "stringListValues": [], "binaryListValues": [], "dataType": "String"}
            for name, value in (attributes or {}).items()
        },
        "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3", "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:{_REGION}:{_ACCOUNT}:runs", "awsRegion": _REGION,
    }  # fmt: skip


def eventbridge(kind: str, detail: Any, *, source: str = "shop", id: str = "17793124-05d4-b198-2fde") -> dict[str, Any]:
    """EventBridge user guide, "Events in Amazon EventBridge", event structure."""
    return {
        "version": "0", "id": id, "detail-type": kind, "source": source, "account": _ACCOUNT,
        "time": "2027-01-01T12:00:00Z", "region": _REGION, "resources": [], "detail": detail,
    }  # fmt: skip


def scheduler() -> dict[str, Any]:
    """EventBridge Scheduler user guide, "Customizing the target payload": what it sends where no input was given."""
    return {
        "version": "0", "id": str(uuid.uuid4()), "detail-type": "Scheduled Event", "source": "aws.scheduler",
        "account": _ACCOUNT, "time": "2027-01-01T12:00:00Z", "region": _REGION,
        "resources": [f"arn:aws:scheduler:{_REGION}:{_ACCOUNT}:schedule/default/tick"], "detail": "{}",
    }  # fmt: skip


def http_api(
    method: str, path: str, body: Any = None, *, query: str = "", headers: Mapping[str, str] | None = None,
    domain: str = "id.execute-api.eu-central-1.amazonaws.com",
) -> dict[str, Any]:  # fmt: skip
    """API Gateway developer guide, "AWS Lambda proxy integrations for HTTP APIs", payload format version 2.0."""
    sent = {"host": domain, "content-type": "application/json", "x-forwarded-proto": "https", **(headers or {})}
    return {
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query, "headers": sent,
        "requestContext": {
            "accountId": _ACCOUNT, "apiId": "api-id", "domainName": domain, "domainPrefix": "id",
            "http": {
                "method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "agent",
            },
            "requestId": "id", "routeKey": "$default", "stage": "$default", "time": "01/Jan/2027:12:00:00 +0000",
            "timeEpoch": 1798804800000,
        },
        "body": base64.b64encode(json.dumps(body).encode()).decode() if body is not None else "",
        "isBase64Encoded": body is not None,
    }  # fmt: skip


def function_url(method: str, path: str, body: Any = None, **more: Any) -> dict[str, Any]:
    """Lambda developer guide, "Invoking Lambda function URLs": the same format, with another domain."""
    return http_api(method, path, body, domain="abc.lambda-url.eu-central-1.on.aws", **more)


def rest_api(method: str, path: str, body: Any = None) -> dict[str, Any]:
    """API Gateway developer guide, "Lambda proxy integrations in API Gateway", input format."""
    return {
        "resource": "/{proxy+}", "path": path, "httpMethod": method,
        "headers": {"Host": "id.execute-api.eu-central-1.amazonaws.com", "Content-Type": "application/json"},
        "multiValueHeaders": {"Content-Type": ["application/json"]}, "queryStringParameters": None,
        "multiValueQueryStringParameters": None, "pathParameters": {"proxy": path.lstrip("/")},
        "stageVariables": None,
        "requestContext": {"resourcePath": "/{proxy+}", "httpMethod": method, "identity": {"sourceIp": "192.0.2.1"}},
        "body": None if body is None else json.dumps(body), "isBase64Encoded": False,
    }  # fmt: skip


def alb(method: str, path: str, body: Any = None) -> dict[str, Any]:
    """Elastic Load Balancing, "Use Lambda functions as targets of an Application Load Balancer"."""
    arn = f"arn:aws:elasticloadbalancing:{_REGION}:{_ACCOUNT}:targetgroup/api/6d0ecf831eec9f09"
    return {
        "requestContext": {"elb": {"targetGroupArn": arn}}, "httpMethod": method, "path": path,
        "queryStringParameters": {},
        "headers": {"host": "lb.example.com", "content-type": "application/json", "x-forwarded-for": "192.0.2.1",
                    "x-forwarded-port": "80", "x-forwarded-proto": "http"},
        "body": "" if body is None else json.dumps(body), "isBase64Encoded": False,
    }  # fmt: skip
