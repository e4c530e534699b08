"""What is another tenant's does not exist: no verb finds, lists or changes it."""

from __future__ import annotations

from collections.abc import Awaitable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from agentcore.errors import NotFound
from agentcore.ids import new_id
from agentcore.records import Event, Wait
from agentcore.store.sql import SqlStore
from tests.contracts.store_kit import (
    REDELIVERY,
    TENANT,
    a_question,
    a_run,
    a_schedule,
    accept,
    ask,
    claim,
    claimed,
    decide,
    finish,
    get,
    keys,
)
from tests.contracts.test_store_stops import sleep

pytestmark = pytest.mark.anyio
OTHER = "other"


async def not_found(*work: Awaitable[Any]) -> None:
    """Each of them, even where one before it was answered."""
    answered = []
    for number, each in enumerate(work):
        with suppress(NotFound):
            answered.append((number, await each))
    assert answered == []


async def test_a_run_is_not_found(store: SqlStore) -> None:
    held = await claimed(store)
    mine = held.run.id
    await not_found(
        store.run(OTHER, mine),
        store.entries(OTHER, mine),
        store.cancel(OTHER, mine, "interrupt", redelivery=REDELIVERY),
    )
    assert await get(store, held.run) == held.run
    await finish(store, held, status="failed")
    await not_found(store.redrive(OTHER, mine, new_id(), redelivery=REDELIVERY))
    assert len(await store.runs(TENANT)) == 1


async def test_a_question_is_not_found(store: SqlStore) -> None:
    held = await claimed(store)
    mine = a_question(held.run)
    await ask(store, held, mine)
    told: dict[str, Any] = {"arguments_hash": None, "by": "eve", "note": None, "result": None, "redelivery": REDELIVERY}
    await not_found(store.question(OTHER, mine.id), store.decide(OTHER, mine.id, "approve", **told))
    assert ((await store.question(TENANT, mine.id)).status, (await get(store, held.run)).status) == (
        "pending",
        "waiting",
    )
    assert await decide(store, mine) == (held.run.id,)


async def test_a_thread_is_not_found(store: SqlStore) -> None:
    held = await claimed(store)
    await finish(store, held, "secret")
    mine = held.run.thread_id
    await not_found(
        store.thread(OTHER, mine),
        store.items(OTHER, mine),
        store.items(OTHER, mine, start=0, end=1),
        store.accept(a_run(mine, tenant=OTHER), redelivery=REDELIVERY),
        store.accept(a_run(mine, tenant=OTHER), redelivery=REDELIVERY, lease=30, window=9),
        store.accept(a_run(mine, tenant=OTHER), redelivery=REDELIVERY, idempotency_key="k"),
    )
    assert await store.runs(OTHER) == []
    busy = (await accept(store, mine)).run
    await not_found(
        *(
            store.accept(a_run(mine, tenant=OTHER), redelivery=REDELIVERY, multitask=each, explicit=True)
            for each in ("enqueue", "reject", "interrupt", "rollback")
        )
    )
    assert await get(store, busy) == busy
    assert (await store.thread(TENANT, mine)).next_position == 3


async def test_an_event_wakes_nobody(store: SqlStore) -> None:
    held = await claimed(store)
    await sleep(store, held, event="paid")
    event: dict[str, Any] = {"name": "paid", "source": "shop", "id": "1"}
    assert await store.signal(Event(tenant=OTHER, **event), redelivery=REDELIVERY) == (True, ())
    assert (await get(store, held.run)).status == "sleeping"
    assert await store.signal(Event(tenant=TENANT, **event), redelivery=REDELIVERY) == (True, (held.run.id,))


async def test_an_idempotency_key_is_one_for_each(store: SqlStore) -> None:
    first = await accept(store, idempotency_key="k", request_hash="h")
    second = await accept(store, idempotency_key="k", request_hash="h", tenant=OTHER)
    third = await accept(store, idempotency_key="k", request_hash="different", tenant="third")
    assert (second.created, third.created) == (True, True)
    assert len({first.run.id, second.run.id, third.run.id}) == 3


async def test_a_schedule_is_not_found(store: SqlStore) -> None:
    mine = await store.put_schedule(a_schedule(await store.now() + timedelta(hours=1)), most=9)
    await not_found(
        store.schedule(OTHER, mine.id),
        store.delete_schedule(OTHER, mine.id),
        store.change_schedule(OTHER, mine.id, lambda old, _: old),
        store.ring_now(OTHER, mine.id, new_id(), redelivery=REDELIVERY, version=str),
    )
    assert await store.schedule(TENANT, mine.id) == mine


async def test_a_delivery_is_not_found(store: SqlStore) -> None:
    held = await claimed(store, webhook="https://example.com")
    await finish(store, held)
    [mine] = await store.deliveries(TENANT, held.run.id)
    await not_found(store.redeliver(OTHER, held.run.id, mine.id))
    assert await store.deliveries(OTHER, held.run.id) == []
    assert await store.deliveries(TENANT, held.run.id) == [mine]


async def test_an_item_of_the_store_is_not_found(store: SqlStore) -> None:
    await store.put_store_item(TENANT, ["a"], "k", {"mine": True})
    await not_found(store.store_item(OTHER, ["a"], "k"), store.delete_store_item(OTHER, ["a"], "k"))
    assert await store.search_store(OTHER, limit=9) == await store.search_store(OTHER, prefix=["a"], limit=9) == []
    assert await store.search_store(OTHER, filter={"mine": True}, limit=9) == []
    assert await store.store_namespaces(OTHER, limit=9) == []
    assert await store.store_namespaces(OTHER, prefix=["a"], suffix=["a"], max_depth=1, limit=9) == []
    await store.put_store_item(OTHER, ["a"], "k", {"mine": False})
    assert (await store.store_item(TENANT, ["a"], "k")).value == {"mine": True}


async def test_lists_have_nothing_of_others(store: SqlStore) -> None:
    held = await claimed(store)
    thread_id = held.run.thread_id
    await store.put_schedule(a_schedule(await store.now() + timedelta(hours=1), thread_id=thread_id), most=9)
    await ask(store, held, a_question(held.run))

    async def found(tenant: str) -> list[int]:
        lists = (
            await store.runs(tenant),
            await store.runs(tenant, thread_id=thread_id, agent=held.run.agent, status=["waiting"]),
            await store.states(tenant, limit=9),
            await store.questions(tenant),
            await store.questions(tenant, status=None, run_id=held.run.id, thread_id=thread_id),
            await store.schedules(tenant),
            await store.schedules(tenant, thread_id=thread_id),
        )
        return [len(each) for each in lists]

    assert (await found(TENANT), await found(OTHER)) == ([1] * 7, [0] * 7)


async def test_what_a_run_writes_is_its_tenants(store: SqlStore) -> None:
    held = await claimed(store, tenant=OTHER)
    await finish(store, held, "mine")
    again = await claim(store, (await accept(store, held.run.thread_id, tenant=OTHER)).run)
    await store.pause(again.lease, [], Wait(questions=[a_question(again.run)]), redelivery=REDELIVERY)
    assert [item.data["content"] for item in await store.items(OTHER, held.run.thread_id)] == ["mine"]
    assert len(await store.questions(OTHER)) == 1
    with pytest.raises(NotFound):
        await keys(store, held.run)
