"""What every store does with schedules that people change, ring themselves, or no longer register."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from agentcore.errors import Invalid, LimitExceeded, NotFound
from agentcore.ids import new_id
from agentcore.records import Accepted, Schedule
from agentcore.store.sql import SqlStore
from agentcore.testing.travel import advance
from tests.conftest import opened
from tests.contracts.store_kit import REDELIVERY, TENANT, a_schedule, claim, claimed, finish

pytestmark = pytest.mark.anyio


async def made(store: SqlStore, **changes: Any) -> Schedule:
    due = await store.now() + timedelta(hours=1)
    return await store.put_schedule(a_schedule(due, cron="0 9 * * *", **changes), most=100)


async def ring(store: SqlStore, one: Schedule, key: str | None = None) -> Accepted:
    return await store.ring_now(
        TENANT, one.id, new_id(), redelivery=REDELIVERY, version=lambda agent: f"{agent}-7", idempotency_key=key
    )


async def test_a_change_is_made_of_what_is_there(store: SqlStore) -> None:
    one = await made(store)
    times: list[datetime] = []

    def change(old: Schedule, now: datetime) -> Schedule:
        times.append(now)
        assert old == one
        return replace(old, name="new", enabled=False, due_at=now + timedelta(days=1))

    changed = await store.change_schedule(TENANT, one.id, change)
    assert changed == await store.schedule(TENANT, one.id)
    assert changed == replace(one, name="new", enabled=False, due_at=times[-1] + timedelta(days=1))
    for tenant, schedule_id in (("other", one.id), (TENANT, new_id())):
        with pytest.raises(NotFound):
            await store.change_schedule(tenant, schedule_id, change)


async def test_a_change_that_is_refused_changes_nothing(store: SqlStore) -> None:
    one = await made(store)

    def refuse(old: Schedule, now: datetime) -> Schedule:
        raise Invalid("cron: no.", field="cron")

    with pytest.raises(Invalid):
        await store.change_schedule(TENANT, one.id, refuse)
    assert await store.schedule(TENANT, one.id) == one


async def test_a_schedule_cannot_be_moved_to_another_tenants_thread(store: SqlStore) -> None:
    one, held = await made(store), await claimed(store, tenant="other")
    with pytest.raises(NotFound):
        await store.change_schedule(TENANT, one.id, lambda old, _: replace(old, thread_id=held.run.thread_id))
    assert await store.schedule(TENANT, one.id) == one


async def test_a_paused_schedule_does_not_ring_and_counts(database_url: str, anyio_backend: str) -> None:
    store = opened(database_url, schedules_per_tenant=2)
    await store.migrate()
    try:
        one = await made(store)
        await store.change_schedule(TENANT, one.id, lambda old, _: replace(old, enabled=False))
        await advance(store, 86_400)
        assert await store.ring(limit=9, redelivery=REDELIVERY) == (0, ())
        with pytest.raises(LimitExceeded):
            await store.put_schedule(a_schedule(await store.now(), cron="0 9 * * *"), most=1)
        await made(store)
        await made(store)
        with pytest.raises(LimitExceeded):  # three are more than two
            await store.change_schedule(TENANT, one.id, lambda old, _: replace(old, enabled=True))
        renamed = await store.change_schedule(TENANT, one.id, lambda old, _: replace(old, name="n"))
        assert (renamed.name, renamed.enabled) == ("n", False)
    finally:
        await store.close()


async def test_one_that_rang_for_good_does_not_count(store: SqlStore) -> None:
    await store.put_schedule(a_schedule(await store.now()), most=1)
    await store.ring(limit=9, redelivery=REDELIVERY)
    await store.put_schedule(a_schedule(await store.now()), most=1)


async def test_ringing_now_makes_a_run_a_call_and_leaves_the_time(store: SqlStore) -> None:
    one = await made(store, enabled=False)
    first, second = await ring(store, one), await ring(store, one)
    assert (first.created, second.created, first.run.id != second.run.id) == (True, True, True)
    assert (first.send, first.run.trigger, first.run.input) == ((first.run.id,), "schedule", "wake")
    assert (first.run.agent_version, first.run.metadata) == ("support-7", {"schedule": one.id})
    assert first.run.thread_id != second.run.thread_id
    assert first.run.expires_at is not None
    assert await store.schedule(TENANT, one.id) == replace(one, last_run_id=second.run.id)
    with pytest.raises(NotFound):
        await store.ring_now("other", one.id, new_id(), redelivery=REDELIVERY, version=str)


async def test_ringing_now_with_a_key_makes_one_run(store: SqlStore) -> None:
    one, other = await made(store), await made(store)
    found = await asyncio.gather(*(ring(store, one, "k") for _ in range(5)))
    assert len({accepted.run.id for accepted in found}) == 1
    assert sum(accepted.created for accepted in found) == 1
    await store.change_schedule(TENANT, one.id, lambda old, _: replace(old, input="changed"))
    assert (await ring(store, one, "k")).run.id == found[0].run.id
    assert (await ring(store, other, "k")).created
    assert (await ring(store, one, "k2")).run.input == "changed"


async def test_a_run_that_was_rung_now_waits_its_turn_and_is_not_overlapped(store: SqlStore) -> None:
    held = await claimed(store)
    one = await made(store, thread_id=held.run.thread_id, overlap="skip")
    rung = await ring(store, one)
    assert (rung.send, rung.run.status) == ((), "queued")
    await advance(store, 3601)
    assert await store.ring(limit=9, redelivery=REDELIVERY) == (1, ())  # skipped: the last one is still going
    assert await finish(store, held) == (rung.run.id,)
    await finish(store, await claim(store, rung.run))


async def test_a_rung_run_has_its_agents_version(store: SqlStore) -> None:
    await store.put_schedule(a_schedule(await store.now(), agent="a"), most=9)
    await store.put_schedule(a_schedule(await store.now(), agent="b"), most=9)
    await store.ring(limit=9, redelivery=REDELIVERY, versions={"a": "2026-1"})
    assert {run.agent: run.agent_version for run in await store.runs(TENANT)} == {"a": "2026-1", "b": "1"}


async def test_schedules_that_are_no_longer_registered_are_dropped_and_no_others(store: SqlStore) -> None:
    kept, dropped = [await made(store, origin="mine") for _ in range(2)]
    others = [await made(store, **each) for each in ({}, {"origin": "beside"}, {"origin": "mine", "tenant": "other"})]
    assert await store.drop_schedules(TENANT, "mine", keep=[kept.id]) == 1
    assert {one.id for one in await store.schedules(TENANT)} == {kept.id, others[0].id, others[1].id}
    assert [one.id for one in await store.schedules("other")] == [others[2].id]
    assert dropped.id != kept.id
    assert await store.drop_schedules(TENANT, "mine", keep=[]) == 1
    assert len(await store.schedules(TENANT)) == 2
