"""What every store does with documents: kept by namespace and key, found by prefix, suffix and value."""

from __future__ import annotations

import asyncio
import os
from itertools import combinations
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.dialects import registry

from agentcore.errors import NotFound
from agentcore.store import storeitems
from agentcore.store.postgres import PostgresStore
from agentcore.store.sql import SqlStore
from agentcore.testing.travel import advance
from tests.conftest import opened
from tests.contracts.store_kit import TENANT

pytestmark = pytest.mark.anyio

ODD = [
    (), ("a",), ("a", "b"), ("a/b",), ("a/", "b"), ("a", "/b"), ("a~1b",), ("a~", "1b"), ("~0",), ("~",), ("ab",),
    ("a b",), ("a.b",), ("A",), ("ä", "ö"), ("a", "b", "c"), ("\U0001f600",), ("%", "_"), ("\uffff",), ("a\n", "b"),
    ("0",),
]  # fmt: skip


async def put(store: SqlStore, *namespace: str, key: str = "k", tenant: str = TENANT, **value: Any) -> None:
    await store.put_store_item(tenant, namespace, key, value)


async def places(store: SqlStore, *prefix: str, **options: Any) -> list[tuple[tuple[str, ...], str]]:
    found = await store.search_store(TENANT, prefix=prefix, **{"limit": 100, **options})
    return [(item.namespace, item.key) for item in found]


async def test_an_item_is_kept_replaced_and_deleted(store: SqlStore) -> None:
    value = {"name": "Kim", "deep": {"list": [1, 2.5, None, True, "é\U0001f600"]}, "empty": {}}
    await store.put_store_item(TENANT, ["users", "kim"], "profile", value)
    first = await store.store_item(TENANT, ["users", "kim"], "profile")
    assert (first.tenant, first.namespace, first.key, first.value) == (TENANT, ("users", "kim"), "profile", value)
    assert first.created_at == first.updated_at is not None
    await advance(store, 60)
    await store.put_store_item(TENANT, ["users", "kim"], "profile", {"name": "Kim B."})
    second = await store.store_item(TENANT, ["users", "kim"], "profile")
    assert (second.value, len(await places(store))) == ({"name": "Kim B."}, 1)
    assert second.updated_at is not None
    assert second.created_at is not None
    assert first.created_at is not None
    assert second.created_at < first.created_at  # an hour older than it was, and not made anew
    assert second.updated_at > second.created_at
    await store.delete_store_item(TENANT, ["users", "kim"], "profile")
    for gone in (store.store_item, store.delete_store_item):
        with pytest.raises(NotFound):
            await gone(TENANT, ["users", "kim"], "profile")


async def test_no_two_namespaces_are_taken_for_each_other(store: SqlStore) -> None:
    for number, namespace in enumerate(ODD):
        await put(store, *namespace, n=number)
    for number, namespace in enumerate(ODD):
        assert (await store.store_item(TENANT, namespace, "k")).value == {"n": number}
        below = [other for other in ODD if other[: len(namespace)] == namespace]
        assert {place for place, _ in await places(store, *namespace)} == set(below)
    assert set(await store.store_namespaces(TENANT, limit=100)) == set(ODD)
    ends = [other for other in ODD if other[-1:] == ("b",)]
    assert set(await store.store_namespaces(TENANT, suffix=["b"], limit=100)) == set(ends)


async def test_items_come_in_order_and_by_pages(store: SqlStore) -> None:
    for place in ("b", "a"):
        for key in ("Z", "a", "é", "10", "9"):
            await put(store, place, key=key)
    whole = await places(store)
    assert whole == [((place,), key) for place in ("a", "b") for key in ("10", "9", "Z", "a", "é")]
    pages = [await places(store, limit=3, offset=offset) for offset in (0, 3, 6, 9, 12)]
    assert [place for page in pages for place in page] == whole
    assert await places(store, "a", limit=2, offset=4) == [(("a",), "é")]


CONTAINS = [
    ({}, True), ({"name": "Kim"}, True), ({"name": "kim"}, False), ({"name": None}, False), ({"gone": None}, True),
    ({"missing": None}, False), ({"age": 40}, True), ({"age": 40.0}, True), ({"age": "40"}, False),
    ({"age": True}, False), ({"one": True}, False), ({"yes": 1}, False), ({"yes": True}, True),
    ({"name": "Kim", "age": 40}, True), ({"name": "Kim", "age": 41}, False), ({"home": {"city": "Oslo"}}, True),
    ({"home": {}}, True), ({"home": {"city": "Rome"}}, False), ({"home": "Oslo"}, False), ({"tags": ["b"]}, True),
    ({"tags": ["b", "a"]}, True), ({"tags": ["a", "a", "a"]}, True),
    ({"tags": []}, True), ({"tags": ["c"]}, False), ({"tags": "a"}, False),
    ({"pets": [{"kind": "cat"}]}, True), ({"pets": [{"kind": "cow"}]}, False), ({"grid": [[2, 1]]}, True),
    ({"grid": [2]}, False), ({"big": 9007199254740993}, True), ({"big": 9007199254740992}, False),
    ({"q'\"": "%_\\"}, True),
]  # fmt: skip
KIM = {
    "name": "Kim", "age": 40, "one": 1, "yes": True, "gone": None, "home": {"city": "Oslo", "zip": 1},
    "tags": ["a", "b"], "pets": [{"kind": "cat", "age": 3}, {"kind": "dog"}], "grid": [[1, 2, 3]],
    "big": 9007199254740993, "q'\"": "%_\\",
}  # fmt: skip


