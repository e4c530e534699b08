"""What runs have used, by agent and day."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from agentcore.records import Usage
from agentcore.store.sql import SqlStore
from agentcore.testing.travel import advance
from tests.contracts.store_kit import TENANT, accept, claimed, finish

pytestmark = pytest.mark.anyio
COUNTS = {
    "requests": 2, "input_tokens": 100, "output_tokens": 20, "total_tokens": 120, "cached_tokens": 7,
    "reasoning_tokens": 5,
}  # fmt: skip


async def used(store: SqlStore, counts: dict[str, int], **options: Any) -> None:
    await finish(store, await claimed(store, **options), usage=counts)


async def days(store: SqlStore, tenant: str = TENANT, **options: Any) -> list[Usage]:
    today = (await store.now()).date()
    return await store.usage(tenant, **{"first": today - timedelta(days=9), "last": today, **options})


async def test_runs_of_an_agent_and_a_day_are_added_up(store: SqlStore) -> None:
    begins = (await store.now()).date()
    await used(store, COUNTS)
    await used(store, {**COUNTS, "input_tokens": 5_000_000_000})
    await used(store, {})
    await used(store, {"input_tokens": 1}, agent="billing")
    await accept(store)  # its tokens are not known yet
    found = await days(store)
    assert begins <= found[0].day <= (await store.now()).date()
    if len({row.day for row in found}) == 1:  # else midnight came in between
        assert found == [
            Usage(
                agent="billing", day=found[0].day, runs=1, requests=0, input_tokens=1, output_tokens=0,
                total_tokens=0, cached_tokens=0, reasoning_tokens=0,
            ),
            Usage(
                agent="support", day=found[0].day, runs=4, requests=4, input_tokens=5_000_000_100, output_tokens=40,
                total_tokens=240, cached_tokens=14, reasoning_tokens=10,
            ),
        ]  # fmt: skip
    assert all(type(count) is int for row in found for count in (row.runs, row.requests, row.input_tokens))
    assert type(found[0].day) is date


async def test_a_run_counts_on_the_day_on_which_it_was_accepted(store: SqlStore) -> None:
    today = (await store.now()).date()
    early = await claimed(store)
    await advance(store, 3 * 86_400)
    await finish(store, early, usage=COUNTS)
    await used(store, {"input_tokens": 1})
    newest, oldest = await days(store, last=today + timedelta(days=1))
    assert (newest.day - oldest.day).days in (3, 4)  # midnight may come in between
    assert (newest.input_tokens, oldest.input_tokens) == (1, 100)


async def test_both_ends_of_the_range_are_in_it(store: SqlStore) -> None:
    await used(store, COUNTS)
    (row,) = await days(store)
    one = timedelta(days=1)
    for first, last, among in (
        (row.day, row.day, True), (row.day - one, row.day, True), (row.day, row.day + one, True),
        (row.day - one, row.day - one, False), (row.day + one, row.day + one, False),
    ):  # fmt: skip
        assert bool(await days(store, first=first, last=last)) is among, (first, last)


async def test_usage_is_of_one_agent_and_in_pages(store: SqlStore) -> None:
    for agent in ("a", "b", "c"):
        await used(store, COUNTS, agent=agent)
    assert [row.agent for row in await days(store, agent="b")] == ["b"]
    assert await days(store, agent="nobody") == []
    assert [row.agent for row in await days(store, limit=2)] == ["a", "b"]
    assert [row.agent for row in await days(store, limit=2, offset=2)] == ["c"]


async def test_tenants_do_not_see_each_others_usage(store: SqlStore) -> None:
    await used(store, COUNTS)
    await used(store, {"input_tokens": 3}, tenant="other")
    assert [row.input_tokens for row in await days(store)] == [100]
    assert [row.input_tokens for row in await days(store, "other")] == [3]
    assert await days(store, "third") == []
    assert await days(store, "third", agent="support") == []
