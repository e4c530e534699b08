"""What every store does with threads: states, checkpoints, revisions, copies, searches and deletions."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from agentcore.errors import Conflict, Invalid, LeaseLost, NotFound, RunUnfinished, ThreadBusy
from agentcore.ids import new_id
from agentcore.records import Checkpoint, State, Thread
from agentcore.store.sql import SqlStore
from agentcore.testing.travel import advance
from tests.contracts.store_kit import (
    LEASE,
    REDELIVERY,
    TENANT,
    a_question,
    a_run,
    a_schedule,
    accept,
    ask,
    claim,
    claimed,
    finish,
    get,
    message,
    step,
    texts,
)  # fmt: skip

pytestmark = pytest.mark.anyio


async def turn(store: SqlStore, thread_id: str | None = None, *said: str, **end: Any) -> str:
    """One whole run; its thread."""
    request = end.pop("request", None)
    held = await claimed(store, thread_id, request=request)
    await finish(store, held, *said, **end)
    return held.run.thread_id


async def state(store: SqlStore, thread_id: str) -> State:
    return await store.state(TENANT, thread_id, items=100)


async def history(store: SqlStore, thread_id: str, **options: Any) -> list[Checkpoint]:
    return await store.checkpoints(TENANT, thread_id, **{"limit": 50, **options})


async def said_at(store: SqlStore, thread_id: str) -> list[list[str]]:
    """The messages of each checkpoint, the newest first."""
    found = await history(store, thread_id)
    return [texts(await store.items(TENANT, thread_id, start=one.start, end=one.end)) for one in found]


# -- states and checkpoints


async def test_a_thread_that_is_new_has_nothing(store: SqlStore) -> None:
    thread, _ = await store.create_thread(Thread(id=new_id(), tenant=TENANT, agent="", metadata={"a": 1}))
    found = await state(store, thread.id)
    assert (found.thread, found.status, found.values, found.items) == (thread, "idle", {}, ())
    assert await history(store, thread.id) == []


async def test_a_state_has_what_runs_left(store: SqlStore) -> None:
    thread_id = await turn(store, None, "hello", "hi", output="hi", request={"values": {"q": 1}})
    found = await state(store, thread_id)
    assert (found.status, found.values, texts(found.items)) == (
        "idle",
        {"output": "hi", "input": {"q": 1}},
        ["hello", "hi"],
    )
    assert texts((await store.state(TENANT, thread_id, items=1)).items) == ["hi"]
    assert (await store.state(TENANT, thread_id)).items == ()
    await turn(store, thread_id, "again", status="failed", output=None)
    found = await state(store, thread_id)
    assert (found.status, found.values) == ("error", {"output": "hi"})


async def test_a_thread_is_busy_interrupted_or_idle_as_its_runs_are(store: SqlStore) -> None:
    held = await claimed(store)
    assert (await state(store, held.run.thread_id)).status == "busy"
    await ask(store, held, a_question(held.run))
    assert (await state(store, held.run.thread_id)).status == "interrupted"
    await store.cancel(TENANT, held.run.id, "interrupt", redelivery=REDELIVERY)
    assert (await state(store, held.run.thread_id)).status == "busy"
    await finish(store, await claim(store, held.run), status="cancelled", output=None)
    assert (await state(store, held.run.thread_id)).status == "idle"


async def test_each_run_leaves_a_checkpoint(store: SqlStore) -> None:
    thread_id = await turn(store, None, "a", "b", output="b")
    await turn(store, thread_id, "c", status="failed", output=None)
    await turn(store, thread_id, "d", "e", output="e", request={"values": {"q": 1}})
    found = await history(store, thread_id)
    assert [one.position for one in found] == [3, 2, 1]
    assert [one.values for one in found] == [{"input": {"q": 1}, "output": "e"}, {"output": "b"}, {"output": "b"}]
    assert [one.run_id for one in found] == [run.id for run in await store.runs(TENANT, thread_id=thread_id)]
    assert await said_at(store, thread_id) == [["a", "b", "c", "d", "e"], ["a", "b", "c"], ["a", "b"]]
    assert await history(store, thread_id, limit=1) == found[:1]
    assert await history(store, thread_id, before=3) == found[1:]
    assert await history(store, thread_id, before=3, limit=1) == found[1:2]
    assert await history(store, thread_id, before=1) == []


async def test_a_run_that_left_nothing_has_no_checkpoint(store: SqlStore) -> None:
    thread_id = await turn(store, None, "a")
    held = await claimed(store, thread_id)
    behind = (await accept(store, thread_id)).run
    await store.cancel(TENANT, behind.id, "interrupt", redelivery=REDELIVERY)  # never began
    await store.cancel(TENANT, held.run.id, "rollback", redelivery=REDELIVERY)
    assert [one.position for one in await history(store, thread_id)] == [1]  # unfinished
    await finish(store, held, status="cancelled", output=None)
    assert [one.position for one in await history(store, thread_id)] == [1]
    with pytest.raises(NotFound):
        await history(store, thread_id, before=2)


# -- revisions


async def test_metadata_are_merged_at_any_time(store: SqlStore) -> None:
    held = await claimed(store)
    await store.patch_thread(TENANT, held.run.thread_id, metadata={"a": 1, "b": {"c": 1}})
    thread = await store.patch_thread(TENANT, held.run.thread_id, metadata={"b": {"d": 2}})
    assert thread.metadata == {"a": 1, "b": {"d": 2}}
    assert thread.next_position == 2
    with pytest.raises(Invalid, match="metadata"):
        await store.patch_thread(TENANT, thread.id, metadata={"c": "x" * 70_000})
    assert (await store.thread(TENANT, thread.id)).metadata == thread.metadata
    await finish(store, held)


async def test_values_and_messages_make_a_revision_that_the_next_run_reads(store: SqlStore) -> None:
    thread_id = await turn(store, None, "a", output="b")
    await store.patch_thread(TENANT, thread_id, values={"k": 1, "output": "mine"}, items=[message("told")])
    found = await state(store, thread_id)
    assert (found.values, texts(found.items)) == ({"k": 1, "output": "mine"}, ["a", "told"])
    await store.patch_thread(TENANT, thread_id, values={"k": {"x": 1}})
    next_one = await claimed(store, thread_id)
    assert (next_one.run.position, next_one.run.history_end, texts(next_one.items)) == (4, 2, ["a", "told"])
    await finish(store, next_one, "c", output="d")
    found = await state(store, thread_id)
    assert (found.values, texts(found.items)) == ({"k": {"x": 1}, "output": "d"}, ["a", "told", "c"])
    tale = await history(store, thread_id)
    assert [(one.position, one.source) for one in tale] == [(4, "run"), (3, "update"), (2, "update"), (1, "run")]
    assert [one.values for one in tale] == [
        {"k": {"x": 1}, "output": "d"}, {"k": {"x": 1}, "output": "mine"}, {"k": 1, "output": "mine"}, {"output": "b"},
    ]  # fmt: skip
    assert await said_at(store, thread_id) == [["a", "told", "c"], ["a", "told"], ["a", "told"], ["a"]]


async def test_values_are_not_changed_under_a_run(store: SqlStore) -> None:
    held = await claimed(store)
    for change in ({"values": {"k": 1}}, {"items": [message("a")]}):
        with pytest.raises(ThreadBusy):
            await store.patch_thread(TENANT, held.run.thread_id, metadata={"a": 1}, **change)
    assert (await store.thread(TENANT, held.run.thread_id)).metadata == {}
    await finish(store, held, "a")
    assert await said_at(store, held.run.thread_id) == [["a"]]


async def test_values_have_a_size(store: SqlStore) -> None:
    thread_id = await turn(store, None, "a")
    with pytest.raises(Invalid, match="values"):
        await store.patch_thread(TENANT, thread_id, values={"k": "x" * 1_000_001}, items=[message("b")])
    assert (await store.thread(TENANT, thread_id)).next_position == 2
    assert texts((await state(store, thread_id)).items) == ["a"]


async def test_a_revision_may_go_on_from_a_checkpoint(store: SqlStore) -> None:
    thread_id = await turn(store, None, "a", output="1")
    await turn(store, thread_id, "b", output="2", summary="all of it", summary_until=2)
    await store.patch_thread(TENANT, thread_id, values={"k": 1}, items=[message("c")], at=1)
    found = await state(store, thread_id)
    assert (found.values, texts(found.items)) == ({"output": "1", "k": 1}, ["a", "c"])
    assert (found.thread.item_count, found.thread.summary, found.thread.summary_until) == (4, None, 2)
    after = await claimed(store, thread_id)
    assert [item.data["content"] for item in after.items if item.position >= after.summary_until] == ["a", "c"]
    await finish(store, after, "d", output="3")
    assert await said_at(store, thread_id) == [["a", "c", "d"], ["a", "c"], ["a", "b"], ["a"]]
    assert [one.source for one in await history(store, thread_id)] == ["run", "fork", "run", "run"]
    await store.patch_thread(TENANT, thread_id, values={}, at=3)  # back, within the branch
    assert texts((await state(store, thread_id)).items) == ["a", "c"]
    await store.patch_thread(TENANT, thread_id, values={}, at=2)  # and to what was left
    assert (texts((await state(store, thread_id)).items), (await state(store, thread_id)).values) == (
        ["a", "b"],
        {"output": "2"},
    )
    positions = [item.position for item in await store.items(TENANT, thread_id)]
    assert positions == list(range((await store.thread(TENANT, thread_id)).item_count))


async def test_the_newest_checkpoint_is_no_branch(store: SqlStore) -> None:
    thread_id = await turn(store, None, "a")
    thread = await store.patch_thread(TENANT, thread_id, items=[message("b")], at=1)
    assert (thread.item_count, thread.branch_start) == (2, None)
    for at in (7, 0, 2**31):
        with pytest.raises(NotFound):
            await store.patch_thread(TENANT, thread_id, items=[message("b")], at=at)


# -- copies


async def test_a_copy_has_the_state_and_the_checkpoints_and_goes_its_own_way(store: SqlStore) -> None:
    thread_id = await turn(store, None, "a", output="1")
    await store.patch_thread(TENANT, thread_id, metadata={"m": 1}, values={"k": 1})
    await turn(store, thread_id, "b", output="2", summary="told", summary_until=1)
    busy = await claimed(store, thread_id)
    copy = await store.copy_thread(TENANT, thread_id, new_id())
    first, second = await state(store, thread_id), await state(store, copy.id)
    assert (second.status, second.values, second.thread.metadata) == ("idle", first.values, {"m": 1})
    assert (texts(second.items), copy.summary, copy.summary_until) == (["a", "b"], "told", 1)
    assert await said_at(store, copy.id) == await said_at(store, thread_id)
    both = [await history(store, one) for one in (thread_id, copy.id)]
    for name in ("position", "begin", "start", "end", "values", "created_at"):
        assert [getattr(one, name) for one in both[0]] == [getattr(one, name) for one in both[1]], name
    await turn(store, copy.id, "c", output="3")
    assert (await state(store, copy.id)).values == {"k": 1, "output": "3"}
    assert texts((await state(store, thread_id)).items) == ["a", "b"]
    await finish(store, busy, "d")


async def test_a_copy_may_end_at_a_checkpoint(store: SqlStore) -> None:
    thread_id = await turn(store, None, "a", output="1")
    await turn(store, thread_id, "b", output="2", summary="of both", summary_until=2)
    at_two = await store.copy_thread(TENANT, thread_id, new_id(), at=2)
    await store.patch_thread(TENANT, thread_id, items=[message("c")], at=1)
    assert (texts((await state(store, at_two.id)).items), at_two.summary) == (["a", "b"], "of both")
    at_one = await store.copy_thread(TENANT, thread_id, new_id(), at=1)
    assert (texts((await state(store, at_one.id)).items), at_one.summary, at_one.next_position) == (["a"], None, 2)
    whole = await store.copy_thread(TENANT, thread_id, new_id())
    assert texts((await state(store, whole.id)).items) == ["a", "c"]
    assert await said_at(store, whole.id) == [["a", "c"], ["a", "b"], ["a"]]
    with pytest.raises(Conflict):
        await store.copy_thread(TENANT, thread_id, whole.id)
    with pytest.raises(NotFound):
        await store.copy_thread(TENANT, thread_id, new_id(), at=9)


async def test_an_empty_thread_can_be_copied(store: SqlStore) -> None:
    thread, _ = await store.create_thread(Thread(id=new_id(), tenant=TENANT, agent="a", metadata={"m": 1}))
    copy = await store.copy_thread(TENANT, thread.id, new_id())
    assert (copy.agent, copy.metadata, copy.next_position, copy.item_count) == ("a", {"m": 1}, 1, 0)


# -- searches


async def test_threads_are_searched_by_what_they_contain(store: SqlStore) -> None:
    made = [
        (await store.create_thread(Thread(id=new_id(), tenant=TENANT, agent="", metadata=metadata)))[0].id
        for metadata in ({"u": "kim", "n": 1}, {"u": "eve", "tags": ["a", "b"]}, {"u": {"id": 7, "x": None}}, {})
    ]

    async def found(**wanted: Any) -> list[int]:
        return [made.index(one.thread.id) for one in await store.states(TENANT, **wanted)]

    assert await found() == [3, 2, 1, 0]
    assert await found(limit=2, offset=1) == [2, 1]
    assert await found(metadata={"u": "kim"}) == [0]
    assert await found(metadata={"n": 1.0}) == [0]
    assert await found(metadata={"n": True}) == []
    assert await found(metadata={"tags": ["b"]}) == [1]
    assert await found(metadata={"tags": "b"}) == []
    assert await found(metadata={"u": {"id": 7}}) == [2]
    assert await found(metadata={"u": {"x": None}}) == [2]
    assert await found(metadata={"u": {}}) == [2]
    assert await found(metadata={"nothing": 1}) == []


async def test_threads_are_searched_by_their_values_and_status(store: SqlStore) -> None:
    done = await turn(store, None, "a", output={"answer": [1, 2]}, request={"values": {"q": "why"}})
    failed = await turn(store, None, "b", status="failed", output=None)
    busy = (await claimed(store)).run.thread_id
    await store.patch_thread(TENANT, failed, values={"k": [1, {"x": 1}], "output": "set", "input": "mine"})

    async def found(**wanted: Any) -> list[str]:
        return [one.thread.id for one in await store.states(TENANT, **wanted)]

    assert await found(status="busy") == [busy]
    assert await found(status="error") == [failed]
    assert await found(status="idle") == [done]
    assert await found(status="interrupted") == []
    assert await found(values={"output": {"answer": [2]}}) == [done]
    assert await found(values={"output": "set", "k": [{"x": 1}]}) == [failed]
    assert await found(values={"input": {"q": "why"}}) == [done]
    assert await found(values={"input": "mine"}) == [failed]
    assert await found(values={"input": "why"}) == []
    await turn(store, failed, "c", output="later", request={"values": {"q": 2}})
    assert await found(values={"output": "set"}) == await found(values={"input": "mine"}) == []
    assert await found(values={"output": "later", "input": {"q": 2}, "k": [1]}, status="idle") == [failed]


async def test_a_page_of_threads_shows_the_messages_of_each(store: SqlStore) -> None:
    one, two = await turn(store, None, "a", "b"), await turn(store, None, "c")
    found = await store.states(TENANT, items=5)
    assert {state.thread.id: texts(state.items) for state in found} == {one: ["a", "b"], two: ["c"]}
    assert [texts(state.items) for state in await store.states(TENANT, items=1)] == [["c"], ["b"]]


async def test_a_search_that_no_index_serves_looks_at_the_newest_only(store: SqlStore) -> None:
    store.settings = type(store.settings)(search_rows=1)
    older, newer = await turn(store), await turn(store)
    await store.patch_thread(TENANT, older, metadata={"a": 1})
    assert await store.states(TENANT, metadata={"a": 1}) == []
    await store.patch_thread(TENANT, newer, metadata={"a": 1})
    assert [one.thread.id for one in await store.states(TENANT, metadata={"a": 1})] == [newer]
    assert len(await store.states(TENANT)) == 2


async def test_runs_are_searched_by_their_metadata(store: SqlStore) -> None:
    first = (await accept(store, metadata={"a": {"b": 1, "c": 2}})).run
    other = (await accept(store, metadata={"a": 1}, agent="billing")).run

    async def found(**wanted: Any) -> list[str]:
        return [run.id for run in await store.runs(TENANT, **wanted)]

    assert await found(metadata={"a": {"b": 1}}) == [first.id]
    assert await found(metadata={"a": {"b": 1}}, thread_id=first.thread_id, agent="support") == [first.id]
    assert await found(metadata={"a": {"b": 1}}, thread_id=other.thread_id) == []
    assert await found(metadata={}) == [other.id, first.id]


async def test_threads_are_counted_up_to_a_bound(store: SqlStore) -> None:
    for _ in range(3):
        await accept(store)
    await store.accept(a_run(tenant="other"), redelivery=1)
    assert (await store.count_threads(TENANT, most=9), await store.count_threads(TENANT, most=2)) == (3, 2)


# -- deletions


async def test_a_thread_goes_with_all_it_owns(store: SqlStore) -> None:
    held = await claimed(store, idempotency_key="k", request_hash="h")
    thread_id = held.run.thread_id
    await ask(store, held, a_question(held.run))
    due = await store.now() + timedelta(hours=1)
    schedule = await store.put_schedule(a_schedule(due, thread_id=thread_id), most=9)
    with pytest.raises(ThreadBusy):
        await store.delete_thread(TENANT, thread_id)
    await store.cancel(TENANT, held.run.id, "interrupt", redelivery=REDELIVERY)
    await finish(store, await claim(store, held.run), "a", status="cancelled", output=None)
    await store.patch_thread(TENANT, thread_id, values={"k": 1})
    other = await turn(store, None, "kept")
    await store.delete_thread(TENANT, thread_id)
    for gone in (
        store.thread(TENANT, thread_id), store.state(TENANT, thread_id), store.items(TENANT, thread_id),
        store.run(TENANT, held.run.id), store.entries(TENANT, held.run.id), store.schedule(TENANT, schedule.id),
        store.delete_thread(TENANT, thread_id), store.checkpoints(TENANT, thread_id, limit=1),
    ):  # fmt: skip
        with pytest.raises(NotFound):
            await gone
    assert await store.questions(TENANT, status=None) == []
    assert [one.thread.id for one in await store.states(TENANT)] == [other]
    with pytest.raises(Conflict):  # the key is spent, though its run is gone
        await accept(store, idempotency_key="k", request_hash="h")
    again = await turn(store, thread_id, "new")
    assert (again, texts((await state(store, thread_id)).items)) == (thread_id, ["new"])


async def test_a_worker_that_comes_back_to_a_deleted_thread_has_lost_its_lease(store: SqlStore) -> None:
    stale = await claimed(store)
    await advance(store, LEASE + 1)
    await finish(store, await claim(store, stale.run), "a")
    await store.delete_thread(TENANT, stale.run.thread_id)
    for late in (
        store.append(stale.lease, [step()]), store.append(stale.lease, [step()], renew=LEASE),
        store.renew(stale.lease, LEASE), store.expire_questions(stale.lease), finish(store, stale, "b"),
        ask(store, stale, a_question(stale.run)),
    ):  # fmt: skip
        with pytest.raises(LeaseLost):
            await late
    assert await store.claim(stale.run.id, lease=LEASE, window=1) is None


async def test_a_run_that_is_deleted_leaves_what_was_said(store: SqlStore) -> None:
    thread_id = await turn(store, None, "a", output="1")
    await turn(store, thread_id, "b", output="2")
    held = await claimed(store, thread_id)
    with pytest.raises(RunUnfinished):
        await store.delete_run(TENANT, held.run.id)
    await finish(store, held, "c", status="failed", output=None)
    tale, before = await said_at(store, thread_id), await state(store, thread_id)
    values = [one.values for one in await history(store, thread_id)]
    for run in await store.runs(TENANT, thread_id=thread_id):
        await store.delete_run(TENANT, run.id)
        with pytest.raises(NotFound):
            await store.entries(TENANT, run.id)
        assert await said_at(store, thread_id) == tale
        assert [one.values for one in await history(store, thread_id)] == values
    after = await state(store, thread_id)
    assert (after.values, after.items) == (before.values, before.items)
    assert await store.runs(TENANT, thread_id=thread_id) == []
    await turn(store, thread_id, "d", output="3")
    assert (await state(store, thread_id)).values == {"output": "3"}
    with pytest.raises(NotFound):
        await store.delete_run(TENANT, held.run.id)


# -- threads that go with a run

DELETE = {"on_completion": "delete"}


async def test_a_thread_goes_with_the_end_of_a_run_and_the_run_can_still_be_read(store: SqlStore) -> None:
    held = await claimed(store, request=DELETE)
    thread_id = held.run.thread_id
    assert (await state(store, thread_id)).status == "busy"
    await finish(store, held, "a", output="1")
    assert (await get(store, held.run)).output == "1"
    for gone in (
        store.thread(TENANT, thread_id), store.state(TENANT, thread_id), store.items(TENANT, thread_id),
        store.checkpoints(TENANT, thread_id, limit=1), store.patch_thread(TENANT, thread_id, metadata={}),
        store.copy_thread(TENANT, thread_id, new_id()), store.delete_thread(TENANT, thread_id),
        accept(store, thread_id), accept(store, thread_id, lease=LEASE, window=1),
        store.put_schedule(a_schedule(await store.now(), thread_id=thread_id), most=9),
    ):  # fmt: skip
        with pytest.raises(NotFound):
            await gone
    assert (await store.states(TENANT), await store.count_threads(TENANT, most=9)) == ([], 0)
    with pytest.raises(Conflict):
        await store.create_thread(Thread(id=thread_id, tenant=TENANT, agent=""))
    assert await store.purge_deleted(after=60, limit=9) == 0
    await advance(store, 61)
    assert (await store.purge_deleted(after=60, limit=9), await store.purge_deleted(after=60, limit=9)) == (1, 0)
    with pytest.raises(NotFound):
        await store.run(TENANT, held.run.id)


async def test_a_thread_that_is_used_stays(store: SqlStore) -> None:
    held = await claimed(store, request=DELETE)
    behind = (await accept(store, held.run.thread_id)).run
    await finish(store, held, "a")
    assert texts((await state(store, behind.thread_id)).items) == ["a"]
    rings = await claimed(store, request=DELETE)
    due = await store.now() + timedelta(hours=1)
    await store.put_schedule(a_schedule(due, thread_id=rings.run.thread_id), most=9)
    await finish(store, rings, "b")
    assert texts((await state(store, rings.run.thread_id)).items) == ["b"]


async def test_a_redrive_takes_the_thread_back(store: SqlStore) -> None:
    held = await claimed(store, request=DELETE)
    await finish(store, held, "a", status="failed", output=None)
    again = await store.redrive(TENANT, held.run.id, new_id(), redelivery=REDELIVERY)
    assert (await state(store, held.run.thread_id)).status == "busy"
    await advance(store, 100)
    assert await store.purge_deleted(after=1, limit=9) == 0
    await finish(store, await claim(store, again.run), "b")
    with pytest.raises(NotFound):
        await state(store, held.run.thread_id)


async def test_deleting_the_run_of_a_deleted_thread_leaves_nothing(store: SqlStore) -> None:
    held = await claimed(store, request=DELETE)
    await finish(store, held, "a")
    await store.delete_run(TENANT, held.run.id)
    assert await turn(store, held.run.thread_id, "new") == held.run.thread_id
    assert texts((await state(store, held.run.thread_id)).items) == ["new"]


# -- tenants


async def test_a_thread_of_another_tenant_is_neither_seen_nor_changed(store: SqlStore) -> None:
    thread_id = await turn(store, None, "a")
    run = (await store.runs(TENANT))[0]
    before = await state(store, thread_id)
    for foreign in (
        store.state("other", thread_id), store.checkpoints("other", thread_id, limit=1),
        store.patch_thread("other", thread_id, metadata={"a": 1}), store.copy_thread("other", thread_id, new_id()),
        store.delete_thread("other", thread_id), store.delete_run("other", run.id),
    ):  # fmt: skip
        with pytest.raises(NotFound):
            await foreign
    assert await state(store, thread_id) == before
    assert (await store.states("other"), await store.count_threads("other", most=9)) == ([], 0)
