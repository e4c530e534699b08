"""What goes wrong in a store that is not careful: many workers at the same rows, at the same time."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import bindparam, delete, select, update

from agentcore.errors import AlreadyDecided, LeaseLost, NotFound
from agentcore.ids import new_id
from agentcore.records import Entry, Event, Requeue, Thread
from agentcore.store import schedules
from agentcore.store.accepting import Terms, place, take_key
from agentcore.store.held import add_items, lock_run, lock_thread, promote
from agentcore.store.sql import SqlStore
from agentcore.store.tables import run as run_table
from agentcore.store.tables import thread as thread_table
from agentcore.testing.travel import advance
from tests.conftest import opened, serializable
from tests.contracts.store_kit import (
    LEASE,
    REDELIVERY,
    TENANT,
    a_question,
    a_run,
    a_schedule,
    accept,
    ask,
    claimed,
    decide,
    finish,
    get,
    keys,
    step,
    texts,
    thread_of,
)
from tests.contracts.test_store_stops import sleep
from tests.postgres import Postgres

pytestmark = pytest.mark.anyio
T = TypeVar("T")
MANY = 10


@pytest.fixture
async def stores(store: SqlStore, database_url: str, database_kind: str) -> AsyncIterator[list[SqlStore]]:
    """Several processes' stores on one database."""
    another = serializable if database_kind == "serializable" else opened
    found: list[SqlStore] = [another(database_url, pool_size=2) for _ in range(MANY)]
    yield found
    for each in found:
        await each.close()


async def at_once(*work: Awaitable[T]) -> list[T]:
    return await asyncio.gather(*work)


async def blocked(store: SqlStore, held: asyncio.Event, release: asyncio.Event, work: Any) -> None:
    """A transaction that has done its work, and commits when told."""

    async def transaction(tx: Any) -> None:
        await work(tx)
        held.set()
        await release.wait()

    await store.database.transaction(transaction)


async def while_open(store: SqlStore, work: Any, other: Awaitable[T]) -> T:
    """The outcome of `other`, which starts while a transaction that did `work` is open."""
    held, release = asyncio.Event(), asyncio.Event()
    first = asyncio.create_task(blocked(store, held, release, work))
    await asyncio.wait([first, waiting := asyncio.create_task(held.wait())], return_when=asyncio.FIRST_COMPLETED)
    if not waiting.done():
        waiting.cancel()
        await first  # raises: its work failed
    second = asyncio.ensure_future(other)
    await asyncio.sleep(0.2)
    release.set()
    await first
    return await second


async def test_of_many_claimers_one_wins(store: SqlStore, stores: list[SqlStore]) -> None:
    for _ in range(5):
        run = (await accept(store)).run
        found = await at_once(*(each.claim(run.id, lease=LEASE, window=1) for each in stores))
        assert sum(claim is not None for claim in found) == 1
        await advance(store, LEASE + 1)
        found = await at_once(*(each.claim(run.id, lease=LEASE, window=1) for each in stores))
        assert [claim.run.fence for claim in found if claim] == [2]


async def test_a_claim_reads_the_journal_that_a_late_worker_committed_meanwhile(
    store: SqlStore, stores: list[SqlStore]
) -> None:
    held = await claimed(store)
    await advance(store, LEASE + 1)

    async def late(tx: Any) -> None:
        mine = await lock_run(tx, held.run.id)
        assert mine is not None
        await mine.write([step(0), Entry(key="yielded:1", kind="yielded", data={})])
        await mine.due(-1.0)

    found = await while_open(store, late, stores[0].claim(held.run.id, lease=LEASE, window=1))
    assert found is not None
    assert [e.key for e in found.entries] == ["accepted", "model:0", "yielded:1"]
    assert found.run.last_seq == 3


async def test_a_thread_that_is_deleted_meanwhile_is_not_begun_again_by_a_run_that_must_find_it(
    store: SqlStore, stores: list[SqlStore]
) -> None:
    thread, _ = await store.create_thread(Thread(id=new_id(), tenant=TENANT, agent="support"))

    async def deletes(tx: Any) -> None:
        await tx.run(
            delete(thread_table).where(thread_table.c.id == bindparam("the_thread")), {"the_thread": thread.id}
        )

    with pytest.raises(NotFound):
        await while_open(store, deletes, accept(stores[0], thread.id, creates=False))
    assert (await accept(store, thread.id)).run.position == 1


