"""What readers look at again and again, and what a thread was after each of its runs."""

from __future__ import annotations

import pytest

from agentcore.errors import NotFound
from agentcore.ids import new_id
from agentcore.store.sql import SqlStore
from tests.contracts.store_kit import TENANT, accept, claim, claimed, finish, step, thread_of

pytestmark = pytest.mark.anyio
OTHER = "someone-else"


async def test_the_next_run_of_a_thread_is_found_by_its_position(store: SqlStore) -> None:
    first = (await accept(store)).run
    second = (await accept(store, first.thread_id)).run
    for position, expected in ((0, first), (1, first), (2, second)):
        found = await store.run_at(TENANT, first.thread_id, position)
        assert found is not None
        assert found.id == expected.id
    assert await store.run_at(TENANT, first.thread_id, 3) is None
    assert await store.run_at(TENANT, new_id(), 0) is None
    assert await store.run_at(OTHER, first.thread_id, 0) is None


async def test_progress_is_told_of_many_at_once(store: SqlStore) -> None:
    run = (await accept(store)).run
    thread = await thread_of(store, run)
    many = [new_id() for _ in range(700)]
    told = await store.progress([*many, run.id], [thread.id])
    assert told == {run.id: (1, "queued 0"), thread.id: (2, "")}
    held = await claim(store, run)
    await store.append(held.lease, [step()])
    assert await store.progress([run.id], []) == {run.id: (2, "running 1")}
    await finish(store, held)
    assert await store.progress([run.id], []) == {run.id: (3, "succeeded 1")}
    assert await store.progress([], []) == {}


async def test_the_newest_checkpoint_up_to_a_position_is_found(store: SqlStore) -> None:
    first = await claimed(store)
    thread_id = first.run.thread_id
    assert await store.checkpoint_at(TENANT, thread_id) is None
    await finish(store, first, "one", "two", output="a")
    await finish(store, await claimed(store, thread_id), "three", output="b")
    ends = [(at, await store.checkpoint_at(TENANT, thread_id, at)) for at in (None, 9, 2, 1, 0)]
    assert [(at, c and (c.position, c.end, c.values)) for at, c in ends] == [
        (None, (2, 3, {"output": "b"})), (9, (2, 3, {"output": "b"})), (2, (2, 3, {"output": "b"})),
        (1, (1, 2, {"output": "a"})), (0, None),
    ]  # fmt: skip
    with pytest.raises(NotFound):
        await store.checkpoint_at(OTHER, thread_id)


async def test_a_page_of_a_journal_is_not_too_large(store: SqlStore) -> None:
    held = await claimed(store)
    await store.append(held.lease, [step(n, text="x" * 1000) for n in range(20)])
    run, page = await store.entries(TENANT, held.run.id, limit=10, size=5000)
    assert [e.seq for e in page] == [1, 2, 3, 4, 5, 6]
    assert run.last_seq == 21
    _, page = await store.entries(TENANT, held.run.id, after=6, limit=3, size=10_000)
    assert [e.seq for e in page] == [7, 8, 9]
    _, page = await store.entries(TENANT, held.run.id, after=6, limit=3, size=1)
    assert [(e.seq, e.data["text"]) for e in page] == [(7, "x" * 1000)]
    _, page = await store.entries(TENANT, held.run.id, after=21, limit=3, size=1)
    assert page == []
