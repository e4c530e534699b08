"""The Agent Protocol's operations 23 to 27, the store: each of their statuses and fields, in both directions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.http import Http, on
from tests.e2e.protocol import lacking
from tests.e2e.test_agent_protocol import BY_ID, Drive, Driver, call

NOTE = {"namespace": ["users", "kim"], "key": "note", "value": {"text": "likes tea", "n": {"a": [1, None, "x"]}}}
WHERE: dict[str, Any] = {"namespace": ["users", "kim"], "key": "note"}


async def put_item(drive: Driver, http: Http) -> None:
    await drive(204, NOTE)
    first = await call(http, "get_item", **WHERE)
    assert {name: first[name] for name in NOTE} == NOTE
    await drive(204, {**NOTE, "value": {"other": True}})
    assert (await call(http, "get_item", **WHERE))["value"] == {"other": True}
    await drive(204, {"namespace": [], "key": "k", "value": {}})
    for field in ("namespace", "key", "value"):
        await drive(422, {name: given for name, given in NOTE.items() if name != field}, fits=False, field=field)
        await drive(422, {**NOTE, field: 7}, fits=False, field=field)


async def get_item(drive: Driver, http: Http) -> None:
    await call(http, "put_item", 204, NOTE)
    item = await drive(200, **WHERE)
    assert lacking(item, "Item") == set()
    assert {name: item[name] for name in NOTE} == NOTE
    await drive(404, key="note")
    await drive(404, **{**WHERE, "namespace": ["users"]})
    await drive(400, key=["note", "other"], field="key")
    await drive(422, namespace=["users"], field="key")


async def delete_item(drive: Driver, http: Http) -> None:
    await call(http, "put_item", 204, NOTE)
    await drive(404, {"key": "note"})  # at the root, as no namespace is named
    await drive(204, WHERE)
    await drive(404, WHERE)
    await call(http, "get_item", 404, **WHERE)
    await drive(422, {"namespace": ["users", "kim"]}, fits=False, field="key")


async def search_items(drive: Driver, http: Http) -> None:
    for n in range(11):
        await call(http, "put_item", 204, {**NOTE, "key": f"{n:02}", "value": {"n": n, "odd": bool(n % 2)}})
    assert [item["key"] for item in (await drive(200, {}))["items"]] == [f"{n:02}" for n in range(10)]
    whole = {"namespace_prefix": ["users"], "filter": {"odd": True}, "limit": 2, "offset": 1}
    found = (await drive(200, whole))["items"]
    assert [item["key"] for item in found] == ["03", "05"]
    assert lacking(found[0], "Item") == set()
    assert len((await drive(200, {"namespace_prefix": None, "filter": None, "limit": 11}))["items"]) == 11
    assert await drive(200, {"namespace_prefix": ["kim"]}) == {"items": []}
    for field in ("namespace_prefix", "filter", "limit", "offset"):
        await drive(422, {field: "x"}, fits=False, field=field)
    await drive(422, {"limit": 0}, field="limit")


async def list_namespaces(drive: Driver, http: Http) -> None:
    for place in (["a", "x"], ["a", "y", "z"], ["b", "x"]):
        await call(http, "put_item", 204, {**NOTE, "namespace": place})
    assert await drive(200, {}) == [["a", "x"], ["a", "y", "z"], ["b", "x"]]
    whole = {"prefix": ["a"], "suffix": ["z"], "max_depth": 2, "limit": 1, "offset": 0}
    assert await drive(200, whole) == [["a", "y"]]
    assert await drive(200, {"limit": 1, "offset": 1}) == [["a", "y", "z"]]
    for field in ("prefix", "suffix", "max_depth", "limit", "offset"):
        await drive(422, {field: "x"}, fits=False, field=field)


DRIVES: dict[str, Drive] = {
    each.__name__: each for each in (put_item, get_item, delete_item, search_items, list_namespaces)
}


@pytest.mark.parametrize("name", sorted(DRIVES))
def test_an_operation_of_the_store_does_what_the_protocol_says(name: str, tmp_path: Path) -> None:
    operation = BY_ID[name]

    async def test(http: Http) -> None:
        driver = Driver(http, operation)
        await DRIVES[name](driver, http)
        assert driver.statuses == set(operation.statuses)

    on(tmp_path, test)