async def test_a_worker_that_lost_its_lease_writes_nothing(store: SqlStore, stores: list[SqlStore]) -> None:
    for _ in range(5):
        zombie = await claimed(store)
        await advance(store, LEASE + 1)
        results: Any = await asyncio.gather(
            stores[0].claim(zombie.run.id, lease=LEASE, window=1),
            stores[1].append(zombie.lease, [step(0)]),
            stores[2].append(zombie.lease, [step(1)]),
            finish(stores[3], zombie, "zombie"),
            return_exceptions=True,
        )
        assert all(not isinstance(r, Exception) or isinstance(r, LeaseLost) for r in results)
        run, entries = await store.entries(TENANT, zombie.run.id)
        taken = results[0]
        if taken is None:  # the zombie was quicker than the claim: then it was still the owner
            assert run.status == "succeeded"
        else:
            assert run.fence == 2
            assert run.status == "running"
            assert tuple(entries) == taken.entries
        assert [e.seq for e in entries] == list(range(1, len(entries) + 1))


async def test_a_finish_sees_the_successor_that_is_accepted_at_the_same_time(
    store: SqlStore, stores: list[SqlStore]
) -> None:
    held = await claimed(store)
    other = replace(a_run(held.run.thread_id), root_id=held.run.id)

    async def accepting(tx: Any) -> None:
        await place(tx, other, Terms(redelivery=REDELIVERY))

    assert await while_open(store, accepting, finish(stores[0], held)) == (other.id,)


