"""What every store says of runs that are there, and how it is opened."""

from __future__ import annotations

from datetime import UTC, timedelta

import pytest

from agentcore.errors import LeaseLost, NotFound
from agentcore.ids import new_id
from agentcore.records import Lease
from agentcore.store.sql import SqlStore
from agentcore.testing.travel import advance
from tests.contracts.store_kit import (
    LEASE,
    TENANT,
    a_run,
    accept,
    claimed,
    delta,
    finish,
    get,
    step,
    texts,
)  # fmt: skip

pytestmark = pytest.mark.anyio


async def test_runs_are_listed_newest_first_and_filtered(store: SqlStore) -> None:
    first = await claimed(store)
    await finish(store, first)
    second = (await accept(store, first.run.thread_id, agent="billing")).run
    await store.accept(a_run(tenant="other"), redelivery=1)

    async def found(**wanted: object) -> list[str]:
        return [run.id for run in await store.runs(TENANT, **wanted)]  # type: ignore[arg-type]

    assert await found() == [second.id, first.run.id]
    assert await found(limit=1, offset=1) == [first.run.id]
    assert await found(status=["succeeded", "failed"]) == [first.run.id]
    assert await found(agent="billing", thread_id=second.thread_id) == [second.id]
    assert await found(thread_id=new_id()) == []
    with pytest.raises(NotFound):
        await store.run("other", second.id)


async def test_unfinished_runs_that_have_begun_are_listed_as_claims_and_not_taken(store: SqlStore) -> None:
    done = await claimed(store)
    await finish(store, done, "one")
    held = await claimed(store, done.run.thread_id)
    await store.append(held.lease, [step(), delta(0)])
    other = await claimed(store)
    await accept(store)  # has not begun
    found = await store.parked(limit=1, window=5)
    more = await store.parked(after=found[0].run.id, limit=5, window=5)
    both = {claim.run.id: claim for claim in [*found, *more]}
    assert (list(both), len(both)) == (sorted([held.run.id, other.run.id]), 2)
    assert both[held.run.id].run == await get(store, held.run)
    assert [e.key for e in both[held.run.id].entries] == ["accepted", "model:0"]
    assert texts(both[held.run.id].items) == ["one"]
    assert await store.parked(after=max(both), limit=5, window=5) == []
    await store.renew(held.lease, LEASE)


# -- opening


async def test_the_clock_is_utc(store: SqlStore) -> None:
    assert (await store.now()).tzinfo is UTC


async def test_migrating_again_changes_nothing(store: SqlStore) -> None:
    run = (await accept(store)).run
    await store.migrate()
    assert await get(store, run) == run


async def test_a_lost_lease_names_the_run(store: SqlStore) -> None:
    with pytest.raises(LeaseLost) as caught:
        await store.renew(Lease(run_id=new_id(), fence=1), 1)
    assert "run_id" in caught.value.details


async def test_time_travel_moves_all_times(store: SqlStore) -> None:
    run = (await accept(store)).run
    await advance(store, 100.5)
    after = await get(store, run)
    assert run.created_at is not None
    assert after.created_at is not None
    assert run.created_at - after.created_at == timedelta(seconds=100.5)
