"""What every store does: threads, accepting, claiming, journals and endings."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC

import pytest

from agentcore.errors import Conflict, IdempotencyMismatch, Invalid, LeaseLost, NotFound, ThreadBusy
from agentcore.ids import new_id
from agentcore.records import Ack, Entry, Finish, Requeue, Thread
from agentcore.store.sql import SqlStore
from agentcore.testing.travel import advance
from tests.contracts.store_kit import (
    LEASE,
    REDELIVERY,
    TENANT,
    a_run,
    accept,
    claim,
    claimed,
    delta,
    entry,
    finish,
    get,
    keys,
    seconds,
    step,
    texts,
    thread_of,
)  # fmt: skip

pytestmark = pytest.mark.anyio


# -- threads


async def test_a_thread_is_created_once(store: SqlStore) -> None:
    wanted = Thread(id=new_id(), tenant=TENANT, agent="support", metadata={"a": 1})
    first, created = await store.create_thread(wanted)
    again, repeated = await store.create_thread(replace(wanted, metadata={}))
    assert (created, repeated) == (True, False)
    assert first == again == await store.thread(TENANT, wanted.id)
    assert first.metadata == {"a": 1}
    assert first.created_at is not None
    assert first.created_at.tzinfo is UTC


async def test_a_thread_of_another_tenant_is_a_conflict_to_create_and_not_found_to_read(store: SqlStore) -> None:
    wanted = Thread(id=new_id(), tenant="other", agent="support")
    await store.create_thread(wanted)
    with pytest.raises(Conflict):
        await store.create_thread(replace(wanted, tenant=TENANT))
    with pytest.raises(NotFound):
        await store.thread(TENANT, wanted.id)
    with pytest.raises(NotFound):
        await store.items(TENANT, wanted.id)
    with pytest.raises(NotFound):
        await accept(store, wanted.id)


async def test_threads_are_listed_newest_first_for_their_tenant_alone(store: SqlStore) -> None:
    ids = [new_id() for _ in range(3)]
    for thread_id in ids:
        await store.create_thread(Thread(id=thread_id, tenant=TENANT, agent="support"))
        await advance(store, 1)
    await store.create_thread(Thread(id=new_id(), tenant="other", agent="support"))
    assert [t.thread.id for t in await store.states(TENANT, limit=10)] == ids[::-1]
    assert [t.thread.id for t in await store.states(TENANT, limit=1, offset=1)] == [ids[1]]


# -- accepting


async def test_a_run_that_must_find_its_thread_begins_none(store: SqlStore) -> None:
    wanted = Thread(id=new_id(), tenant=TENANT, agent="support")
    for key in (None, "k"):
        with pytest.raises(NotFound):
            await accept(store, wanted.id, creates=False, idempotency_key=key)
    with pytest.raises(NotFound):
        await store.thread(TENANT, wanted.id)
    await store.create_thread(wanted)
    with pytest.raises(NotFound):
        await accept(store, wanted.id, creates=False, tenant="other")
    twice = [await accept(store, wanted.id, creates=False, idempotency_key="k") for _ in range(2)]
    assert [accepted.created for accepted in twice] == [True, False]
    assert (await accept(store, wanted.id, creates=False)).run.position == 2


async def test_the_first_run_of_a_new_thread_is_queued_and_sent(store: SqlStore) -> None:
    wanted = a_run(metadata={"m": 1}, config={"max_turns": 3}, input=[{"role": "user", "content": "hi"}])
    accepted = await store.accept(wanted, redelivery=REDELIVERY)
    run = accepted.run
    assert (accepted.created, accepted.send, accepted.claim) == (True, (run.id,), None)
    assert run == await get(store, run)
    assert (run.status, run.position, run.fence, run.last_seq, run.root_id) == ("queued", 1, 0, 1, run.id)
    assert (run.input, run.metadata, run.config) == (wanted.input, {"m": 1}, {"max_turns": 3})
    assert run.created_at is not None
    assert seconds(run.created_at, run.wake_at) == pytest.approx(REDELIVERY, abs=0.01)
    said = await entry(store, run, "accepted")
    assert (said.seq, said.kind, said.data) == (1, "accepted", {"agent": "support", "trigger": "message"})
    thread = await thread_of(store, run)
    assert (thread.head_id, thread.next_position, thread.agent) == (run.id, 2, "support")


async def test_a_run_behind_another_waits_unsent_and_has_no_wake_time(store: SqlStore) -> None:
    first = (await accept(store)).run
    second = await accept(store, first.thread_id)
    assert (second.send, second.run.wake_at, second.run.position, second.run.status) == ((), None, 2, "queued")
    assert await store.claim(second.run.id, lease=LEASE, window=1) is None
    assert (await thread_of(store, first)).head_id == first.id


async def test_accepting_with_a_lease_gives_a_claim_and_sends_nothing(store: SqlStore) -> None:
    before = await claimed(store)
    await finish(store, before, "a", "b", "c")
    accepted = await accept(store, before.run.thread_id, lease=LEASE, window=2)
    claim = accepted.claim
    assert claim is not None
    assert (accepted.send, accepted.run) == ((), claim.run)
    assert (claim.run.status, claim.run.fence, claim.run.history_end) == ("running", 1, 3)
    assert claim.run.started_at is not None
    assert seconds(claim.run.started_at, claim.run.wake_at) == pytest.approx(LEASE, abs=0.01)
    assert texts(claim.items) == ["b", "c"]
    assert [e.key for e in claim.entries] == ["accepted"]
    assert (await store.append(claim.lease, [step()])).last_seq == 2


async def test_accepting_with_a_lease_behind_another_run_only_queues(store: SqlStore) -> None:
    first = (await accept(store)).run
    second = await accept(store, first.thread_id, lease=LEASE)
    assert (second.claim, second.send, second.run.status) == (None, (), "queued")


async def test_a_repeated_idempotency_key_gives_the_same_run(store: SqlStore) -> None:
    first = await accept(store, idempotency_key="k", request_hash="h")
    again = await accept(store, idempotency_key="k", request_hash="h")
    assert (again.created, again.send, again.run.id) == (False, (), first.run.id)
    assert len(await store.runs(TENANT)) == len(await store.states(TENANT, limit=9)) == 1
    with pytest.raises(IdempotencyMismatch):
        await accept(store, idempotency_key="k", request_hash="other")
    elsewhere = await store.accept(a_run(tenant="other"), redelivery=1, idempotency_key="k", request_hash="other")
    assert elsewhere.created


async def test_a_run_that_is_accepted_again_is_the_same_run_and_claimed_once(store: SqlStore) -> None:
    run = a_run()
    first = await store.accept(run, redelivery=REDELIVERY, lease=LEASE)
    again = await store.accept(run, redelivery=REDELIVERY, lease=LEASE)
    assert first.claim is not None
    assert (again.run, again.claim, again.send) == (first.run, None, ())
    assert (await store.thread(TENANT, run.thread_id)).next_position == 2


async def test_reject_refuses_while_any_run_is_unfinished(store: SqlStore) -> None:
    first = await claimed(store)
    with pytest.raises(ThreadBusy):
        await accept(store, first.run.thread_id, multitask="reject", idempotency_key="k")
    await finish(store, first)
    retried = await accept(store, first.run.thread_id, multitask="reject", idempotency_key="k")
    assert retried.created  # a refused request has not used up its key


async def test_an_id_that_is_no_uuid_is_refused_or_not_found(store: SqlStore) -> None:
    with pytest.raises(Invalid):
        await accept(store, "my-thread")
    with pytest.raises(NotFound):
        await store.run(TENANT, "nonsense")
    with pytest.raises(NotFound):
        await store.thread(TENANT, "nonsense")
    assert await store.claim("nonsense", lease=1, window=1) is None


# -- claiming


async def test_a_claim_takes_the_run_with_its_journal_and_history(store: SqlStore) -> None:
    first = await claimed(store)
    await finish(store, first, "one", "two", summary="so far", summary_until=1)
    run = (await accept(store, first.run.thread_id)).run
    found = await claim(store, run, window=1)
    assert (found.run.status, found.run.fence, found.run.history_end) == ("running", 1, 2)
    assert found.run.started_at is not None
    assert seconds(found.run.started_at, found.run.wake_at) == pytest.approx(LEASE, abs=0.01)
    assert (texts(found.items), found.items[0].position, found.items[0].run_id) == (["two"], 1, first.run.id)
    assert (found.summary, found.summary_until, found.next_position) == ("so far", 1, 3)
    assert found.run == await get(store, run)
    assert found.entries[0].created_at is not None
    assert found.entries[0].created_at.tzinfo is UTC


async def test_only_one_claim_holds_a_run_until_its_lease_ends(store: SqlStore) -> None:
    run = (await accept(store)).run
    first = await claim(store, run)
    assert await store.claim(run.id, lease=LEASE, window=1) is None
    await advance(store, LEASE + 1)
    second = await claim(store, run)
    assert second.run.fence == first.run.fence + 1
    assert second.run.started_at is not None
    with pytest.raises(LeaseLost):
        await store.append(first.lease, [step()])
    with pytest.raises(LeaseLost):
        await store.renew(first.lease, LEASE)
    with pytest.raises(LeaseLost):
        await finish(store, first)
    with pytest.raises(LeaseLost):
        await store.pause(first.lease, [], Requeue(), redelivery=1)
    with pytest.raises(LeaseLost):
        await store.expire_questions(first.lease)
    assert await keys(store, run) == ["accepted"]


async def test_a_claim_of_an_ended_or_unknown_run_is_nothing(store: SqlStore) -> None:
    done = await claimed(store)
    await finish(store, done)
    assert await store.claim(done.run.id, lease=LEASE, window=1) is None
    assert await store.claim(new_id(), lease=LEASE, window=1) is None
    with pytest.raises(LeaseLost):
        await finish(store, done)
    with pytest.raises(LeaseLost):
        await finish(store, replace(done, run=replace(done.run, id=new_id())))


async def test_takeovers_without_a_step_count_as_failures_and_deltas_are_no_steps(store: SqlStore) -> None:
    run = (await accept(store)).run
    first = await claim(store, run)
    assert first.run.failures == 0
    await store.append(first.lease, [delta(1)])
    await advance(store, LEASE + 1)
    second = await claim(store, run)
    assert second.run.failures == 1
    assert [e.kind for e in second.entries] == ["accepted"]  # without deltas
    await advance(store, LEASE + 1)
    third = await claim(store, run)
    assert third.run.failures == 2
    await store.append(third.lease, [step()])
    await advance(store, LEASE + 1)
    assert (await claim(store, run)).run.failures == 0


# -- journals


async def test_appends_number_entries_in_order_and_repeat_harmlessly(store: SqlStore) -> None:
    held = await claimed(store)
    assert (await store.append(held.lease, [step(0, a=1), delta(1)])).last_seq == 3
    assert (await store.append(held.lease, [step(0, a=2), step(1)])).last_seq == 4  # the first is there
    assert (await store.append(held.lease, [step(0), step(1)])).last_seq == 4
    assert (await store.append(held.lease, [])).last_seq == 4
    run, entries = await store.entries(TENANT, held.run.id)
    assert run.last_seq == 4
    assert [(e.seq, e.key) for e in entries] == [(1, "accepted"), (2, "model:0"), (3, "delta:1"), (4, "model:1")]
    assert entries[1].data == {"a": 1}
    await advance(store, LEASE + 1)
    assert [e.key for e in (await claim(store, run)).entries] == ["accepted", "model:0", "model:1"]


async def test_entries_are_read_from_a_cursor_and_in_parts(store: SqlStore) -> None:
    held = await claimed(store)
    await store.append(held.lease, [step(n) for n in range(5)])
    run, entries = await store.entries(TENANT, held.run.id, after=2, limit=2)
    assert ([e.seq for e in entries], run.id) == ([3, 4], held.run.id)
    assert (await store.entries(TENANT, held.run.id, after=2**50))[1] == []
    with pytest.raises(NotFound):
        await store.entries("other", held.run.id)


async def test_an_append_moves_the_lease_only_when_asked(store: SqlStore) -> None:
    held = await claimed(store)
    await advance(store, 20)
    before = (await get(store, held.run)).wake_at
    assert before is not None
    await store.append(held.lease, [step(0)])
    assert (await get(store, held.run)).wake_at == before
    await store.append(held.lease, [step(1)], renew=LEASE)
    assert seconds(before, (await get(store, held.run)).wake_at) >= 20


async def test_a_heartbeat_renews_the_lease(store: SqlStore) -> None:
    held = await claimed(store)
    await advance(store, LEASE + 1)  # late, but nobody has taken it
    ack = await store.renew(held.lease, 90)
    assert (ack.last_seq, ack.cancel_requested) == (1, None)
    assert seconds(await store.now(), (await get(store, held.run)).wake_at) == pytest.approx(90, abs=4)


async def test_any_json_survives_and_what_no_database_takes_is_replaced(store: SqlStore) -> None:
    held = await claimed(store)
    odd = {"text": 'æ "quoted" \\u0000 🎈', "nul": "a\0b", "half": "\ud800", "nan": float("nan"), "n": [1, None, 2.5]}
    await store.append(held.lease, [Entry(key="k", kind="tool", data=odd), Entry(key="n", kind="tool", data=None)])
    found = (await entry(store, held.run, "k")).data
    assert found == {**odd, "nul": "a\ufffdb", "half": "\ufffd", "nan": None}
    assert (await entry(store, held.run, "n")).data is None


# -- endings


async def test_finishing_stores_the_outcome_and_the_history(store: SqlStore) -> None:
    held = await claimed(store)
    sent = await finish(store, held, "q", "a", output={"answer": 42}, usage={"tokens": 7})
    run = await get(store, held.run)
    assert (sent, run.status, run.output, run.usage, run.wake_at) == (
        (),
        "succeeded",
        {"answer": 42},
        {"tokens": 7},
        None,
    )
    assert run.finished_at is not None
    assert texts(await store.items(TENANT, run.thread_id)) == ["q", "a"]
    assert texts(await store.items(TENANT, run.thread_id, start=1, end=2)) == ["a"]
    thread = await thread_of(store, run)
    assert (thread.head_id, thread.item_count) == (None, 2)
    assert await keys(store, run) == ["accepted", "finished"]
    assert (await accept(store, run.thread_id)).run.history_end == 2


@pytest.mark.parametrize("behind", [False, True])
async def test_who_finishes_is_told_what_others_will_read(store: SqlStore, behind: bool) -> None:
    held = await claimed(store)
    if behind:
        await accept(store, held.run.thread_id)
    await store.cancel(TENANT, held.run.id, "interrupt", redelivery=REDELIVERY)
    entries = [step(n) for n in range(3)]
    told, _ = await store.finish(held.lease, entries, Finish(status="succeeded"), redelivery=REDELIVERY)
    run = await get(store, held.run)
    assert told == Ack(last_seq=run.last_seq, cancel_requested=run.cancel_requested, at=run.finished_at)
    assert (run.last_seq, run.cancel_requested) == (4, "interrupt")


async def test_finishing_promotes_the_next_run_and_skips_cancelled_ones(store: SqlStore) -> None:
    held = await claimed(store)
    runs = [(await accept(store, held.run.thread_id)).run for _ in range(3)]
    await store.cancel(TENANT, runs[0].id, "interrupt", redelivery=REDELIVERY)
    assert await finish(store, held, "x") == (runs[1].id,)
    run = await get(store, runs[1])
    assert seconds(await store.now(), run.wake_at) == pytest.approx(REDELIVERY, abs=4)
    assert (run.history_end, (await thread_of(store, run)).head_id) == (1, run.id)
    assert await finish(store, await claim(store, run), "y") == (runs[2].id,)
    last = await claim(store, runs[2], window=1)
    assert (texts(last.items), last.run.history_end) == (["y"], 2)
    assert await finish(store, last) == ()
    assert (await thread_of(store, run)).head_id is None


async def test_a_failed_run_keeps_its_error(store: SqlStore) -> None:
    held = await claimed(store)
    await finish(store, held, status="failed", output=None, error={"code": "x", "message": "y"})
    run = await get(store, held.run)
    assert (run.status, run.error, run.output) == ("failed", {"code": "x", "message": "y"}, None)


async def test_a_yielded_run_is_queued_and_sent(store: SqlStore) -> None:
    held = await claimed(store)
    yielded = Entry(key="yielded:1", kind="yielded", data={})
    sent = await store.pause(held.lease, [step(), yielded], Requeue(), redelivery=REDELIVERY)
    run = await get(store, held.run)
    assert (sent, run.status, run.failures) == ((run.id,), "queued", 0)
    assert seconds(await store.now(), run.wake_at) == pytest.approx(REDELIVERY, abs=4)
    assert await keys(store, run) == ["accepted", "model:0", "yielded:1"]
    assert (await claim(store, run)).run.fence == 2


@pytest.mark.parametrize(
    ("failed", "progress", "failures"), [(True, False, 3), (False, False, 3), (True, True, 1), (False, True, 0)]
)
async def test_slices_without_a_step_count_as_failures(
    store: SqlStore, failed: bool, progress: bool, failures: int
) -> None:
    run = (await accept(store)).run
    for _ in range(2):
        await store.pause((await claim(store, run)).lease, [], Requeue(failed=True), redelivery=1)
    held = await claim(store, run)
    assert held.run.failures == 2
    entries = [step()] if progress else [delta(1)]
    sent = await store.pause(held.lease, entries, Requeue(delay=5, failed=failed), redelivery=REDELIVERY)
    run = await get(store, run)
    assert (sent, run.failures, run.status) == ((), failures, "queued")
    assert seconds(await store.now(), run.wake_at) == pytest.approx(5, abs=4)


async def test_a_paused_run_whose_cancellation_was_asked_for_is_sent_at_once(store: SqlStore) -> None:
    held = await claimed(store)
    await store.cancel(TENANT, held.run.id, "interrupt", redelivery=REDELIVERY)
    assert (await store.append(held.lease, [step()])).cancel_requested == "interrupt"
    assert await store.pause(held.lease, [], Requeue(delay=900), redelivery=REDELIVERY) == (held.run.id,)
    assert (await get(store, held.run)).status == "queued"
