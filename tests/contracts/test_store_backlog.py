"""What is unfinished, as a scrape of the metrics asks for it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from agentcore.records import Entry, Requeue, Sleep
from agentcore.store.sql import SqlStore
from agentcore.testing.travel import advance
from tests.contracts.store_kit import REDELIVERY, a_question, accept, ask, claim, claimed, decide, finish, get, step

pytestmark = pytest.mark.anyio
HOUR = 3600.0


async def age(store: SqlStore) -> float:
    return (await store.backlog()).queue_age


async def test_unfinished_runs_are_counted_by_state(store: SqlStore) -> None:
    assert ((await store.backlog()).runs, await age(store)) == ({}, 0.0)
    head = await accept(store)
    await accept(store, head.run.thread_id)  # behind it
    await accept(store, tenant="other")
    running = await claimed(store)
    waiting = await claimed(store)
    await ask(store, waiting, a_question(waiting.run))
    sleeping = await claimed(store)
    until = Sleep(key="k", until=await store.now() + timedelta(hours=1))
    await store.pause(sleeping.lease, [Entry(key="slept:0:k", kind="slept", data={"key": "k"})], until, redelivery=0)
    assert (await store.backlog()).runs == {"queued": 3, "running": 1, "waiting": 1, "sleeping": 1}
    await finish(store, running)
    assert "running" not in (await store.backlog()).runs


async def test_the_queue_is_as_old_as_its_oldest_run(store: SqlStore) -> None:
    first = await accept(store)
    assert 0 <= await age(store) < HOUR
    await advance(store, HOUR)
    await accept(store)
    assert HOUR <= await age(store) < 2 * HOUR
    await store.sweep(limit=10, redelivery=REDELIVERY)  # sent again, which makes it no younger
    assert HOUR <= await age(store) < 2 * HOUR
    await claim(store, first.run)
    assert 0 < await age(store) < HOUR


async def test_a_run_behind_another_begins_to_wait_when_that_one_ends(store: SqlStore) -> None:
    head = await claimed(store)
    behind = await accept(store, head.run.thread_id)
    await advance(store, HOUR)
    assert await age(store) == 0.0
    await finish(store, head)
    assert (await get(store, behind.run)).wake_at is not None
    assert 0 <= await age(store) < HOUR


async def test_a_run_that_goes_on_waits_since_it_could(store: SqlStore) -> None:
    held = await claimed(store)
    await advance(store, HOUR)
    held = await claim(store, held.run)
    yielded = Entry(key="yielded:2", kind="yielded", data={})
    await store.pause(held.lease, [step(), yielded], Requeue(), redelivery=REDELIVERY)
    assert 0 <= await age(store) < HOUR
    await advance(store, 2 * HOUR)
    assert 2 * HOUR <= await age(store) < 3 * HOUR


async def test_what_a_person_took_long_to_answer_does_not_age_the_queue(store: SqlStore) -> None:
    held = await claimed(store)
    asked = a_question(held.run)
    await ask(store, held, asked)
    await advance(store, HOUR)
    assert await age(store) == 0.0
    await decide(store, asked)
    assert 0 <= await age(store) < HOUR


async def test_what_time_has_woken_has_no_age(store: SqlStore) -> None:
    held = await claimed(store)
    retried = Entry(key="retried:1", kind="retried", data={})
    await store.pause(held.lease, [retried], Requeue(delay=10 * HOUR, failed=True), redelivery=REDELIVERY)
    await advance(store, HOUR)
    assert await age(store) == 0.0  # it is not due
    await advance(store, 10 * HOUR)
    await store.sweep(limit=10, redelivery=REDELIVERY)
    assert (await store.backlog()).runs == {"queued": 1}
    assert await age(store) == 0.0
