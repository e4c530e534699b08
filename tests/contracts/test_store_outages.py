"""What becomes of verbs whose connection is lost."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, Float, bindparam, event, func, select, text
from sqlalchemy.exc import DBAPIError

from agentcore.errors import LeaseLost, Unavailable
from agentcore.ids import new_id
from agentcore.records import Finish, Requeue, Wait
from agentcore.store.postgres import PostgresStore
from agentcore.store.sql import SqlStore
from agentcore.testing.travel import advance
from tests.conftest import opened
from tests.contracts.store_kit import (
    KILL_OTHERS,
    LEASE,
    REDELIVERY,
    TENANT,
    a_question,
    a_run,
    accept,
    ask,
    claim,
    claimed,
    decide,
    finish,
    get,
    keys,
    message,
    step,
    texts,
)
from tests.postgres import Postgres
from tests.statements import Driver, watch

pytestmark = pytest.mark.anyio


async def test_dead_connections_of_a_frozen_process_are_replaced_unseen(pg: PostgresStore, postgres_url: str) -> None:
    run = (await accept(pg)).run
    killer = opened(postgres_url, pool_size=1)
    works: list[Callable[[], Awaitable[Any]]] = [
        lambda: pg.now(),
        lambda: pg.run(TENANT, run.id),
        lambda: pg.claim(run.id, lease=LEASE, window=1),
        lambda: accept(pg, idempotency_key="k", request_hash="h"),
        lambda: accept(pg, run.thread_id, multitask="interrupt"),
    ]
    for work in works:
        await asyncio.gather(*(pg.database.fetch(text("select pg_sleep(0.05)"), {}) for _ in range(4)))
        await killer.database.fetch(KILL_OTHERS, {})
        assert await work()
    await killer.close()


PID = select(func.pg_backend_pid().label("pid"))
SLEPT = select(func.pg_backend_pid().label("pid"), func.pg_sleep(bindparam("seconds", type_=Float)).label("slept"))
OURS = text("select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()")


async def test_a_connection_in_use_is_not_left_open_when_another_one_is_lost(
    pg: PostgresStore, postgres_url: str
) -> None:
    other = opened(postgres_url, pool_size=1)
    await asyncio.gather(*(pg.database.fetch(SLEPT, {"seconds": 0.05}) for _ in range(2)))
    slow = asyncio.create_task(pg.database.fetch(SLEPT, {"seconds": 0.6}))
    await asyncio.sleep(0.1)
    [idle] = await pg.database.fetch(PID, {})
    await other.database.fetch(text(f"select pg_terminate_backend({idle.pid})"), {})
    [fresh] = await pg.database.fetch(PID, {})
    assert fresh.pid != idle.pid
    await slow
    await asyncio.gather(*(pg.database.fetch(SLEPT, {"seconds": 0.05}) for _ in range(2)))
    [found] = await other.database.fetch(OURS, {})
    assert found[0] == 2
    await other.close()


async def test_a_connection_survives_what_had_nothing_to_do_with_it(pg: PostgresStore) -> None:
    [before] = await pg.database.fetch(PID, {})
    with pytest.raises(TypeError):
        await step_with(pg, object())
    slow = asyncio.create_task(pg.database.fetch(SLEPT, {"seconds": 9}))
    await asyncio.sleep(0.1)
    slow.cancel()
    with pytest.raises(asyncio.CancelledError):
        await slow
    [after] = await pg.database.fetch(PID, {})
    assert after.pid == before.pid


async def step_with(store: PostgresStore, data: Any) -> None:
    held_one = await claimed(store)
    await store.append(held_one.lease, [replace(step(0), data=data)])


class Lossy:
    """Loses the answer to the statements that come: they are committed, and the client sees a dead connection."""

    def __init__(self, store: PostgresStore) -> None:
        self.engine = store.database.engine.sync_engine
        self.left = 0
        watch(store, after=self._executed)
        event.listen(self.engine, "commit", self._committed)

    def lose(self, times: int = 1) -> None:
        self.left = times

    async def _executed(self, driver: Driver, *rest: Any) -> None:
        if self.left and driver.autocommit:
            self.left -= 1
            await driver.close()
            raise psycopg.OperationalError("the connection is lost")

    def _committed(self, connection: Connection) -> None:
        if self.left and not connection.connection.dbapi_connection.autocommit:  # type: ignore[union-attr]
            connection.connection.dbapi_connection.commit()  # type: ignore[union-attr]
            self.left -= 1
            lost = psycopg.OperationalError("the connection is lost")
            raise DBAPIError.instance(
                "", {}, lost, psycopg.Error, connection_invalidated=True, dialect=self.engine.dialect
            )


async def test_a_commit_whose_answer_is_lost_is_found_again(pg: PostgresStore) -> None:
    lossy = Lossy(pg)
    wanted = a_run()
    lossy.lose()
    accepted = await pg.accept(wanted, redelivery=REDELIVERY, lease=LEASE, window=1)
    assert accepted.created
    assert accepted.claim is not None
    held_one = accepted.claim
    lossy.lose()
    assert (await pg.append(held_one.lease, [step(0)])).last_seq == 2
    lossy.lose()
    assert await pg.pause(held_one.lease, [step(1)], Requeue(), redelivery=1) == (wanted.id,)
    held_one = await claim(pg, wanted)
    lossy.lose()
    question = a_question(held_one.run)
    assert await ask(pg, held_one, question) == ()
    lossy.lose()
    await decide(pg, question)
    held_one = await claim(pg, wanted)
    second = (await accept(pg, wanted.thread_id)).run
    lossy.lose()
    assert await finish(pg, held_one, "a") == (second.id,)
    held_one = await claim(pg, second)
    lossy.lose()
    assert await finish(pg, held_one, "b") == ()
    assert texts(await pg.items(TENANT, wanted.thread_id)) == ["a", "b"]
    assert [r.status for r in await pg.runs(TENANT)] == ["succeeded", "succeeded"]
    assert lossy.left == 0


async def test_a_claim_or_sweep_whose_answer_is_lost_comes_again_when_its_time_has_passed(pg: PostgresStore) -> None:
    """Nobody knows who holds it then: it costs a lease or a redelivery, and nothing else."""
    lossy, wanted = Lossy(pg), a_run()
    await pg.accept(wanted, redelivery=REDELIVERY)
    lossy.lose()
    assert await pg.claim(wanted.id, lease=LEASE, window=1) is None
    await advance(pg, LEASE + 1)
    lossy.lose()
    assert await pg.sweep(limit=9, redelivery=REDELIVERY) == ()
    assert await pg.sweep(limit=9, redelivery=REDELIVERY) == ()
    await advance(pg, REDELIVERY + 1)
    assert await pg.sweep(limit=9, redelivery=REDELIVERY) == (wanted.id,)
    assert (await finish(pg, await claim(pg, wanted)), lossy.left) == ((), 0)


async def test_a_worker_that_comes_again_to_let_go_of_a_run_hears_the_same(store: SqlStore) -> None:
    """As when the database went away before it could say that it had committed, and is back."""
    held_one = await claimed(store)
    again: dict[str, Any] = {"redelivery": REDELIVERY, "repeat": True}
    sent = await store.pause(held_one.lease, [step(0)], Requeue(), redelivery=REDELIVERY)
    assert await store.pause(held_one.lease, [step(0)], Requeue(), **again) == sent == (held_one.run.id,)
    held_one = await claim(store, held_one.run)
    later = Requeue(delay=60.0)
    assert await store.pause(held_one.lease, [], later, redelivery=REDELIVERY) == ()
    assert await store.pause(held_one.lease, [], later, **again) == ()  # sent now, it would be tried before its time
    held_one = await claim(store, held_one.run)
    question = Wait(questions=(a_question(held_one.run),))
    assert await store.pause(held_one.lease, [step(1)], question, **again) == ()  # nothing was done before
    assert await store.pause(held_one.lease, [step(1)], question, **again) == ()
    [asked] = await store.questions(TENANT)
    await decide(store, asked)
    held_one = await claim(store, held_one.run)
    second = (await accept(store, held_one.run.thread_id)).run
    end = Finish(status="succeeded", output="done", items=[message("a")])
    ack, sent = await store.finish(held_one.lease, [step(2)], end, redelivery=REDELIVERY)
    assert await store.finish(held_one.lease, [step(2)], end, **again) == (ack, sent) == (ack, (second.id,))
    last = await claim(store, second)
    # Somebody works on the next one by now.
    assert await store.finish(held_one.lease, [step(2)], end, **again) == (ack, ())
    alone, sent = await store.finish(last.lease, [], end, **again)
    assert (await store.finish(last.lease, [], end, **again), sent) == ((alone, ()), ())
    assert texts(await store.items(TENANT, second.thread_id)) == ["a", "a"]
    with pytest.raises(LeaseLost):
        await store.finish(last.lease, [], end, redelivery=REDELIVERY)


# -- a database that is busy or away says so, and a caller can come again


async def test_conflicts_without_end_make_the_store_unavailable(
    pg: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object) -> None:
        raise psycopg.errors.SerializationFailure("restart transaction")

    monkeypatch.setattr("agentcore.store.database.PATIENCE", 0.2)
    watch(pg, before=fails)
    for work in (accept(pg), pg.now(), pg.thread(TENANT, new_id())):
        with pytest.raises(Unavailable):
            await work


async def test_more_conflicts_than_one_can_count_are_outlasted(pg: PostgresStore) -> None:
    left = 20

    async def fails(*_: object) -> None:
        nonlocal left
        left -= 1
        if left >= 0:
            raise psycopg.errors.SerializationFailure("restart transaction")

    watch(pg, before=fails)
    assert await pg.now()


async def test_a_pool_without_a_free_connection_makes_the_store_unavailable(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agentcore.store.engines.PATIENCE", 0.1)
    few = opened(postgres_url, pool_size=1)
    async with few.database.engine.connect():
        for work in (accept(few), few.now()):
            with pytest.raises(Unavailable):
                await work
    assert await few.now()
    await few.close()


async def test_a_server_that_is_not_there_makes_the_store_unavailable(anyio_backend: str) -> None:
    store = opened("postgresql://nobody@127.0.0.1:1/nothing")
    for work in (accept(store), store.now()):
        with pytest.raises(Unavailable):
            await work


async def test_a_server_that_restarts_loses_nothing_that_was_accepted(anyio_backend: str) -> None:
    server = Postgres(fsync="on", synchronous_commit="on", full_page_writes="on")
    try:
        server.start()
        store = opened(server.create_database())
        await store.migrate()
        held_one = await claimed(store)
        await store.append(held_one.lease, [step(0)])
        server.stop(signal.SIGQUIT)  # at once, without a checkpoint
        server.start()
        assert (await store.append(held_one.lease, [step(1)])).last_seq == 3
        assert await keys(store, held_one.run) == ["accepted", "model:0", "model:1"]
        assert await finish(store, held_one, "a") == ()
        assert (await get(store, held_one.run)).status == "succeeded"
        await store.close()
    finally:
        server.remove()


async def test_work_that_is_cancelled_leaves_no_connection_behind(store: SqlStore, database_url: str) -> None:
    few = opened(database_url, pool_size=2)
    run = (await accept(few)).run
    for n in range(30):
        works = [
            asyncio.ensure_future(accept(few, run.thread_id)),
            asyncio.ensure_future(few.cancel(TENANT, run.id, "interrupt", redelivery=1)),
            asyncio.ensure_future(few.entries(TENANT, run.id)),
            asyncio.ensure_future(few.now()),
        ]
        await asyncio.sleep(n / 10_000)
        for work in works:
            work.cancel()
        await asyncio.gather(*works, return_exceptions=True)
    async with asyncio.timeout(10):
        await asyncio.gather(*(few.now() for _ in range(4)), *(accept(few) for _ in range(4)))
        thread = await few.thread(TENANT, run.thread_id)
        runs = await few.runs(TENANT, thread_id=run.thread_id, limit=100)
    await few.close()
    assert thread.next_position == len(runs) + 1  # nothing was done by halves
