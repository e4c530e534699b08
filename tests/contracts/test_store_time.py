"""What every store does as time passes: sweep, ring, forget."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from agentcore.errors import LimitExceeded, NotFound
from agentcore.ids import new_id
from agentcore.records import Requeue, Run, Thread
from agentcore.store.ringing import plan
from agentcore.store.sql import SqlStore
from agentcore.testing.travel import advance
from tests.contracts.store_kit import (
    LEASE,
    REDELIVERY,
    TENANT,
    a_schedule,
    accept,
    claim,
    claimed,
    delta,
    finish,
    get,
    keys,
    seconds,
    step,
)  # fmt: skip

pytestmark = pytest.mark.anyio


async def sweep(store: SqlStore, limit: int = 10) -> tuple[str, ...]:
    return await store.sweep(limit=limit, redelivery=REDELIVERY)


async def ring(store: SqlStore, limit: int = 10) -> tuple[int, tuple[str, ...]]:
    return await store.ring(limit=limit, redelivery=REDELIVERY)


# -- sweeping


async def test_a_sweep_finds_runs_whose_message_got_lost_and_gives_each_once(store: SqlStore) -> None:
    runs = [(await accept(store)).run for _ in range(3)]
    assert await sweep(store) == ()
    await advance(store, REDELIVERY + 1)
    found = [*await sweep(store, limit=2), *await sweep(store, limit=2)]
    assert sorted(found) == sorted(run.id for run in runs)
    assert await sweep(store) == ()
    run = await get(store, runs[0])
    assert (run.status, run.fence, run.failures) == ("queued", 1, 0)
    assert seconds(await store.now(), run.wake_at) == pytest.approx(REDELIVERY, abs=4)


async def test_a_sweep_takes_a_dead_workers_run_away_from_it(store: SqlStore) -> None:
    first = await claimed(store)
    second = await claimed(store)
    await store.append(second.lease, [step()])
    await store.append(first.lease, [delta(0)])
    await advance(store, LEASE + 1)
    assert sorted(await sweep(store)) == sorted([first.run.id, second.run.id])
    assert ((await get(store, first.run)).failures, (await get(store, second.run)).failures) == (1, 0)
    again = await claim(store, first.run)
    assert (again.run.failures, again.run.fence) == (1, 3)


async def test_a_back_off_ends_by_a_sweep(store: SqlStore) -> None:
    held = await claimed(store)
    await store.pause(held.lease, [], Requeue(delay=100, failed=True), redelivery=REDELIVERY)
    await advance(store, 99)
    assert await sweep(store) == ()
    await advance(store, 2)
    assert await sweep(store) == (held.run.id,)


async def test_ended_runs_and_those_behind_others_are_never_due(store: SqlStore) -> None:
    held = await claimed(store)
    await accept(store, held.run.thread_id)
    await finish(store, await claimed(store))
    await advance(store, 10**6)
    assert await sweep(store) == (held.run.id,)


async def test_leases_can_be_released_at_once(store: SqlStore) -> None:
    held = await claimed(store)
    queued = (await accept(store)).run
    assert await sweep(store) == ()
    assert await store.release_leases() == 2  # a message may have died with its process's own bus
    assert sorted(await sweep(store)) == sorted((held.run.id, queued.id))


# -- schedules


async def test_a_schedule_is_stored_changed_listed_and_deleted(store: SqlStore) -> None:
    due = await store.now() + timedelta(hours=1)
    thread = Thread(id=new_id(), tenant=TENANT, agent="support")
    await store.create_thread(thread)
    wanted = a_schedule(due, thread_id=thread.id, cron="0 * * * *", timezone="Europe/Oslo", name="n", metadata={"m": 1})
    first = await store.put_schedule(wanted, most=2)
    assert first == replace(wanted, created_at=first.created_at)
    assert first.created_at is not None
    changed = await store.put_schedule(replace(wanted, input="other"), most=1)
    assert (changed.input, changed.created_at) == ("other", first.created_at)
    assert await store.schedules(TENANT) == await store.schedules(TENANT, thread_id=thread.id) == [changed]
    assert await store.schedule(TENANT, wanted.id) == changed
    assert await store.schedules("other") == []
    for refused in (store.schedule("other", wanted.id), store.delete_schedule("other", wanted.id)):
        with pytest.raises(NotFound):
            await refused
    await store.delete_schedule(TENANT, wanted.id)
    with pytest.raises(NotFound):
        await store.delete_schedule(TENANT, wanted.id)


async def test_schedules_are_limited_by_thread_or_by_tenant(store: SqlStore) -> None:
    due = await store.now()
    thread_id = (await accept(store)).run.thread_id
    await store.put_schedule(a_schedule(due, thread_id=thread_id), most=1)
    with pytest.raises(LimitExceeded):
        await store.put_schedule(a_schedule(due, thread_id=thread_id), most=1)
    with pytest.raises(LimitExceeded):
        await store.put_schedule(a_schedule(due), most=1)
    await store.put_schedule(a_schedule(due, enabled=False), most=1)
    await store.put_schedule(a_schedule(due, tenant="other"), most=1)
    with pytest.raises(NotFound):
        await store.put_schedule(a_schedule(due, tenant="other", thread_id=thread_id), most=9)


async def test_a_schedule_of_another_tenant_cannot_be_replaced(store: SqlStore) -> None:
    wanted = a_schedule(await store.now())
    await store.put_schedule(wanted, most=9)
    with pytest.raises(NotFound):
        await store.put_schedule(replace(wanted, tenant="other"), most=9)


async def test_a_schedule_without_cron_rings_once(store: SqlStore) -> None:
    wanted = a_schedule(await store.now() + timedelta(minutes=1))
    await store.put_schedule(wanted, most=9)
    assert await ring(store) == (0, ())
    await advance(store, 61)
    rang, send = await ring(store)
    run = await store.run(TENANT, send[0])
    assert (rang, len(send)) == (1, 1)
    assert (run.trigger, run.input, run.metadata, run.agent) == ("schedule", "wake", {"schedule": wanted.id}, "support")
    assert run.expires_at is not None
    after = await store.schedule(TENANT, wanted.id)
    assert (after.enabled, after.last_run_id) == (False, run.id)
    assert await ring(store) == (0, ())


async def test_a_schedule_with_cron_rings_again_on_its_thread(store: SqlStore) -> None:
    held = await claimed(store)
    await store.put_schedule(a_schedule(await store.now(), thread_id=held.run.thread_id, cron="* * * * *"), most=9)
    assert await ring(store) == (1, ())  # behind the run that is going
    await advance(store, 61)
    rung = await store.now()
    assert await ring(store) == (1, ())
    assert [run.trigger for run in await store.runs(TENANT)] == ["schedule", "schedule", "message"]
    assert len(await finish(store, held)) == 1
    assert (await store.schedules(TENANT))[0].due_at > rung


async def test_of_a_threads_schedules_those_that_rang_for_good_are_not_listed_as_ringing(store: SqlStore) -> None:
    now, thread_id = await store.now(), (await accept(store)).run.thread_id
    spent = [await store.put_schedule(a_schedule(now, thread_id=thread_id), most=9) for _ in range(3)]
    wanted = await store.put_schedule(a_schedule(now + timedelta(hours=1), thread_id=thread_id), most=9)
    await store.put_schedule(a_schedule(now + timedelta(hours=1)), most=9)
    assert (await ring(store))[0] == len(spent)
    assert await store.ringing(TENANT, thread_id, limit=1) == [wanted]
    assert await store.ringing("other", thread_id, limit=9) == []
    for refused in ({"thread_id": new_id()}, {"tenant": "other", "thread_id": thread_id}):
        with pytest.raises(NotFound):
            await store.delete_schedule(**{"tenant": TENANT, "schedule_id": wanted.id, **refused})
    await store.delete_schedule(TENANT, wanted.id, thread_id=thread_id)
    assert await store.ringing(TENANT, thread_id, limit=9) == []


async def test_a_due_time_that_was_set_back_does_not_ring_twice(store: SqlStore) -> None:
    due = await store.now()
    wanted = a_schedule(due)
    await store.put_schedule(wanted, most=9)
    assert len((await ring(store))[1]) == 1
    await store.put_schedule(wanted, most=9)
    assert await ring(store) == (1, ())
    assert len(await store.runs(TENANT)) == 1


async def test_many_ring_together_and_each_as_it_would_alone(store: SqlStore) -> None:
    due, idle, twice, busy = await store.now(), new_id(), new_id(), await claimed(store)
    await finish(store, await claimed(store, idle), "one", "two")
    on = [None, None, idle, twice, twice, busy.run.thread_id]
    wanted = [
        await store.put_schedule(a_schedule(due - timedelta(seconds=n), thread_id=id, cron=cron), most=9)
        for n, (id, cron) in enumerate(zip(on, [None, "0 0 1 1 *", None, None, None, None], strict=True))
    ]
    rang, send = await ring(store)
    runs = {run.metadata["schedule"]: run for run in await store.runs(TENANT) if run.trigger == "schedule"}
    assert (rang, set(runs)) == (6, {one.id for one in wanted})
    assert len(send) == len(set(send)) == 4  # all but the second on a thread, and the one behind a run
    assert set(send) == {run.id for run in runs.values() if run.wake_at}
    assert {run.position for run in runs.values() if run.thread_id == twice} == {1, 2}
    assert (runs[wanted[2].id].position, runs[wanted[2].id].history_end) == (2, 2)
    assert await keys(store, runs[wanted[0].id]) == ["accepted"]
    assert (await store.thread(TENANT, idle)).head_id == runs[wanted[2].id].id
    after = [await store.schedule(TENANT, one.id) for one in wanted]
    assert [one.last_run_id for one in after] == [runs[one.id].id for one in wanted]
    assert [one.enabled for one in after] == [False, True, False, False, False, False]
    assert after[1].due_at > due
    assert await ring(store) == (0, ())


async def test_an_overlapping_ring_can_be_skipped(store: SqlStore) -> None:
    wanted = a_schedule(await store.now(), cron="* * * * *", overlap="skip")
    await store.put_schedule(wanted, most=9)
    (first,) = (await ring(store))[1]
    await advance(store, 61)
    assert await ring(store) == (1, ())
    await finish(store, await claim(store, first))
    await advance(store, 61)
    assert len((await ring(store))[1]) == 1


@pytest.mark.parametrize(("misfire", "runs"), [("once", 1), ("all", 5), ("skip", 0)])
async def test_missed_times_are_made_up_for_as_the_schedule_says(store: SqlStore, misfire: str, runs: int) -> None:
    while (await store.now()).second > 50:  # noqa: ASYNC110  # a minute that begins meanwhile would ring as well
        await asyncio.sleep(0.5)
    wanted = a_schedule(await store.now() - timedelta(seconds=270), cron="* * * * *", misfire=misfire)
    await store.put_schedule(wanted, most=9)
    rang, _ = await ring(store)
    found = await store.runs(TENANT)
    assert (rang, await ring(store)) == (1, (0, ()))
    assert len(found) in (runs, runs + (misfire == "all"))  # five or six minutes begin in that time
    assert len({run.thread_id for run in found}) == len(found)


def test_very_many_missed_times_are_made_up_for_bit_by_bit() -> None:
    now = datetime(2030, 1, 2, tzinfo=UTC)
    missed = a_schedule(now - timedelta(days=1), cron="* * * * *", misfire="all")
    times, changes = plan(missed, now)
    assert (len(times), times[0], changes["due_at"]) == (100, missed.due_at, missed.due_at + timedelta(minutes=100))


def test_a_schedule_whose_zone_is_gone_is_switched_off() -> None:
    now = datetime(2030, 1, 2, tzinfo=UTC)
    assert plan(a_schedule(now, cron="* * * * *", timezone="Atlantis/Poseidonia"), now) == ([], {"enabled": False})


async def test_a_schedule_that_cannot_ring_does_not_stop_the_others(store: SqlStore) -> None:
    due, thread_id = await store.now(), new_id()
    await store.put_schedule(a_schedule(due - timedelta(seconds=1), thread_id=thread_id), most=9)
    await store.create_thread(Thread(id=thread_id, tenant="other", agent="support"))
    await store.put_schedule(a_schedule(due), most=9)
    rang, send = await ring(store)
    assert (rang, len(send)) == (2, 1)
    assert await ring(store) == (0, ())


# -- forgetting


async def test_deltas_go_when_a_run_has_ended_and_its_journal_after_a_time(store: SqlStore) -> None:
    held, other = await claimed(store), await claimed(store)
    for each in (held, other):
        await store.append(each.lease, [delta(0), step(0)])
    await finish(store, held, "hello")
    assert await store.prune(entries_after=1000, limit=10) == 1
    assert await keys(store, held.run) == ["accepted", "model:0", "finished"]
    assert len(await keys(store, other.run)) == 3
    assert await store.prune(entries_after=1000, limit=10) == 0
    await advance(store, 1001)
    assert await store.prune(entries_after=1000, limit=10) == 1
    assert await keys(store, held.run) == []
    assert (await get(store, held.run)).output == "done"
    assert len(await store.items(TENANT, held.run.thread_id)) == 1
    assert await store.prune(entries_after=1000, limit=10) == 0


async def test_forgetting_is_done_in_batches(store: SqlStore) -> None:
    async def ended() -> Run:
        held = await claimed(store)
        await finish(store, held)
        return held.run

    for _ in range(3):
        await ended()
    assert [await store.prune(entries_after=1000, limit=2) for _ in range(3)] == [2, 1, 0]


async def test_schedules_that_rang_for_good_go_after_a_time_and_paused_ones_stay(store: SqlStore) -> None:
    now = await store.now()
    late, past = now - timedelta(seconds=100), now - timedelta(seconds=1)
    await store.put_schedule(a_schedule(past), most=99)
    await store.put_schedule(a_schedule(late, misfire="skip"), most=99)
    assert (await ring(store))[0] == 2
    kept = [
        await store.put_schedule(wanted, most=99)
        for wanted in (
            a_schedule(late, enabled=False),
            a_schedule(past, cron="* * * * *", enabled=False, last_run_id=new_id()),
            a_schedule(now + timedelta(days=1), enabled=False, last_run_id=new_id()),
            a_schedule(now + timedelta(days=1)),
        )
    ]
    assert await store.prune(entries_after=1000, limit=10) == 0
    await advance(store, 1001)
    assert [await store.prune(entries_after=1000, limit=1) for _ in range(3)] == [1, 1, 0]
    assert sorted(s.id for s in await store.schedules(TENANT)) == sorted(s.id for s in kept)


async def test_idempotency_keys_are_kept_for_a_day_at_least(store: SqlStore) -> None:
    await accept(store, idempotency_key="k", request_hash="h")
    await advance(store, 80_000)
    assert await store.prune(entries_after=1, limit=10) == 0
    assert not (await accept(store, idempotency_key="k", request_hash="h")).created
    await advance(store, 7_000)
    assert await store.prune(entries_after=1, limit=10) == 1
    assert (await accept(store, idempotency_key="k", request_hash="h")).created
