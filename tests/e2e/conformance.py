"""Each answer of the API against what /openapi.json says of it: its status, its kind of content, its schema."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import httpx
import jsonschema_rs
from fastapi import FastAPI

Json = Mapping[str, Any]


class Conformance:
    """What one application says of itself, and which answers have been held against it."""

    def __init__(self, app: FastAPI) -> None:
        self._document = app.openapi()
        self.seen: set[tuple[str, int]] = set()
        self._validator = cache(self._compiled)

    async def __call__(self, response: httpx.Response) -> None:
        """As a hook of an httpx client."""
        if response.request.url.path == "/openapi.json":
            return
        operation = self._operation(response.request.method, response.request.url.path)
        if operation is None:  # no such path, or no such method there; OPTIONS is CORS
            assert response.status_code in (403, 404, 405) or response.request.method == "OPTIONS", response.request.url
            return
        await response.aread()
        self._check(operation, response)
        self.seen.add((operation["operationId"], response.status_code))

    def _operation(self, method: str, path: str) -> Json | None:
        paths = self._document["paths"]
        found = [t for t in paths if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", t), path)]
        verbs: Json = paths[path if path in paths else found[0]] if found else {}
        return verbs.get(method.lower())

    def _check(self, operation: Json, response: httpx.Response) -> None:
        what = f"{operation['operationId']} {response.status_code}"
        told = operation["responses"].get(str(response.status_code))
        assert told is not None, f"{what} is not documented"
        content = self._resolved(told).get("content", {})
        kind = response.headers.get("content-type", "").partition(";")[0]
        assert bool(content) == bool(response.content), what
        assert kind in (content or ("",)), f"{what} is not documented as {kind!r}"
        if kind.endswith("json"):
            try:
                self._validator(json.dumps(content[kind]["schema"])).validate(response.json())
            except jsonschema_rs.ValidationError as error:
                raise AssertionError(f"{what}: {error}") from None

    def _resolved(self, told: Json) -> Json:
        if "$ref" not in told:
            return told
        found: Json = self._document["components"]["responses"][told["$ref"].rpartition("/")[2]]
        return found

    def _compiled(self, schema: str) -> jsonschema_rs.Draft202012Validator:
        whole = {**json.loads(schema), "components": {"schemas": self._document["components"]["schemas"]}}
        return jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
