"""What the hot verbs cost on PostgreSQL, and its hints between processes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import bindparam, select, text
from sqlalchemy.exc import DBAPIError

from agentcore.errors import Misconfigured
from agentcore.ids import new_id
from agentcore.records import Event, Requeue, Sleep, Thread
from agentcore.store.columns import Json, contains
from agentcore.store.postgres import PostgresStore
from agentcore.store.tables import metadata
from tests.conftest import opened
from tests.contracts.store_kit import (
    KILL_OTHERS,
    LEASE,
    REDELIVERY,
    TENANT,
    a_question,
    a_schedule,
    accept,
    ask,
    claim,
    claimed,
    decide,
    finish,
    step,
    texts,
)
from tests.postgres import Postgres
from tests.statements import Driver, statements, watch
from tests.unit.test_checkpoints import CONTAINED

pytestmark = pytest.mark.anyio


# -- statements


async def test_each_durable_point_of_a_run_is_one_statement(pg: PostgresStore) -> None:
    thread_id = new_id()

    async def one(work: Awaitable[Any]) -> Any:
        with statements(pg) as found:
            result = await work
        assert len(found) == 1, found
        return result

    await one(accept(pg, thread_id))
    await finish(pg, await claim(pg, (await pg.runs(TENANT))[0]), "a", "b")
    run = (await one(accept(pg, thread_id, idempotency_key="k", request_hash="h"))).run
    held = await one(pg.claim(run.id, lease=LEASE, window=10))
    assert texts(held.items) == ["a", "b"]
    await one(pg.append(held.lease, [step(0), step(1)]))
    await one(pg.append(held.lease, [step(2)], renew=LEASE))
    await one(pg.renew(held.lease, LEASE))
    await one(pg.entries(TENANT, run.id))
    await one(pg.pause(held.lease, [step(3)], Requeue(), redelivery=REDELIVERY))
    held = await one(pg.claim(run.id, lease=LEASE, window=10))
    assert await one(finish(pg, held, "c", "d", summary="s", summary_until=1)) == ()
    held = (await one(accept(pg, thread_id, lease=LEASE, window=10))).claim
    assert (texts(held.items), held.summary) == (["a", "b", "c", "d"], "s")
    assert await one(finish(pg, held, "e")) == ()
    await one(pg.sweep(limit=10, redelivery=REDELIVERY))
    await one(pg.run(TENANT, run.id))


async def test_what_the_server_is_told_has_no_begin_and_no_commit(
    postgres: Postgres, postgres_url: str, anyio_backend: str
) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("alter database " + postgres_url.rpartition("/")[2] + " set log_statement = 'all'")
    store = opened(postgres_url, pool_size=1)
    await store.now()
    log = postgres.root / "log"
    start = log.stat().st_size
    held = (await accept(store, lease=LEASE, window=10)).claim
    assert held is not None
    await store.append(held.lease, [step()])
    await finish(store, held, "a")
    told = log.read_bytes()[start:].decode()
    await store.close()
    assert told.count(" LOG:  execute ") + told.count(" LOG:  statement: ") == 3
    assert "BEGIN" not in told
    assert "COMMIT" not in told


async def test_a_transaction_pooler_gets_no_prepared_statements(postgres_url: str, anyio_backend: str) -> None:
    store = opened(postgres_url, prepared_statements=False, pool_size=1)
    for _ in range(10):
        await store.now()
    prepared = await store.database.fetch(text("select count(*) from pg_prepared_statements"), {})
    await store.close()
    assert prepared[0][0] == 0


async def test_no_statement_reads_a_whole_table(pg: PostgresStore) -> None:
    """With tables that are large, each plan goes by an index."""
    async with pg.database.engine.begin() as connection:
        for statement in _FILL.split(";"):
            await connection.execute(text(statement))
    found: list[tuple[str, Any]] = []

    async def executed(driver: Driver, statement: str, parameters: Any) -> None:
        found.append((statement, parameters))

    watch(pg, before=executed)
    await _a_bit_of_everything(pg)
    assert len({statement for statement, _ in found}) > 40
    engine = pg.database.engine
    url = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as planner:
        for statement, parameters in found:
            many = isinstance(parameters, list) and parameters and isinstance(parameters[0], dict)
            for one in parameters if many else [parameters]:
                if statement.lower().startswith(("select", "update", "delete", "insert", "with")):
                    plan = _plan(planner, statement, one)
                    assert not _scans(plan), f"{statement}\n{json.dumps(plan, indent=1)[:3000]}"


async def test_one_value_contains_another_as_on_other_databases(pg: PostgresStore) -> None:
    statement = select(contains(bindparam("whole", type_=Json), bindparam("part", type_=Json)).label("does"))
    for whole, part, does in CONTAINED:
        (row,) = await pg.database.fetch(statement, {"whole": whole, "part": part})
        assert row.does is does, (whole, part)


_FILL = """
insert into thread select gen_random_uuid(), 't' || n % 50, 'a', '{}', 2, null, 0, null, 0, null, null, null, now(),
now(), null, case n % 50 when 0 then now() end from generate_series(1, 20000) n;
insert into run select gen_random_uuid(), tenant, id, 'a', '"x"', id, '1', 'message', 1, 'succeeded', null, null,
'{}', '{}', null, null, true, null, 1, 0, 3, 1, 0, null, '{}', null, now(), now(), now(), 1, 0 from thread;
insert into entry select id, n, tenant, 'k' || n, 'model', '{}', now() from run, generate_series(1, 3) n;
insert into item select id, 0, tenant, null, '{}' from thread;
insert into revision select id, 0, id, tenant, 0, 0, 0, '{}', 'update', now() from thread;
insert into question select gen_random_uuid(), tenant, id, thread_id, 'approval', 'k', 'c', 'a', 't', null, 'h',
'approved', 'reject', null, null, null, null, null, now() from run;
insert into schedule select gen_random_uuid(), tenant, 'a', '"x"', now() + interval '1 day' * n, id, '', '0 0 * * *',
'UTC', 'queue', 'once', true, null, '{}', null, now() from (select row_number() over () n, * from thread) t;
insert into subscription select id, tenant, 'e' || thread_id, '', 'k', now() from run;
insert into idempotency (tenant, key, request_hash, run_id, created_at) select tenant, id::text, '', id, now() from run;
insert into delivery select gen_random_uuid(), tenant, id, 'delivered', 1, 1, null, now(), 200, null, now(), now()
from run;
insert into store_item select tenant, 'a/' || thread_id || '/', 'k', '{}', now(), now() from run;
analyze thread; analyze run; analyze entry; analyze item; analyze question; analyze schedule; analyze subscription;
analyze idempotency; analyze revision; analyze delivery; analyze store_item
"""


async def _a_bit_of_everything(pg: PostgresStore) -> None:
    at = await pg.now()
    await pg.create_thread(Thread(id=new_id(), tenant=TENANT, agent="a"))
    held_one = await claimed(pg, idempotency_key="k", request_hash="h")
    thread_id = held_one.run.thread_id
    await accept(pg, thread_id, idempotency_key="l", request_hash="h")
    await pg.append(held_one.lease, [step()], renew=LEASE)
    question = a_question(held_one.run)
    await ask(pg, held_one, question)
    await decide(pg, question)
    held_one = await claim(pg, held_one.run)
    await pg.expire_questions(held_one.lease)
    await accept(pg, thread_id, multitask="interrupt", explicit=True)
    await finish(pg, held_one, "a", status="cancelled")
    await pg.redrive(TENANT, held_one.run.id, new_id(), redelivery=1)
    sleeper = await claimed(pg)
    await pg.pause(sleeper.lease, [], Sleep(key="k", until=at, event="e", correlation="c", since=at), redelivery=1)
    await pg.signal(Event(tenant=TENANT, name="e", source="s", id="1", correlation="c"), redelivery=1)
    await pg.put_schedule(a_schedule(at), most=5)
    await pg.put_schedule(a_schedule(at, thread_id=thread_id), most=5)
    await pg.ring(limit=10, redelivery=1)
    await pg.sweep(limit=10, redelivery=1)
    await pg.prune(entries_after=0, limit=10)
    await pg.parked(limit=10, window=10)
    await pg.entries(TENANT, sleeper.run.id)
    await pg.items(TENANT, thread_id)
    await pg.states(TENANT, limit=10)
    await pg.runs(TENANT)
    await pg.runs(TENANT, thread_id=thread_id)
    await pg.runs(TENANT, status=["waiting"])
    await pg.questions(TENANT)
    await pg.questions(TENANT, status=None, run_id=sleeper.run.id)
    await pg.questions(TENANT, status=None, thread_id=thread_id)
    await pg.schedules(TENANT)
    await pg.schedules(TENANT, thread_id=thread_id)
    await _threads(pg)
    await _deliveries_and_documents(pg)


async def _threads(pg: PostgresStore) -> None:
    held_one = await claimed(pg, request={"on_completion": "delete"})
    await finish(pg, held_one, "a")
    await pg.purge_deleted(after=0, limit=10)
    held_one = await claimed(pg)
    await finish(pg, held_one, "a")
    thread_id = held_one.run.thread_id
    await pg.state(TENANT, thread_id, items=10)
    await pg.states(TENANT, limit=10, items=10, metadata={"a": 1}, values={"output": 1, "b": 2}, status="idle")
    await pg.runs(TENANT, metadata={"a": 1})
    await pg.runs(TENANT, metadata={"a": 1}, thread_id=thread_id)
    await pg.count_threads(TENANT, most=10)
    await pg.patch_thread(TENANT, thread_id, values={"a": 1})
    await pg.patch_thread(TENANT, thread_id, values={"a": 1}, at=1)
    await pg.checkpoints(TENANT, thread_id, limit=10, before=2)
    copy = await pg.copy_thread(TENANT, thread_id, new_id())
    await pg.delete_run(TENANT, held_one.run.id)
    await pg.delete_thread(TENANT, copy.id)


async def _deliveries_and_documents(pg: PostgresStore) -> None:
    held_one = await claimed(pg, webhook="https://example.com", request={"on_completion": "delete"})
    await finish(pg, held_one, "a")
    run_id = held_one.run.id
    await pg.purge_deleted(after=0, limit=10)
    [taken] = await pg.take_deliveries(limit=10, lease=1)
    await pg.settle_delivery(taken, "failed")
    await pg.redeliver(TENANT, run_id, taken.id)
    [taken] = await pg.take_deliveries(limit=1, lease=1, delivery_id=taken.id)
    await pg.settle_delivery(taken, "pending", wait=9)
    await pg.deliveries(TENANT, run_id)
    await pg.prune(entries_after=0, limit=10)
    one = await pg.put_schedule(a_schedule(await pg.now(), cron="0 9 * * *"), most=50_000)
    await pg.change_schedule(TENANT, one.id, lambda old, _: old)
    await pg.ring_now(TENANT, one.id, new_id(), redelivery=1, version=str, idempotency_key="k")
    await pg.drop_schedules(TENANT, "my.agents", keep=[one.id])
    await pg.put_store_item(TENANT, ["a"], "k", {"x": 1})
    await pg.store_item(TENANT, ["a"], "k")
    await pg.search_store(TENANT, prefix=["a"], limit=10)
    await pg.search_store(TENANT, filter={"x": 1}, limit=10)
    await pg.store_namespaces(TENANT, prefix=["a"], suffix=["a"], max_depth=1, limit=10)
    await pg.delete_store_item(TENANT, ["a"], "k")


def _plan(connection: psycopg.Connection[Any], statement: str, parameters: Any) -> Any:
    cursor = psycopg.RawCursor(connection) if isinstance(parameters, list) else connection.cursor()
    row = cursor.execute("explain (format json) " + statement, parameters).fetchone()
    assert row is not None
    return row[0][0]["Plan"]


def _scans(plan: Any) -> bool:
    here = plan["Node Type"] == "Seq Scan" and plan.get("Relation Name") in metadata.tables
    return here or any(_scans(child) for child in plan.get("Plans", ()))


# -- hints


async def test_a_notification_reaches_those_who_listen(pg: PostgresStore) -> None:
    listening = pg.listen("agentcore_test")
    assert listening is not None
    async with asyncio.timeout(10), listening as payloads:
        await pg.notify("agentcore_other", "x")
        await pg.notify("agentcore_test", "a" * 9000)  # more than fits: dropped, as it is a hint
        await pg.notify("agentcore_test", "run-1")
        async with aclosing(payloads) as open_payloads:  # type: ignore[type-var]
            async for payload in open_payloads:
                assert payload == "run-1"
                break


async def test_listening_says_when_its_connection_is_lost(pg: PostgresStore) -> None:
    listening = pg.listen("agentcore_test")
    assert listening is not None
    async with asyncio.timeout(10), listening as payloads:
        await pg.database.fetch(KILL_OTHERS, {})
        with pytest.raises(psycopg.OperationalError):
            await anext(payloads)


async def test_sqlite_has_nothing_to_listen_to(tmp_path: Path, anyio_backend: str) -> None:
    store = opened(f"sqlite:///{tmp_path}/x.db")
    await store.notify("c", "x")
    assert store.listen("c") is None


# -- a role that may use the tables


async def test_a_role_that_was_granted_the_tables_can_do_all_but_change_them(
    postgres: Postgres, postgres_url: str, anyio_backend: str
) -> None:
    role = f"app:{postgres_url.rpartition('/')[2]}"  # quoted, and no parameter
    owner = opened(postgres_url, database_grant=role)
    for _ in range(2):  # also where the schema is there, and the role
        await owner.migrate()
    await owner.close()
    app = opened(postgres_url.replace("postgres@", f"{role.replace(':', '%3A')}@"))
    assert isinstance(app, PostgresStore)
    await _a_bit_of_everything(app)
    async with asyncio.timeout(10), app.listen("agentcore_test") as payloads:  # type: ignore[union-attr]
        await app.notify("agentcore_test", "x")
        assert await anext(payloads) == "x"
    for statement in ("create table mine (x int)", "drop table run", "alter table run add x int", "truncate run"):
        with pytest.raises(DBAPIError, match=r"permission denied|must be owner"):
            await app.database.fetch(text(statement), {})
    await app.close()


@pytest.mark.parametrize("inherits", [False, True])
async def test_on_rds_the_role_signs_in_by_iam_and_who_migrates_does_not(
    postgres: Postgres, inherits: bool, anyio_backend: str
) -> None:
    """As on RDS, the owner is no superuser; who has the role rds_iam cannot use a password."""
    url = postgres.create_database()
    name = url.rpartition("/")[2]
    with psycopg.connect(postgres.url(name), autocommit=True) as root:
        root.execute(f"create role rds_iam; create role {name}_owner login createrole")
        root.execute(f"grant rds_iam to {name}_owner with admin option, inherit false, set false")
        root.execute(f"alter role {name}_owner set createrole_self_grant = '{'inherit' if inherits else ''}'")
        try:
            root.execute(f"alter database {name} owner to {name}_owner")
            owner = opened(url.replace("postgres@", f"{name}_owner@"), database_grant=f"{name}_app")
            if inherits:
                with pytest.raises(Misconfigured, match="would lose its password"):
                    await owner.migrate()
            else:
                await owner.migrate()
            await owner.close()
            found = root.execute("select 1 from pg_roles where rolname = %s", [f"{name}_app"]).fetchall()
            assert len(found) == (0 if inherits else 1)
        finally:
            root.execute("drop role rds_iam")


async def test_sqlite_has_no_roles(tmp_path: Path, anyio_backend: str) -> None:
    store = opened(f"sqlite:///{tmp_path}/x.db", database_grant="app")
    with pytest.raises(Misconfigured, match="AGENTCORE_DATABASE_GRANT=app: only postgresql://"):
        await store.migrate()
    await store.close()