async def test_a_finish_sees_the_schedule_that_is_put_on_its_thread_at_the_same_time(
    store: SqlStore, stores: list[SqlStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    held = await claimed(store, request={"on_completion": "delete"})
    clock = a_schedule(await store.now() + timedelta(hours=1), thread_id=held.run.thread_id)
    locked, release = asyncio.Event(), asyncio.Event()

    async def slowly(*_: Any) -> None:
        locked.set()
        await release.wait()

    monkeypatch.setattr(schedules, "_check_limit", slowly)  # what comes between the thread's lock and the insert
    putting = asyncio.create_task(store.put_schedule(clock, most=9))
    await locked.wait()
    finishing = asyncio.create_task(finish(stores[0], held, "a"))
    await asyncio.sleep(0.3)
    release.set()
    await putting
    await finishing
    assert texts((await store.state(TENANT, held.run.thread_id, items=9)).items) == ["a"]


async def test_finishing_and_accepting_never_strand_a_run(store: SqlStore, stores: list[SqlStore]) -> None:
    async def accepter(each: SqlStore, thread_id: str) -> tuple[str, ...]:
        await asyncio.sleep(random.random() / 100)
        return (await accept(each, thread_id)).send

    for _ in range(10):
        held = await claimed(store)
        sent = await at_once(
            finish(stores[0], held, "a"), *(accepter(each, held.run.thread_id) for each in stores[1:4])
        )
        thread = await thread_of(store, held.run)
        assert [run_id for ids in sent for run_id in ids] == [thread.head_id]
        head = await store.run(TENANT, thread.head_id or "")
        assert head.wake_at is not None
        assert head.history_end == 1
        assert head.position == 2


async def test_an_idle_thread_is_taken_by_one_of_many(store: SqlStore, stores: list[SqlStore]) -> None:
    for _ in range(5):
        thread_id = new_id()
        found = await at_once(*(accept(each, thread_id, lease=LEASE) for each in stores))
        assert sum(accepted.claim is not None for accepted in found) == 1
        assert sorted(accepted.run.position for accepted in found) == list(range(1, MANY + 1))


async def test_accepting_beside_a_finish_gives_a_claim_with_the_whole_history(
    store: SqlStore, stores: list[SqlStore]
) -> None:
    held = await claimed(store)

    async def finishing(tx: Any) -> None:
        thread = await lock_thread(tx, held.run.thread_id)
        mine = await lock_run(tx, held.run.id)
        assert thread is not None
        assert mine is not None
        await add_items(tx, mine, [{"role": "user", "content": "late"}], start=0)
        await mine.end(status="succeeded")
        await promote(tx, thread, 1, item_count=1, redelivery=1)

    accepted = await while_open(store, finishing, accept(stores[0], held.run.thread_id, lease=LEASE, window=5))
    assert accepted.claim is not None
    assert texts(accepted.claim.items) == ["late"]


async def test_a_sleep_never_misses_a_message(store: SqlStore, stores: list[SqlStore]) -> None:
    for _ in range(10):
        held = await claimed(store)
        sent: Any = await asyncio.gather(sleep(stores[0], held), accept(stores[1], held.run.thread_id))
        assert [*sent[0], *sent[1].send] == [held.run.id]
        assert (await get(store, held.run)).status == "queued"
        assert "woke:tool:0/c1" in await keys(store, held.run)


async def test_a_sleep_never_misses_the_event_it_is_for(store: SqlStore, stores: list[SqlStore]) -> None:
    for n in range(10):
        held, called = await claimed(store), await store.now()
        event = Event(tenant=TENANT, name=f"paid {n}", source="shop", id=str(n))

        async def signal(each: SqlStore, event: Event = event) -> tuple[str, ...]:
            await asyncio.sleep(random.random() / 100)
            return (await each.signal(event, redelivery=REDELIVERY))[1]

        sent: Any = await asyncio.gather(sleep(stores[0], held, event=event.name, since=called), signal(stores[1]))
        assert [run_id for ids in sent for run_id in ids] == [held.run.id]
        assert (await get(store, held.run)).status == "queued"


# Not where transactions are serializable: there a signal that read who waits is tried again.
@pytest.mark.parametrize("database_kind", ["sqlite", "postgresql"], indirect=True)
async def test_a_sleep_waits_for_an_event_whose_transaction_is_open(store: SqlStore, stores: list[SqlStore]) -> None:
    held, called = await claimed(store), await store.now()

    async def signalling(tx: Any) -> None:
        await store._meet(tx, "paid", waits=False)
        assert await take_key(tx, TENANT, "event:x", name="paid", correlation="", data=7)

    slept = sleep(stores[0], held, event="paid", since=called)
    assert await while_open(store, signalling, slept) == (held.run.id,)


@pytest.mark.parametrize("count", [2, 8])
async def test_whoever_decides_last_wakes_the_run(store: SqlStore, stores: list[SqlStore], count: int) -> None:
    for _ in range(5):
        held = await claimed(store)
        questions = [a_question(held.run) for _ in range(count)]
        await ask(store, held, *questions)
        sent = await at_once(*(decide(each, q) for each, q in zip(stores, questions, strict=False)))
        assert [run_id for ids in sent for run_id in ids] == [held.run.id]
        run = await get(store, held.run)
        assert (run.status, run.last_seq) == ("queued", 2 + count)


async def test_a_question_is_decided_once(store: SqlStore, stores: list[SqlStore]) -> None:
    held = await claimed(store)
    question = a_question(held.run)
    await ask(store, held, question)
    results: list[Any] = await asyncio.gather(
        *(decide(each, question, random.choice(["approve", "reject"])) for each in stores), return_exceptions=True
    )
    assert Counter(type(r) for r in results) == {tuple: 1, AlreadyDecided: MANY - 1}
    assert len(await keys(store, held.run)) == 3


async def test_interrupting_and_finishing_do_not_lock_each_other_out(store: SqlStore, stores: list[SqlStore]) -> None:
    for _ in range(10):
        held = await claimed(store)
        thread_id = held.run.thread_id
        await accept(store, thread_id)
        async with asyncio.timeout(20):
            await at_once(
                finish(stores[0], held),
                accept(stores[1], thread_id, multitask="interrupt", explicit=True),
                accept(stores[2], thread_id, multitask="interrupt", explicit=True),
                store.cancel(TENANT, held.run.id, "interrupt", redelivery=1),
            )
        thread = await thread_of(store, held.run)
        runs = await store.runs(TENANT, thread_id=thread_id)
        unfinished = sorted((r for r in runs if not r.terminal), key=lambda r: r.position)
        assert unfinished[0].id == thread.head_id
        assert [run.wake_at is not None for run in unfinished] == [True] + [False] * (len(unfinished) - 1)


async def test_a_due_run_is_swept_once_by_many_tickers(store: SqlStore, stores: list[SqlStore]) -> None:
    runs = [(await accept(store)).run.id for _ in range(40)]
    await advance(store, REDELIVERY + 1)

    async def ticker(each: SqlStore) -> list[str]:
        found: list[str] = []
        while ids := await each.sweep(limit=5, redelivery=REDELIVERY):
            found += ids
        return found

    found = await at_once(*(ticker(each) for each in stores))
    assert sorted(run_id for ids in found for run_id in ids) == sorted(runs)


async def test_a_sweep_that_waited_for_another_takes_nothing_twice(store: SqlStore, stores: list[SqlStore]) -> None:
    run = (await accept(store)).run
    await advance(store, REDELIVERY + 1)
    later = update(run_table).where(run_table.c.id == bindparam("the_run")).values(wake_at=await store.now())

    async def moved(tx: Any) -> None:
        await tx.run(later, {"the_run": run.id})
        mine = await lock_run(tx, run.id)
        assert mine is not None
        await mine.due(REDELIVERY)

    stores[0].skip_locked = False  # as on CockroachDB
    assert await while_open(store, moved, stores[0].sweep(limit=9, redelivery=1)) == ()


async def test_of_many_ringers_one_starts_the_run(store: SqlStore, stores: list[SqlStore]) -> None:
    due = await store.now()
    for _ in range(8):
        await store.put_schedule(a_schedule(due, cron="0 9 * * *"), most=99)
    rang = await at_once(*(each.ring(limit=20, redelivery=REDELIVERY) for each in stores))
    assert sum(count for count, _ in rang) == 8
    sent = [run_id for _, ids in rang for run_id in ids]
    assert len(sent) == len(set(sent)) == len(await store.runs(TENANT)) == 8


async def test_one_request_that_comes_many_times_at_once_is_one_run(store: SqlStore, stores: list[SqlStore]) -> None:
    for n in range(5):
        found = await at_once(
            *(accept(each, idempotency_key=f"k{n}", request_hash="h", lease=LEASE) for each in stores)
        )
        assert len({accepted.run.id for accepted in found}) == 1
        assert sum(accepted.created for accepted in found) == 1
        assert sum(accepted.claim is not None for accepted in found) == 1
    assert len(await store.runs(TENANT)) == len(await store.states(TENANT, limit=99)) == 5


async def test_one_request_to_a_busy_thread_at_once_is_one_run(store: SqlStore, stores: list[SqlStore]) -> None:
    thread_id = (await accept(store)).run.thread_id
    found = await at_once(*(accept(each, thread_id, idempotency_key="k", request_hash="h") for each in stores))
    assert len({accepted.run.id for accepted in found}) == 1
    assert (await store.thread(TENANT, thread_id)).next_position == 3


async def test_an_event_that_comes_many_times_at_once_wakes_once(store: SqlStore, stores: list[SqlStore]) -> None:
    held = await claimed(store)
    await sleep(store, held, event="paid")
    event = Event(tenant=TENANT, name="paid", source="shop", id="1")
    found = await at_once(*(each.signal(event, redelivery=REDELIVERY) for each in stores))
    assert sorted(found) == [(False, ())] * (MANY - 1) + [(True, (held.run.id,))]


async def test_appends_of_one_lease_from_two_tasks_lose_nothing(store: SqlStore, stores: list[SqlStore]) -> None:
    held = await claimed(store)
    await at_once(*(each.append(held.lease, [step(n), step(100 + n)]) for n, each in enumerate(stores)))
    run, entries = await store.entries(TENANT, held.run.id)
    assert [e.seq for e in entries] == list(range(1, 2 + 2 * MANY))
    assert run.last_seq == 1 + 2 * MANY


async def test_migrating_from_many_places_at_once_is_safe(postgres: Postgres, tmp_path: Path) -> None:
    for url in (postgres.create_database(), f"sqlite:///{tmp_path}/fresh.db"):
        many = [opened(url, pool_size=2) for _ in range(4)]
        await at_once(*(each.migrate() for each in many))
        assert (await accept(many[0])).created
        for each in many:
            await each.close()


async def test_a_fleet_finishes_every_run_once_in_its_threads_order(store: SqlStore, stores: list[SqlStore]) -> None:
    """Everything at once: workers that die, repeat and come late; every run ends once, and in order."""
    threads = [new_id() for _ in range(4)]
    queue: asyncio.Queue[str] = asyncio.Queue()
    ended: list[str] = []
    wanted = 40
    chance = random.Random(7)

    async def client(each: SqlStore, n: int) -> None:
        for m in range(wanted // 4):
            accepted = await accept(each, threads[(n + m) % 4])
            for run_id in (*accepted.send, *accepted.send):  # a message comes twice
                queue.put_nowait(run_id)

    async def worker(each: SqlStore) -> None:
        while len(ended) < wanted:
            try:
                run_id = await asyncio.wait_for(queue.get(), 0.05)
            except TimeoutError:
                continue
            with suppress(LeaseLost):
                await work(each, run_id)

    async def work(each: SqlStore, run_id: str) -> None:
        held = await each.claim(run_id, lease=LEASE, window=100)
        if held is None:
            return
        await each.append(held.lease, [step(len(held.entries))])
        fate = chance.random()
        if fate < 0.2:
            return  # dies: the ticker finds it
        if fate < 0.4:
            sent = await each.pause(held.lease, [], Requeue(), redelivery=REDELIVERY)
        else:
            sent = await finish(each, held, f"{held.run.position}")
            ended.append(run_id)
        for other in sent:
            if chance.random() < 0.9:  # else the message is lost
                queue.put_nowait(other)

    async def ticker() -> None:
        while len(ended) < wanted:
            await asyncio.sleep(0.1)
            await advance(store, REDELIVERY)
            for run_id in await store.sweep(limit=100, redelivery=REDELIVERY):
                queue.put_nowait(run_id)

    async with asyncio.timeout(100):
        await at_once(*(client(stores[n], n) for n in range(4)), *(worker(each) for each in stores[4:8]), ticker())
    assert Counter(Counter(ended).values()) == {1: wanted}
    for thread_id in threads:
        assert texts(await store.items(TENANT, thread_id)) == [str(n) for n in range(1, wanted // 4 + 1)]
        assert (await store.thread(TENANT, thread_id)).head_id is None
    left = await store.database.fetch(select(run_table.c.id).where(run_table.c.status != "succeeded"), {})
    assert left == []
