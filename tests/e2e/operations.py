"""Every operation of the API, from the application's own routes, and requests for it from its own description."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import httpx
from fastapi import FastAPI
from starlette.types import Message

from agentcore.api.scopes import declared
from agentcore.auth import Scope

WEBSOCKET = "WEBSOCKET"
# What a body needs to get past the checks of its route, and on to whose things it names.
_SAMPLES: Mapping[str, Any] = {"agent_id": "support", "input": "hello", "due_at": "2h", "values": {"x": 1}}
_TYPES: Mapping[str, Any] = {"string": "x", "integer": 1, "number": 1, "boolean": False, "array": [], "null": None}


@dataclass(frozen=True)
class Operation:
    method: str
    path: str
    scope: Scope | None
    told: Mapping[str, Any]  # what OpenAPI says of it
    schemas: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def names(self) -> set[str]:
        """What is in its path."""
        return {part.strip("{}").partition(":")[0] for part in self.path.split("/") if part.startswith("{")}

    def url(self, ids: Mapping[str, str]) -> str:
        path = self.path.format(**{name: ids.get(name, _SAMPLES.get(name, "x")) for name in self.names})
        asked = [p for p in self.told.get("parameters", ()) if p["in"] == "query"]
        query = {
            p["name"]: self.example(p["schema"], ids, p["name"]) for p in asked if p.get("required") or p["name"] in ids
        }
        return f"{path}?{urlencode(query, doseq=True)}" if query else path

    def body(self, ids: Mapping[str, str]) -> Any:
        content = self.told.get("requestBody", {}).get("content", {}).get("application/json")
        return self.example(content["schema"], ids) if content else None

    def example(self, schema: Mapping[str, Any], ids: Mapping[str, str], name: str = "") -> Any:
        """A value that fits, with everything in it that names a thing."""
        if name in ids or name in _SAMPLES:
            return ids.get(name, _SAMPLES.get(name))
        if "$ref" in schema:
            return self.example(self.schemas[schema["$ref"].rpartition("/")[2]], ids, name)
        for choice in ("anyOf", "oneOf", "allOf"):
            if choice in schema:
                return self.example(next(s for s in schema[choice] if s.get("type") != "null"), ids, name)
        if "properties" in schema:
            made = {n: self.example(s, ids, n) for n, s in schema["properties"].items()}
            wanted = {*schema.get("required", ()), *ids, *_SAMPLES}
            return {n: v for n, v in made.items() if n in wanted or (isinstance(v, dict) and v.keys() & ids.keys())}
        if schema.get("type") == "array":
            return [self.example(schema.get("items", {}), ids) for _ in range(schema.get("minItems", 0))]
        if schema.get("format") == "uuid":
            return str(UUID(int=7))
        plain = _TYPES.get(schema.get("type", ""), {} if schema.get("type") == "object" else "x")
        return schema.get("const", schema.get("enum", [plain])[0])


def operations(app: FastAPI) -> Iterator[Operation]:
    """All of them, public ones too."""
    told = app.openapi()
    schemas = told.get("components", {}).get("schemas", {})
    for route, scope in declared(app):
        path = str(route.path_format)
        for method in sorted(route.methods or {WEBSOCKET}):
            yield Operation(method, path, scope, told["paths"].get(path, {}).get(method.lower(), {}), schemas)


@dataclass(frozen=True)
class Answer:
    status: int  # of a WebSocket: 101 where it was accepted
    text: str
    challenge: str | None = None


async def ask(http: httpx.AsyncClient, operation: Operation, ids: Mapping[str, str], *credentials: str) -> Answer:
    """Send the operation's request with these Authorization headers."""
    headers = [("Authorization", one) for one in credentials]
    url = operation.url(ids)
    if operation.method == WEBSOCKET:
        return answered(await handshake(app_of(http), url, headers))
    got = await http.request(operation.method, url, json=operation.body(ids), headers=headers)
    return Answer(got.status_code, got.text, got.headers.get("www-authenticate"))


def app_of(http: httpx.AsyncClient) -> FastAPI:
    assert isinstance(http._transport, httpx.ASGITransport)
    app = http._transport.app
    assert isinstance(app, FastAPI)
    return app


async def handshake(
    app: FastAPI, url: str, headers: list[tuple[str, str]], *, protocols: tuple[str, ...] = (), denial: bool = True
) -> list[Message]:
    """What the application says to a client that opens a WebSocket and goes away."""
    path, _, query = url.partition("?")
    host = [] if any(name == "Host" for name, _ in headers) else [("Host", "test")]
    given = [*host, *headers, *([("sec-websocket-protocol", ", ".join(protocols))] if protocols else [])]
    scope = {
        "type": "websocket", "asgi": {"version": "3.0"}, "scheme": "ws", "path": path, "raw_path": path.encode(),
        "query_string": query.encode(), "root_path": "", "subprotocols": list(protocols), "server": ("test", 80),
        "headers": [(name.lower().encode(), value.encode()) for name, value in given], "client": ("test", 1),
        "extensions": {"websocket.http.response": {}} if denial else {},
    }  # fmt: skip
    coming: list[Message] = [{"type": "websocket.disconnect", "code": 1001}, {"type": "websocket.connect"}]
    said: list[Message] = []

    async def receive() -> Message:
        return coming.pop() if len(coming) > 1 else coming[0]

    async def send(message: Message) -> None:
        said.append(message)

    await app(scope, receive, send)
    return said


def answered(said: list[Message]) -> Answer:
    """The same as an HTTP answer."""
    first = said[0]
    if first["type"] != "websocket.http.response.start":
        return Answer(101 if first["type"] == "websocket.accept" else 403, repr(said))
    found = {name.decode().lower(): value.decode() for name, value in first["headers"]}
    text = b"".join(message.get("body", b"") for message in said[1:]).decode()
    return Answer(first["status"], text, found.get("www-authenticate"))
