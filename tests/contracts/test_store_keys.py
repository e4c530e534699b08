"""API keys in the store."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from agentcore.errors import NotFound
from agentcore.keys import mint
from agentcore.records import ApiKey
from agentcore.store.sql import SqlStore
from tests.contracts.store_kit import TENANT

pytestmark = pytest.mark.anyio


def a_key(store: SqlStore, **changes: Any) -> ApiKey:
    key, _ = mint(store.new_id(), tenant=TENANT, name="ci", scopes=["runs:write", "runs:read"])
    return replace(key, **changes)


async def test_a_key_is_found_as_it_was_stored(store: SqlStore) -> None:
    key = await store.add_key(a_key(store))
    assert key.created_at is not None
    assert key.scopes == ("runs:read", "runs:write")
    assert await store.live_key(key.id) == key
    assert await store.keys(TENANT) == [key]
    assert await store.add_key(key) == key  # after a commit that nobody heard of


async def test_what_is_unknown_expired_or_revoked_is_not_live(store: SqlStore) -> None:
    now = await store.now()
    past = await store.add_key(a_key(store, expires_at=now - timedelta(seconds=1)))
    coming = await store.add_key(a_key(store, expires_at=now + timedelta(hours=1)))
    ended = await store.add_key(a_key(store))
    revoked = await store.revoke_key(TENANT, ended.id)
    assert revoked.revoked_at is not None
    assert await store.revoke_key(TENANT, ended.id) == revoked
    assert [await store.live_key(id) for id in (past.id, coming.id, ended.id, store.new_id())] == [
        None, coming, None, None
    ]  # fmt: skip
    assert {key.id for key in await store.keys(TENANT)} == {past.id, coming.id, ended.id}


async def test_keys_are_listed_in_pages_the_newest_first(store: SqlStore) -> None:
    made = [(await store.add_key(a_key(store, name=str(n)))).id for n in range(5)]
    first, rest = await store.keys(TENANT, limit=2), await store.keys(TENANT, offset=2)
    assert [key.id for key in (*first, *rest)] == made[::-1]


async def test_another_tenants_key_is_not_found(store: SqlStore) -> None:
    key = await store.add_key(a_key(store))
    assert await store.keys("other") == []
    with pytest.raises(NotFound):
        await store.revoke_key("other", key.id)
    with pytest.raises(NotFound):
        await store.revoke_key(TENANT, store.new_id())
    assert await store.live_key(key.id) == key
