"""Documents that are kept beside threads: put, found by namespace and value, deleted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Integer, Row, Select, bindparam, delete, func, literal, select
from sqlalchemy.dialects.postgresql import insert

from agentcore import namespaces
from agentcore.errors import NotFound
from agentcore.records import StoreItem
from agentcore.store.base import Verbs
from agentcore.store.columns import beginning, contains, now
from agentcore.store.database import Tx
from agentcore.store.tables import store_item

_PLACE = (store_item.c.tenant, store_item.c.namespace, store_item.c.key)
_COLUMNS = (*_PLACE, store_item.c.value, store_item.c.created_at, store_item.c.updated_at)
_GIVEN = {name: bindparam(f"new_{name}", type_=store_item.c[name].type) for name in store_item.c.keys()[:4]}
# SQLite took this syntax over from PostgreSQL, and SQLAlchemy compiles it for both.
_INSERT = insert(store_item).values(created_at=now(), updated_at=now(), **_GIVEN)
_PUT = _INSERT.on_conflict_do_update(
    index_elements=_PLACE, set_={"value": _INSERT.excluded.value, "updated_at": now()}
).returning(store_item.c.key)
_OF_TENANT = store_item.c.tenant == bindparam("tenant")
_THERE = (_OF_TENANT, store_item.c.namespace == bindparam("namespace"), store_item.c.key == bindparam("key"))
_ONE = select(*_COLUMNS).where(*_THERE)
_DELETE = delete(store_item).where(*_THERE).returning(store_item.c.key)
_SEARCH = select(*_COLUMNS).where(_OF_TENANT).order_by(store_item.c.namespace, store_item.c.key)

_END = bindparam("suffix", type_=store_item.c.namespace.type)
_SLASHED = literal("/") + store_item.c.namespace  # so that a suffix begins where a part does
_NARROWER = {
    "start": (store_item.c.namespace >= bindparam("start"), store_item.c.namespace < bindparam("end")),
    "suffix": (func.substr(_SLASHED, func.length(_SLASHED) - func.length(_END) + 1) == _END,),
}
_HEAD = beginning(store_item.c.namespace, bindparam("head", type_=store_item.c.namespace.type))


def _narrowed(statement: Select[Any], given: tuple[str, ...]) -> Select[Any]:
    for name in given:
        statement = statement.where(*_NARROWER.get(name, ()))
    return statement


def _page(statement: Select[Any]) -> Select[Any]:
    return statement.limit(bindparam("limit")).offset(bindparam("offset"))


@cache  # a new statement each time would be compiled each time
def _search(given: tuple[str, ...]) -> Select[Any]:
    found = _narrowed(_SEARCH, given)
    if "filter" not in given:
        return _page(found)
    # No index serves a filter, so it looks at so many of the first items: that bounds its cost.
    first = found.limit(bindparam("rows", type_=Integer)).subquery("first")
    wanted = contains(first.c.value, bindparam("filter", type_=store_item.c.value.type))
    return _page(select(*first.c).where(wanted).order_by(first.c.namespace, first.c.key))


@cache
def _namespaces(given: tuple[str, ...]) -> Select[Any]:
    found = (_HEAD if "head" in given else store_item.c.namespace).label("path")
    return _page(_narrowed(select(found).where(_OF_TENANT).distinct().order_by(found), given))


class StoreItems(Verbs):
    async def put_store_item(self, tenant: str, namespace: Sequence[str], key: str, value: Mapping[str, Any]) -> None:
        given = {"new_tenant": tenant, "new_namespace": namespaces.path(namespace), "new_key": key}
        await self.database.fetch(_PUT, {**given, "new_value": dict(value)}, write=True)

    async def store_item(self, tenant: str, namespace: Sequence[str], key: str) -> StoreItem:
        place = {"tenant": tenant, "namespace": namespaces.path(namespace), "key": key}
        rows = await self.database.fetch(_ONE, place)
        if not rows:
            raise _missing(namespace, key)
        return _item(rows[0])

    async def delete_store_item(self, tenant: str, namespace: Sequence[str], key: str) -> None:
        place = {"tenant": tenant, "namespace": namespaces.path(namespace), "key": key}

        async def work(tx: Tx) -> None:
            if not await tx.first(_DELETE, **place) and not tx.repeat:
                raise _missing(namespace, key)

        await self.database.transaction(work)

    async def search_store(
        self, tenant: str, *, prefix: Sequence[str] = (), filter: Mapping[str, Any] | None = None, limit: int,
        offset: int = 0,
    ) -> list[StoreItem]:  # fmt: skip
        given: dict[str, Any] = _range(prefix)
        if filter:
            given["filter"] = dict(filter)
        page = {"limit": limit, "offset": offset, "rows": self.settings.search_rows}
        params = {"tenant": tenant, **page, **given}
        return [_item(row) for row in await self.database.fetch(_search(tuple(given)), params)]

    async def store_namespaces(
        self, tenant: str, *, prefix: Sequence[str] = (), suffix: Sequence[str] = (), max_depth: int | None = None,
        limit: int, offset: int = 0,
    ) -> list[tuple[str, ...]]:  # fmt: skip
        given: dict[str, Any] = _range(prefix)
        if suffix:
            given["suffix"] = "/" + namespaces.path(suffix)
        if max_depth is not None:
            given["head"] = namespaces.head(max_depth)
        params = {"tenant": tenant, "limit": limit, "offset": offset, **given}
        rows = await self.database.fetch(_namespaces(tuple(given)), params)
        return [namespaces.parts(row.path) for row in rows]


def _range(prefix: Sequence[str]) -> dict[str, Any]:
    """All that is in a namespace or below it. The root has everything."""
    start = namespaces.path(prefix)
    return {"start": start, "end": namespaces.end(start)} if start else {}


def _item(row: Row[Any]) -> StoreItem:
    return StoreItem(**{**row._asdict(), "namespace": namespaces.parts(row.namespace)})


def _missing(namespace: Sequence[str], key: str) -> NotFound:
    return NotFound("There is no such item in this namespace.", namespace=list(namespace), key=key)
