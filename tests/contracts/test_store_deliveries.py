"""What every store does for webhooks: a delivery comes with the end of its run, and each attempt is claimed once."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from agentcore.errors import LeaseLost, NotFound
from agentcore.ids import delivery_id, new_id
from agentcore.records import Delivery, Run
from agentcore.store.sql import SqlStore
from agentcore.testing.travel import advance
from tests.contracts.store_kit import (
    REDELIVERY,
    TENANT,
    a_schedule,
    accept,
    claim,
    claimed,
    finish,
    get,
    seconds,
)  # fmt: skip

pytestmark = pytest.mark.anyio
HOOK = "https://example.com/hook"
LEASE = 30.0


async def take(store: SqlStore, limit: int = 10, delivery_id: str | None = None) -> list[Delivery]:
    return await store.take_deliveries(limit=limit, lease=LEASE, delivery_id=delivery_id)


async def told(store: SqlStore, run: Run, tenant: str = TENANT) -> list[Delivery]:
    return await store.deliveries(tenant, run.id)


async def ended(store: SqlStore, **options: Any) -> Run:
    held = await claimed(store, webhook=HOOK, **options)
    await finish(store, held)
    return held.run


@pytest.mark.parametrize("status", ["succeeded", "failed", "cancelled", "expired"])
async def test_the_end_of_a_run_is_to_be_told(store: SqlStore, status: Any) -> None:
    held = await claimed(store, webhook=HOOK)
    assert (held.run.webhook, await told(store, held.run)) == (HOOK, [])
    await finish(store, held, status=status)
    [delivery] = await told(store, held.run)
    assert (delivery.id, delivery.run_id, delivery.tenant) == (delivery_id(held.run.id), held.run.id, TENANT)
    assert (delivery.status, delivery.attempts, delivery.tries) == ("pending", 0, 0)
    assert delivery.due_at is not None
    assert delivery.due_at <= await store.now()


async def test_the_end_of_a_run_without_webhook_is_told_nobody(store: SqlStore) -> None:
    held = await claimed(store)
    await finish(store, held)
    assert (await told(store, held.run), await take(store)) == ([], [])


async def test_the_end_is_told_also_of_a_run_with_others_behind_it_and_of_one_with_a_summary(store: SqlStore) -> None:
    held = await claimed(store, webhook=HOOK)
    behind = (await accept(store, held.run.thread_id, webhook=HOOK)).run
    await finish(store, held)
    again = await claim(store, behind)
    await finish(store, again, summary="short", summary_until=0)
    assert [len(await told(store, run)) for run in (held.run, behind)] == [1, 1]


async def test_the_end_of_runs_that_never_started_is_told(store: SqlStore) -> None:
    held = await claimed(store)
    waiting = [(await accept(store, held.run.thread_id, webhook=HOOK)).run for _ in range(3)]
    await store.cancel(TENANT, waiting[0].id, "interrupt", redelivery=REDELIVERY)
    await store.cancel(TENANT, waiting[0].id, "interrupt", redelivery=REDELIVERY)  # it is over
    await accept(store, held.run.thread_id, multitask="rollback", explicit=True)
    assert [(await get(store, run)).status for run in waiting] == ["cancelled"] * 3
    assert [len(await told(store, run)) for run in waiting] == [1] * 3


async def test_who_lost_the_run_tells_nobody(store: SqlStore) -> None:
    held = await claimed(store, webhook=HOOK)
    await advance(store, 31)
    await store.sweep(limit=9, redelivery=REDELIVERY)
    with pytest.raises(LeaseLost):
        await finish(store, held)
    assert await told(store, held.run) == []


async def test_a_redriven_run_tells_the_same_webhook(store: SqlStore) -> None:
    held = await claimed(store, webhook=HOOK)
    await finish(store, held, status="failed")
    again = (await store.redrive(TENANT, held.run.id, new_id(), redelivery=REDELIVERY)).run
    assert again.webhook == HOOK
    await finish(store, await claim(store, again))
    assert [len(await told(store, run)) for run in (held.run, again)] == [1, 1]


async def test_an_attempt_is_claimed_and_settled(store: SqlStore) -> None:
    run = await ended(store)
    [taken] = await take(store)
    assert (taken.attempts, taken.tries, await take(store)) == (1, 1, [])
    assert seconds(await store.now(), taken.due_at) == pytest.approx(LEASE, abs=2)
    assert taken.attempted_at is not None
    await store.settle_delivery(taken, "delivered", answered=204)
    [delivery] = await told(store, run)
    assert (delivery.status, delivery.last_status, delivery.last_error, delivery.due_at) == (
        "delivered",
        204,
        None,
        None,
    )
    assert delivery.finished_at is not None
    await advance(store, 3600)
    assert await take(store) == []


async def test_a_failed_attempt_is_due_again_after_its_wait(store: SqlStore) -> None:
    run = await ended(store)
    [taken] = await take(store)
    await store.settle_delivery(taken, "pending", answered=503, error="away\0", wait=60)
    [delivery] = await told(store, run)
    assert (delivery.status, delivery.last_status, delivery.last_error) == ("pending", 503, "away\ufffd")
    assert await take(store) == []
    await advance(store, 61)
    [again] = await take(store)
    assert (again.id, again.attempts, again.tries) == (taken.id, 2, 2)
    await store.settle_delivery(again, "failed", error="enough")
    [delivery] = await told(store, run)
    assert (delivery.status, delivery.last_status, delivery.last_error) == ("failed", None, "enough")
    assert (delivery.due_at, await take(store)) == (None, [])


async def test_an_attempt_that_died_is_made_again_and_says_nothing_more(store: SqlStore) -> None:
    run = await ended(store)
    [dead] = await take(store)
    await advance(store, LEASE + 1)
    [alive] = await take(store)
    assert alive.attempts == 2
    for outcome in ("delivered", "failed", "pending"):
        await store.settle_delivery(dead, outcome, answered=200)
    assert await told(store, run) == [alive]


async def test_ten_ticks_make_each_attempt_once(store: SqlStore) -> None:
    runs = [await ended(store) for _ in range(6)]
    found = await asyncio.gather(*(take(store, 3) for _ in range(10)))
    taken = [delivery.id for each in found for delivery in each]
    taken += [delivery.id for delivery in await take(store)]
    assert sorted(taken) == sorted(delivery_id(run.id) for run in runs)


async def test_one_delivery_can_be_taken_by_its_id(store: SqlStore) -> None:
    first, second = [await ended(store) for _ in range(2)]
    [taken] = await take(store, delivery_id=delivery_id(second.id))
    assert taken.run_id == second.id
    assert await take(store, delivery_id=delivery_id(second.id)) == []
    assert [delivery.run_id for delivery in await take(store)] == [first.id]


async def test_a_delivery_can_be_asked_for_again(store: SqlStore) -> None:
    run = await ended(store)
    [taken] = await take(store)
    await store.settle_delivery(taken, "failed", answered=500, error="no")
    again = await store.redeliver(TENANT, run.id, taken.id)
    assert (again.id, again.status, again.attempts, again.tries) == (taken.id, "pending", 1, 0)
    assert (again.finished_at, again.last_status) == (None, 500)
    [second] = await take(store)
    assert (second.attempts, second.tries) == (2, 1)
    await store.redeliver(TENANT, run.id, taken.id)  # while it is under way
    await store.settle_delivery(second, "failed")
    assert (await told(store, run))[0].status == "pending"
    for tenant, run_id in (("other", run.id), (TENANT, new_id())):
        with pytest.raises(NotFound):
            await store.redeliver(tenant, run_id, taken.id)
    with pytest.raises(NotFound):
        await store.redeliver(TENANT, run.id, new_id())


async def test_a_thread_that_goes_with_its_run_stays_until_its_end_was_told(store: SqlStore) -> None:
    run = await ended(store, request={"on_completion": "delete"})
    assert await store.purge_deleted(after=0, limit=9) == 0
    [taken] = await take(store)
    await store.settle_delivery(taken, "delivered", answered=200)
    assert await store.purge_deleted(after=0, limit=9) == 1
    assert await told(store, run) == []


async def test_a_deleted_run_takes_its_delivery_along(store: SqlStore) -> None:
    runs = [await ended(store) for _ in range(2)]
    await store.delete_run(TENANT, runs[0].id)
    await store.delete_thread(TENANT, runs[1].thread_id)
    assert [len(await told(store, run)) for run in runs] == [0, 0]


async def test_deliveries_that_are_settled_are_forgotten_after_a_time(store: SqlStore) -> None:
    old, pending = [await ended(store) for _ in range(2)]
    [taken] = await take(store, delivery_id=delivery_id(old.id))
    await store.settle_delivery(taken, "delivered", answered=200)
    await store.prune(entries_after=3600, limit=9)
    assert len(await told(store, old)) == 1
    await advance(store, 3601)
    await store.prune(entries_after=3600, limit=9)
    assert [len(await told(store, run)) for run in (old, pending)] == [0, 1]


async def test_one_shots_that_rang_are_forgotten_after_a_time(store: SqlStore) -> None:
    due = await store.now()
    spent, registered = a_schedule(due), a_schedule(due, origin="my.agents")
    paused = a_schedule(due, cron="0 9 * * *", enabled=False)
    later = a_schedule(due + timedelta(days=9))
    for one in (spent, registered, paused, later):
        await store.put_schedule(one, most=9)
    assert (await store.ring(limit=9, redelivery=REDELIVERY))[0] == 2
    await store.prune(entries_after=3600, limit=9)
    assert len(await store.schedules(TENANT)) == 4
    await advance(store, 3601)
    await store.prune(entries_after=3600, limit=9)
    assert {one.id for one in await store.schedules(TENANT)} == {registered.id, paused.id, later.id}
