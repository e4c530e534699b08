"""Ids suit the index they go into."""

from __future__ import annotations

from uuid import UUID

from agentcore.ids import new_id
from agentcore.settings import Settings
from agentcore.store import open_store


def test_ids_made_in_a_row_are_in_order_and_version_7() -> None:
    ids = [new_id() for _ in range(1000)]
    assert ids == sorted(set(ids))
    assert {(UUID(one).version, UUID(one).variant) for one in ids} == {(7, "specified in RFC 4122")}


def test_on_cockroachdb_ids_are_spread_over_the_ranges() -> None:
    store = open_store("cockroachdb://root@127.0.0.1:1/x", Settings())
    assert UUID(store.new_id()).version == 4