async def test_a_filter_is_contained_in_the_values_that_are_found(store: SqlStore) -> None:
    await store.put_store_item(TENANT, ["users"], "k", KIM)
    await put(store, "users", key="other")
    found = {}
    for wanted, _ in CONTAINS[1:]:
        found[str(wanted)] = bool(await places(store, "users", filter=wanted))
        assert len(await places(store, "elsewhere", filter=wanted)) == 0
    assert found == {str(wanted): holds for wanted, holds in CONTAINS[1:]}
    assert len(await places(store, filter={})) == 2


async def test_a_filter_looks_at_so_many_items(database_url: str, anyio_backend: str) -> None:
    store = opened(database_url, search_rows=3)
    await store.migrate()
    for n in range(5):
        await put(store, "a", key=f"{n}", n=n % 2)
    assert await places(store, filter={"n": 0}) == [(("a",), "0"), (("a",), "2")]
    assert await places(store, filter={"n": 0}, limit=1, offset=1) == [(("a",), "2")]
    assert len(await places(store)) == 5
    await store.close()


async def test_namespaces_are_listed_by_prefix_suffix_and_depth(store: SqlStore) -> None:
    for user in ("kim", "lee"):
        for kind in ("facts", "notes"):
            await put(store, "users", user, kind)
            await put(store, "users", user, kind, key="second")
    await put(store, "users", "kim", "facts", "old")
    await put(store, "teams", "notes")

    async def listed(**options: Any) -> list[str]:
        return ["/".join(n) for n in await store.store_namespaces(TENANT, **{"limit": 100, **options})]

    assert await listed() == [
        "teams/notes", "users/kim/facts", "users/kim/facts/old", "users/kim/notes", "users/lee/facts",
        "users/lee/notes",
    ]  # fmt: skip
    assert await listed(prefix=["users", "lee"]) == ["users/lee/facts", "users/lee/notes"]
    assert await listed(prefix=["user"]) == []
    assert await listed(suffix=["notes"]) == ["teams/notes", "users/kim/notes", "users/lee/notes"]
    assert await listed(suffix=["kim", "notes"]) == ["users/kim/notes"]
    assert await listed(suffix=["otes"]) == await listed(suffix=["x"] * 19) == []
    assert await listed(prefix=["users"], suffix=["facts"], max_depth=2) == ["users/kim", "users/lee"]
    assert await listed(max_depth=1) == ["teams", "users"]
    assert await listed(max_depth=3, limit=2, offset=1) == ["users/kim/facts", "users/kim/notes"]
    assert await listed(max_depth=1000) == await listed()


async def test_who_puts_at_once_leaves_one_whole_item(store: SqlStore) -> None:
    await asyncio.gather(*(put(store, "a", n=n, again=n) for n in range(8)))
    item = await store.store_item(TENANT, ["a"], "k")
    assert item.value["n"] == item.value["again"]


async def test_what_a_database_refuses_in_a_value_is_stored_without_it(store: SqlStore) -> None:
    await put(store, "a", text="a\0b", number=float("nan"))
    assert (await store.store_item(TENANT, ["a"], "k")).value == {"text": "a\ufffdb", "number": None}


async def test_a_prefix_is_a_range_of_the_primary_key(pg: PostgresStore) -> None:
    async with pg.database.engine.connect() as connection:
        await connection.execute(text("set enable_seqscan = off"))
        plan = await connection.execute(
            text(
                "explain select * from store_item where tenant = 't' and namespace >= 'a/b/' and namespace < 'a/b0' "
                "order by namespace, key limit 10"
            )
        )
        lines = "\n".join(row[0] for row in plan)
    assert "Index Scan using store_item_pkey" in lines, lines
    assert "Sort" not in lines
    assert "namespace >= 'a/b/'" in lines.partition("Index Cond:")[2]


@pytest.mark.parametrize("name", ["cockroachdb.psycopg", "postgresql.psycopg", "sqlite.aiosqlite"])
def test_every_search_compiles(name: str) -> None:
    dialect = registry.load(name)()
    options = ["start", "filter", "suffix", "head"]
    for size in range(len(options) + 1):
        for given in combinations(options, size):
            for statement in (storeitems._search(given), storeitems._namespaces(given)):
                assert str(statement.compile(dialect=dialect))


async def test_the_longest_names_that_the_api_allows_fit_into_the_index(store: SqlStore) -> None:
    place = [os.urandom(37).hex() for _ in range(20)]  # 1,500 bytes with their slashes, which nothing can compress much
    key, tenant = os.urandom(250).hex(), os.urandom(100).hex()
    await store.put_store_item(tenant, place, key, {"x": 1})
    assert (await store.store_item(tenant, place, key)).value == {"x": 1}
