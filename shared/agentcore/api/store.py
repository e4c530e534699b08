"""The store: documents beside the threads, by namespace and key (Agent Protocol: Store)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Query, Request
from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from agentcore import namespaces
from agentcore.api import schemas, views
from agentcore.api.bodies import Body, Offset
from agentcore.api.caller import Tenant, Verbs
from agentcore.api.scopes import needs
from agentcore.errors import Malformed
from agentcore.storable import unstorable

routes = APIRouter(prefix="/store", tags=["Store"])
_PARTS = 20  # of a namespace
# Bytes. PostgreSQL's index has room for 2,700 of tenant, namespace and key together.
_NAMESPACE, _KEY = 1500, 500
_FILTER = 10_000


def _bounded(namespace: list[str]) -> list[str]:
    if len(namespaces.path(namespace).encode()) > _NAMESPACE:
        raise PydanticCustomError("too_long", "is longer than {most} bytes", {"most": _NAMESPACE})
    return namespace


def _text(value: str) -> str:
    if reason := unstorable(value):
        raise PydanticCustomError("unstorable", "{reason}", {"reason": reason})
    if len(value.encode()) > _KEY:
        raise PydanticCustomError("too_long", "is longer than {most} bytes", {"most": _KEY})
    return value


Key = Annotated[str, Field(min_length=1, max_length=_KEY), AfterValidator(_text)]
Namespace = Annotated[list[Key], Field(max_length=_PARTS), AfterValidator(_bounded)]
Limit = Annotated[int, Field(strict=True, ge=1, le=100)]  # documents are large


class StorePutRequest(Body):
    namespace: Namespace
    key: Key
    value: dict[str, Any]


class StoreDeleteRequest(Body):
    namespace: Namespace = Field(default_factory=list)
    key: Key


class StoreSearchRequest(Body):
    """Items in `namespace_prefix` and below it whose value contains `filter`, as PostgreSQL's @> has it."""

    namespace_prefix: Namespace | None = None
    filter: Annotated[dict[str, Any], AfterValidator(lambda given: _small(given))] | None = None
    limit: Limit = 10
    offset: Offset = 0


class StoreListNamespacesRequest(Body):
    prefix: Namespace = Field(default_factory=list)
    suffix: Namespace = Field(default_factory=list)
    max_depth: Annotated[int, Field(strict=True, ge=1, le=1000)] | None = None
    limit: Annotated[int, Field(strict=True, ge=1, le=1000)] = 100
    offset: Offset = 0


@routes.put("/items", **schemas.nothing())
@needs("store:write")
async def put_item(body: StorePutRequest, tenant: Tenant, verbs: Verbs) -> None:
    """Keep a document; one of the same namespace and key is replaced."""
    await verbs.put_store_item(tenant, body.namespace, body.key, body.value)


@routes.get("/items", **schemas.answers(schemas.Item, 400, 404))
@needs("store:read")
async def get_item(
    request: Request, tenant: Tenant, verbs: Verbs, key: Annotated[Key, Query()],
    namespace: Annotated[Namespace, Query()] = [],  # noqa: B006 - FastAPI copies it
) -> dict[str, Any]:  # fmt: skip
    """One document. The parts of its namespace are repeated: `?namespace=users&namespace=kim&key=profile`."""
    _readable(request)
    return views.store_item(await verbs.store.store_item(tenant, namespace, key))


@routes.delete("/items", **schemas.nothing(404))
@needs("store:write")
async def delete_item(body: StoreDeleteRequest, tenant: Tenant, verbs: Verbs) -> None:
    await verbs.store.delete_store_item(tenant, body.namespace, body.key)


@routes.post("/items/search", **schemas.answers(schemas.SearchItems))
@needs("store:read")
async def search_items(body: StoreSearchRequest, tenant: Tenant, verbs: Verbs) -> dict[str, Any]:
    """Documents by namespace and key, in this order."""
    found = await verbs.store.search_store(
        tenant, prefix=body.namespace_prefix or (), filter=body.filter, limit=body.limit, offset=body.offset
    )
    return {"items": [views.store_item(item) for item in found]}


@routes.post("/namespaces", **schemas.answers(list[list[str]]))
@needs("store:read")
async def list_namespaces(body: StoreListNamespacesRequest, tenant: Tenant, verbs: Verbs) -> list[Sequence[str]]:
    """Namespaces that have documents, in order; deeper ones are cut off at `max_depth` and come once."""
    return [*await verbs.store.store_namespaces(
        tenant, prefix=body.prefix, suffix=body.suffix, max_depth=body.max_depth, limit=body.limit, offset=body.offset
    )]  # fmt: skip


def _small(filter: dict[str, Any]) -> dict[str, Any]:
    # Each element of an array in it is looked for in each array of each document.
    if len(json.dumps(filter)) > _FILTER:
        raise PydanticCustomError("too_long", "is longer than {most} bytes", {"most": _FILTER})
    return filter


def _readable(request: Request) -> None:
    """400 for a query that does not say which document: it would be guessed at, and another one be answered."""
    try:
        query = parse_qsl(request.url.query, keep_blank_values=True, errors="strict")
    except UnicodeDecodeError:
        raise Malformed("The query is not UTF-8.", field="key") from None
    if sum(name == "key" for name, _ in query) > 1:
        raise Malformed("key: it is given twice.", field="key")
