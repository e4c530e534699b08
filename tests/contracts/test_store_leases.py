"""A lease ends when its worker lets go of the run, not only when another takes it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from agentcore.errors import LeaseLost
from agentcore.records import Finish, Requeue, Sleep, Wait
from agentcore.store.sql import SqlStore
from agentcore.testing.travel import advance
from tests.contracts.store_kit import (
    LEASE,
    REDELIVERY,
    TENANT,
    a_question,
    claim,
    claimed,
    finish,
    get,
    keys,
    step,
    thread_of,
)  # fmt: skip

pytestmark = pytest.mark.anyio


async def test_a_look_at_a_lease_writes_nothing_and_tells_of_its_end(store: SqlStore) -> None:
    mine = await claimed(store)
    before = await get(store, mine.run)
    assert (await store.held(mine.lease)).cancel_requested is None
    assert await get(store, mine.run) == before
    await store.cancel(TENANT, mine.run.id, "interrupt", redelivery=REDELIVERY)
    assert (await store.held(mine.lease)).cancel_requested == "interrupt"
    await advance(store, LEASE + 1)
    assert (await store.held(mine.lease)).last_seq == 1  # it has not been taken yet
    await claim(store, mine.run)
    with pytest.raises(LeaseLost):
        await store.held(mine.lease)


@pytest.mark.parametrize("how", ["yield", "back off", "wait", "sleep", "finish"])
async def test_a_worker_that_let_go_of_its_run_writes_nothing_more(store: SqlStore, how: str) -> None:
    held = await claimed(store)
    ways: dict[str, Any] = {
        "yield": Requeue(),
        "back off": Requeue(delay=60, failed=True),
        "wait": Wait(questions=[a_question(held.run)]),
        "sleep": Sleep(key="tool:0/c1", until=await store.now() + timedelta(hours=1)),
    }
    if how == "finish":
        await finish(store, held, "said")
    else:
        await store.pause(held.lease, [step(0)], ways[how], redelivery=REDELIVERY)
    before = await get(store, held.run), await keys(store, held.run), await thread_of(store, held.run)
    for write in (
        store.append(held.lease, [step(1)]),
        store.append(held.lease, [step(1)], renew=LEASE),
        store.renew(held.lease, LEASE),
        store.expire_questions(held.lease),
        store.pause(held.lease, [step(1)], Requeue(), redelivery=REDELIVERY),
        store.pause(held.lease, [step(1)], Wait(questions=()), redelivery=REDELIVERY),
        store.pause(held.lease, [step(1)], ways["sleep"], redelivery=REDELIVERY),
        store.finish(held.lease, [step(1)], Finish(status="succeeded"), redelivery=REDELIVERY),
        store.finish(held.lease, [step(1)], Finish(status="succeeded", summary="s"), redelivery=REDELIVERY),
    ):
        with pytest.raises(LeaseLost):
            await write
    assert (await get(store, held.run), await keys(store, held.run), await thread_of(store, held.run)) == before
