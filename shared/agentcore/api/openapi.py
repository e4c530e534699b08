"""What /openapi.json says beside what routes say: who may call what, how each operation refuses, and examples."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI

from agentcore.api.examples import ANSWERS, PROBLEMS, REQUESTS
from agentcore.api.schemas import CloudEvent, Problem
from agentcore.api.scopes import declared, signable
from agentcore.auth import Scope

Json = dict[str, Any]
_BEARER = {
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
_MAY = {
    "400": "The request cannot be read.",
    "401": "Nobody knows who calls.",
    "403": "The caller has not the scope, or a server that asks nobody who they are is called from elsewhere.",
    "404": "There is no such thing, or it is another tenant's.",
    "409": "It does not fit the present state.",
    "413": "The body is too large.",
    "415": "The body is of another kind than JSON.",
    "422": "The request cannot be right: `field` names what is wrong.",
    "426": "This is a WebSocket.",
    "429": "The caller calls too often, or a limit of the tenant is reached.",
    "500": "Something went wrong here. It is logged.",
    "503": "What this needs is away or too busy, for now.",
}
_ASKED = ("401", "403", "429", "500", "503")  # of who gets past the door, and to the database
_READ = ("400", "413", "415", "422")  # of who sends JSON


def described(schema: Json, app: FastAPI) -> Json:
    """The document of FastAPI, completed."""
    components = schema.setdefault("components", {})
    components["securitySchemes"] = {"bearer": _BEARER, "signature": _SIGNATURE}
    shapes = components.setdefault("schemas", {})
    shapes.pop("HTTPValidationError", None)  # FastAPI's own problem, which we do not have
    shapes.pop("ValidationError", None)
    for model in (Problem, CloudEvent):  # which no route names to FastAPI
        shape = model.model_json_schema(ref_template="#/components/schemas/{model}")
        shapes |= {**shape.pop("$defs", {}), model.__name__: shape}
    components["responses"] = {_name_of(status): _refusal(status) for status in PROBLEMS}
    for route, scope in declared(app):
        for method in route.methods or ():
            operation = schema["paths"].get(route.path_format, {}).get(method.lower())
            if operation is not None:
                _complete(operation, scope, signable(route.endpoint))
    return schema


def _complete(operation: Json, scope: Scope | None, signed: bool) -> None:
    # OpenAPI 3.1, Security Requirement Object: for other schemes than OAuth2 the list names what the caller needs.
    operation["security"] = [] if scope is None else [{"bearer": [scope]}, *([{"signature": []}] if signed else [])]
    answers, body = operation["responses"], operation.get("requestBody", {}).get("content", {})
    usual = (*(_ASKED if scope else ("403",)), *(_READ if "$ref" in _schema(body) else ()))
    for status in sorted({*usual, *(status for status in answers if status >= "400")}):
        answers[status] = {"$ref": f"#/components/responses/{_name_of(status)}"}
    _show(body, REQUESTS, operation["operationId"])
    for answer in answers.values():
        _show(answer.get("content", {}), ANSWERS, operation["operationId"])


def _refusal(status: str) -> Json:
    content = {"schema": {"$ref": "#/components/schemas/Problem"}, "example": PROBLEMS[status]}
    return {"description": _MAY[status], "content": {"application/problem+json": content}}


def _name_of(status: str) -> str:
    return HTTPStatus(int(status)).phrase.title().replace(" ", "")


def _schema(content: Mapping[str, Any]) -> Json:
    found: Json = content.get("application/json", {}).get("schema", {})
    return found


def _show(content: Json, examples: Mapping[str, Mapping[str, Any]], operation_id: str) -> None:
    """Put the examples of an operation, or else those of its schema, beside each kind of content."""
    for kind, described in content.items():
        schema = described.get("schema", {})
        shown = examples.get(f"{operation_id} {kind}") or examples.get(operation_id) or _of_schema(schema, examples)
        if shown:
            described["examples"] = {name: {"value": value} for name, value in shown.items()}


def _of_schema(schema: Json, examples: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    if "$ref" in schema:
        return examples.get(_name(schema), {})
    if schema.get("type") == "array" and "$ref" in schema["items"]:
        return {name: [value] for name, value in examples.get(_name(schema["items"]), {}).items()}
    return {}


def _name(schema: Json) -> str:
    return str(schema["$ref"]).rpartition("/")[2]
