"""What /openapi.json says about who may call what."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from agentcore.api.scopes import declared, signable
from agentcore.auth import Scope

_SCHEME = {
    "type": "http",
    "scheme": "bearer",
    "description": "An API key (ac_…), or a token of the OpenID provider. What each operation lists is its scope.",
}
_SIGNATURE = {
    "type": "apiKey",
    "in": "header",
    "name": "webhook-signature",
    "description": "As Standard Webhooks say, with webhook-id and webhook-timestamp, of an empty body.",
}
_REFUSALS = {
    "401": "Nobody knows who calls.",
    "403": "The caller has not the scope.",
    "429": "The caller calls too often.",
}
_PROBLEM = {"application/problem+json": {"schema": {"type": "object"}}}


def with_scopes(schema: dict[str, Any], app: FastAPI) -> dict[str, Any]:
    """The document, with each operation's scope and how it refuses those who have it not."""
    schemes = schema.setdefault("components", {}).setdefault("securitySchemes", {})
    schemes |= {"bearer": _SCHEME, "signature": _SIGNATURE}
    for route, scope in declared(app):
        for method in route.methods or ():
            operation = schema["paths"].get(route.path_format, {}).get(method.lower())
            if operation is not None:
                _tell(operation, scope, signable(route.endpoint))
    return schema


def _tell(operation: dict[str, Any], scope: Scope | None, signed: bool) -> None:
    # OpenAPI 3.1, Security Requirement Object: for other schemes than OAuth2 the list names what the caller needs.
    operation["security"] = [] if scope is None else [{"bearer": [scope]}, *([{"signature": []}] if signed else [])]
    if scope is not None:
        for status, text in _REFUSALS.items():
            operation["responses"].setdefault(status, {"description": text, "content": _PROBLEM})
