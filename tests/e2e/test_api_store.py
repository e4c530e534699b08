"""The store over HTTP (Agent Protocol, operations 23 to 27), as clients see it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.http import Http, ok, on, refused

ITEMS, SEARCH, NAMESPACES = "/store/items", "/store/items/search", "/store/namespaces"
NOTE = {"namespace": ["users", "kim"], "key": "note", "value": {"text": "likes tea", "tags": ["drink"]}}


async def put(http: Http, *namespace: str, key: str = "k", **value: Any) -> None:
    ok(await http.put(ITEMS, json={"namespace": namespace, "key": key, "value": value}), 204)


def test_an_item_is_put_read_replaced_and_deleted(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        answer = await http.put(ITEMS, json=NOTE)
        assert (answer.status_code, answer.content) == (204, b"")
        where = {"namespace": ["users", "kim"], "key": "note"}
        item = ok(await http.get(ITEMS, params=where))
        assert {name: item[name] for name in NOTE} == NOTE
        assert set(item) == {"namespace", "key", "value", "created_at", "updated_at"}
        assert item["created_at"].endswith("Z")
        assert ok(await http.put(ITEMS, json={**NOTE, "value": {}}), 204) is None
        again = ok(await http.get(ITEMS, params=where))
        assert (again["value"], again["created_at"]) == ({}, item["created_at"])
        assert again["updated_at"] >= item["updated_at"]
        assert ok(await http.request("DELETE", ITEMS, json=where), 204) is None
        refused(await http.request("DELETE", ITEMS, json=where), 404, "not_found")
        refused(await http.get(ITEMS, params=where), 404, "not_found")

    on(tmp_path, test)


def test_the_parts_of_a_namespace_are_repeated_in_a_query(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        await put(http, "a", "b", n=2)
        await put(http, "a/b", n=1)
        await put(http, n=0)
        assert ok(await http.get(f"{ITEMS}?namespace=a&key=k&namespace=b"))["value"] == {"n": 2}
        assert ok(await http.get(f"{ITEMS}?namespace=a%2Fb&key=k"))["value"] == {"n": 1}
        assert ok(await http.get(f"{ITEMS}?key=k"))["value"] == {"n": 0}
        refused(await http.get(f"{ITEMS}?namespace=b&namespace=a&key=k"), 404, "not_found")

    on(tmp_path, test)


def test_the_namespace_of_what_is_deleted_may_be_left_out(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        await put(http, "a")
        refused(await http.request("DELETE", ITEMS, json={"key": "k"}), 404, "not_found")
        await put(http)
        ok(await http.request("DELETE", ITEMS, json={"key": "k"}), 204)
        assert len(ok(await http.post(SEARCH, json={}))["items"]) == 1

    on(tmp_path, test)


def test_items_are_searched_by_prefix_and_filter_and_by_pages(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        for n in range(12):
            await put(http, "users", "kim", key=f"{n:02}", n=n, even=n % 2 == 0)
        await put(http, "teams", key="x", even=True)

        async def found(**body: Any) -> list[str]:
            return [item["key"] for item in ok(await http.post(SEARCH, json=body))["items"]]

        assert await found() == ["x", *(f"{n:02}" for n in range(9))]
        assert await found(namespace_prefix=["users"], limit=3, offset=10) == ["10", "11"]
        assert await found(namespace_prefix=["users", "kim"], filter={"even": True}, limit=2) == ["00", "02"]
        assert await found(namespace_prefix=None, filter=None, limit=100) == ["x", *(f"{n:02}" for n in range(12))]
        assert await found(namespace_prefix=["user"]) == await found(filter={"even": "true"}) == []

    on(tmp_path, test)


def test_namespaces_are_listed(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        for place in (("a", "x"), ("a", "y", "z"), ("b", "x")):
            await put(http, *place)

        async def listed(**body: Any) -> Any:
            return ok(await http.post(NAMESPACES, json=body))

        assert await listed() == [["a", "x"], ["a", "y", "z"], ["b", "x"]]
        assert await listed(prefix=["a"], max_depth=2) == [["a", "x"], ["a", "y"]]
        assert await listed(suffix=["x"]) == [["a", "x"], ["b", "x"]]
        assert await listed(max_depth=1, limit=1, offset=1) == [["b"]]

    on(tmp_path, test)


LONG = "x" * 501
BAD: list[tuple[str, str, Any, str]] = [
    ("PUT", ITEMS, {"key": "k", "value": {}}, "namespace"),
    ("PUT", ITEMS, {"namespace": ["a"], "value": {}}, "key"),
    ("PUT", ITEMS, {"namespace": ["a"], "key": "k"}, "value"),
    ("PUT", ITEMS, {**NOTE, "namespace": "a"}, "namespace"),
    ("PUT", ITEMS, {**NOTE, "namespace": [7]}, "namespace.0"),
    ("PUT", ITEMS, {**NOTE, "namespace": ["a", ""]}, "namespace.1"),
    ("PUT", ITEMS, {**NOTE, "namespace": [LONG]}, "namespace.0"),
    ("PUT", ITEMS, {**NOTE, "namespace": ["ä" * 400]}, "namespace.0"),
    ("PUT", ITEMS, {**NOTE, "namespace": ["a"] * 21}, "namespace"),
    ("PUT", ITEMS, {**NOTE, "namespace": ["x" * 400] * 4}, "namespace"),
    ("PUT", ITEMS, {**NOTE, "namespace": ["a\0"]}, "namespace"),
    ("PUT", ITEMS, {**NOTE, "key": ""}, "key"),
    ("PUT", ITEMS, {**NOTE, "key": LONG}, "key"),
    ("PUT", ITEMS, {**NOTE, "key": "ä" * 251}, "key"),
    ("PUT", ITEMS, {**NOTE, "key": "\ud800"}, "key"),
    ("PUT", ITEMS, {**NOTE, "value": []}, "value"),
    ("PUT", ITEMS, {**NOTE, "value": {"x": "y" * 3000}}, "value"),
    ("PUT", ITEMS, {**NOTE, "value": {"x\0": 1}}, "value"),
    ("PUT", ITEMS, {**NOTE, "value": {"x": json.loads("[" * 70 + "]" * 70)}}, "value"),
    ("PUT", ITEMS, {**NOTE, "ttl": 5}, "ttl"),
    ("DELETE", ITEMS, {"namespace": ["a"]}, "key"),
    ("DELETE", ITEMS, {"namespace": [None], "key": "k"}, "namespace.0"),
    ("POST", SEARCH, {"namespace_prefix": "a"}, "namespace_prefix"),
    ("POST", SEARCH, {"filter": []}, "filter"),
    ("POST", SEARCH, {"filter": {"x": "y" * 10_001}}, "filter"),
    ("POST", SEARCH, {"limit": 0}, "limit"),
    ("POST", SEARCH, {"limit": 101}, "limit"),
    ("POST", SEARCH, {"limit": "many"}, "limit"),
    ("POST", SEARCH, {"offset": -1}, "offset"),
    ("POST", SEARCH, {"offset": 2**40}, "offset"),
    ("POST", SEARCH, {"query": "tea"}, "query"),
    ("POST", NAMESPACES, {"prefix": None}, "prefix"),
    ("POST", NAMESPACES, {"suffix": ["a", ""]}, "suffix.1"),
    ("POST", NAMESPACES, {"max_depth": 0}, "max_depth"),
    ("POST", NAMESPACES, {"limit": 1001}, "limit"),
    ("POST", NAMESPACES, {"offset": "x"}, "offset"),
]


def test_what_cannot_be_is_refused_and_names_its_field(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        head = {"content-type": "application/json"}
        for method, path, body, field in BAD:
            answer = await http.request(method, path, content=json.dumps(body), headers=head)
            refused(answer, 422, "invalid", field)
        assert ok(await http.post(NAMESPACES, json={})) == []

    on(tmp_path, test, store_item_bytes=2000)


@pytest.mark.parametrize(
    ("query", "status", "code", "field"),
    [
        ("namespace=a", 422, "invalid", "key"),
        ("key=", 422, "invalid", "key"),
        ("key=a%00b", 422, "invalid", "key"),
        (f"key={LONG}", 422, "invalid", "key"),
        ("key=k&namespace=", 422, "invalid", "namespace.0"),
        ("key=k" + "&namespace=a" * 21, 422, "invalid", "namespace"),
        ("key=a&key=b", 400, "malformed", "key"),
        ("key=%ff", 400, "malformed", None),
    ],
)
def test_a_query_that_names_no_item_is_refused(
    tmp_path: Path, query: str, status: int, code: str, field: str | None
) -> None:
    async def test(http: Http) -> None:
        refused(await http.get(f"{ITEMS}?{query}"), status, code, field)

    on(tmp_path, test)


def test_the_largest_of_everything_is_stored(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        place, key, value = ["n" * 70] * 20, "é" * 250, {"x": "y" * (262_144 - 9)}
        ok(await http.put(ITEMS, json={"namespace": place, "key": key, "value": value}), 204)
        assert ok(await http.get(ITEMS, params={"namespace": place, "key": key}))["value"] == value

    on(tmp_path, test)
