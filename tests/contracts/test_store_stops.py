"""What every store does with runs that are stopped, ask a person, sleep, or start again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from agentcore.errors import (
    AlreadyDecided,
    ArgumentsChanged,
    EffectsHappened,
    InputRequired,
    Invalid,
    NotFound,
    NotRedrivable,
)  # fmt: skip
from agentcore.ids import new_id
from agentcore.records import Claim, Entry, Event, Run, Sleep, Wait
from agentcore.store.sql import SqlStore
from agentcore.store.tables import run as run_table
from agentcore.testing.travel import advance
from tests.contracts.store_kit import (
    LEASE,
    REDELIVERY,
    TENANT,
    a_question,
    accept,
    ask,
    claim,
    claimed,
    decide,
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


async def sleep(store: SqlStore, claim: Claim, seconds: float = 3600, **event: Any) -> tuple[str, ...]:
    until = await store.now() + timedelta(seconds=seconds)
    key = f"tool:0/c{claim.run.fence}"
    data = {"key": key, "until": until.isoformat(), "event": event.get("event"), "correlation": ""}
    slept = Entry(key=f"slept:{claim.run.fence}", kind="slept", data=data)
    return await store.pause(claim.lease, [slept], Sleep(key=key, until=until, **event), redelivery=REDELIVERY)


async def cancel(store: SqlStore, run: Run, action: str = "interrupt") -> tuple[Run, tuple[str, ...]]:
    return await store.cancel(TENANT, run.id, action, redelivery=REDELIVERY)


# -- stopping


async def test_cancelling_a_running_run_only_tells_its_worker(store: SqlStore) -> None:
    held = await claimed(store)
    run, send = await cancel(store, held.run)
    assert (run.status, run.cancel_requested, send) == ("running", "interrupt", ())
    assert (await store.renew(held.lease, LEASE)).cancel_requested == "interrupt"
    await finish(store, held, status="cancelled")
    assert (await cancel(store, held.run, "rollback"))[0].status == "cancelled"  # as it is


async def test_cancelling_a_parked_head_sends_it(store: SqlStore) -> None:
    held = await claimed(store)
    question = a_question(held.run)
    await ask(store, held, question)
    run, send = await cancel(store, held.run)
    assert (run.status, send) == ("queued", (run.id,))
    assert seconds(await store.now(), run.wake_at) == pytest.approx(REDELIVERY, abs=4)
    assert (await store.question(TENANT, question.id)).status == "withdrawn"
    assert (await claim(store, run)).run.cancel_requested == "interrupt"


async def test_cancelling_a_run_that_waits_behind_ends_it_at_once(store: SqlStore) -> None:
    first = (await accept(store)).run
    second = (await accept(store, first.thread_id)).run
    run, send = await cancel(store, second)
    assert (run.status, send, run.wake_at) == ("cancelled", (), None)
    assert run.finished_at is not None
    assert (await entry(store, run, "cancelled")).kind == "cancelled"
    assert (await get(store, first)).status == "queued"
    with pytest.raises(NotFound):
        await store.cancel("other", first.id, "interrupt", redelivery=1)


@pytest.mark.parametrize("action", ["interrupt", "rollback"])
async def test_stopping_passes_over_the_messages_behind_the_head_and_nothing_else(store: SqlStore, action: Any) -> None:
    held = await claimed(store)
    triggers = ["message", "schedule", "event", "message"]
    behind = [(await accept(store, held.run.thread_id, trigger=trigger)).run for trigger in triggers]
    last = await accept(store, held.run.thread_id, multitask=action, explicit=True)
    assert last.send == ()
    assert (await get(store, held.run)).cancel_requested == action
    found = [await get(store, run) for run in behind]
    asked = [run.cancel_requested for run in found]
    assert asked == [action if trigger == "message" else None for trigger in triggers]
    # An interrupted message keeps its turn, to leave its input in the history; a rolled back one leaves nothing.
    dropped = action == "rollback"
    ended = [dropped and trigger == "message" for trigger in triggers]
    assert [run.terminal for run in found] == ended
    send = await finish(store, held, status="cancelled")
    for run in [*(run for run, gone in zip(behind, ended, strict=True) if not gone), last.run]:
        assert send == (run.id,)
        send = await finish(store, await claim(store, run))


async def test_interrupting_a_queued_head_sends_it(store: SqlStore) -> None:
    first = (await accept(store)).run
    second = await accept(store, first.thread_id, multitask="interrupt")
    assert second.send == (first.id,)
    assert (await get(store, first)).cancel_requested == "interrupt"


async def test_a_rollback_is_refused_once_effects_may_have_happened(store: SqlStore) -> None:
    held = await claimed(store)
    await store.append(held.lease, [step(0, effects={"c0": "read"})])
    second = await accept(store, held.run.thread_id, multitask="rollback")
    assert (await get(store, held.run)).cancel_requested == "rollback"
    assert (await cancel(store, held.run))[0].cancel_requested == "rollback"  # what was promised is kept
    await finish(store, held, status="cancelled")
    held = await claim(store, second.run)
    await store.append(held.lease, [step(0, effects={"c1": "idempotent"})])
    with pytest.raises(EffectsHappened):
        await accept(store, held.run.thread_id, multitask="rollback")
    with pytest.raises(EffectsHappened):
        await cancel(store, held.run, "rollback")
    assert (await get(store, held.run)).cancel_requested is None
    assert len(await store.runs(TENANT)) == 2


async def test_a_rollback_is_allowed_while_the_call_waits_for_its_approval(store: SqlStore) -> None:
    held = await claimed(store)
    await store.append(held.lease, [step(0, effects={"c1": "once"})])
    await ask(store, held, a_question(held.run))
    run, send = await cancel(store, held.run, "rollback")
    assert (run.cancel_requested, send) == ("rollback", (run.id,))


# -- questions


async def test_a_run_waits_for_its_questions_and_goes_on_when_all_are_decided(store: SqlStore) -> None:
    held = await claimed(store)
    until = await store.now() + timedelta(hours=1)
    questions = [a_question(held.run, expires_at=until), a_question(held.run, expires_at=until + timedelta(1))]
    assert await ask(store, held, *questions) == ()
    run = await get(store, held.run)
    assert (run.status, run.wake_at) == ("waiting", until)
    assert await store.claim(run.id, lease=1, window=1) is None
    assert [q.id for q in await store.questions(TENANT)] == sorted(q.id for q in questions)
    assert await decide(store, questions[0]) == ()
    assert (await get(store, run)).status == "waiting"
    assert await decide(store, questions[1], "reject", note="no") == (run.id,)
    run = await get(store, run)
    assert run.status == "queued"
    assert seconds(await store.now(), run.wake_at) == pytest.approx(REDELIVERY, abs=4)
    said = await entry(store, run, f"decided:{questions[1].id}")
    assert (said.kind, said.data) == (
        "decided",
        {
            "question": questions[1].id, "key": "tool:0/c1", "call_id": "c1", "tool": "refund", "kind": "approval",
            "decision": "reject", "by": "kim", "note": "no", "result": None,
        },
    )  # fmt: skip
    decided = await store.question(TENANT, questions[1].id)
    assert (decided.status, decided.decided_by, decided.note) == ("rejected", "kim", "no")
    assert decided.decided_at is not None
    assert await store.questions(TENANT) == []
    assert len(await store.questions(TENANT, status=None, run_id=run.id, thread_id=run.thread_id)) == 2


async def test_a_decision_must_fit_and_come_in_time_and_once(store: SqlStore) -> None:
    held = await claimed(store)
    until = await store.now() + timedelta(hours=1)
    question, late = a_question(held.run), a_question(held.run, expires_at=until)
    await ask(store, held, question, late)
    with pytest.raises(Invalid):
        await decide(store, question, "happened")
    with pytest.raises(ArgumentsChanged):
        await decide(store, question, arguments_hash="other")
    with pytest.raises(NotFound):
        await store.question("other", question.id)
    with pytest.raises(NotFound):
        await decide(store, a_question(held.run))
    assert await decide(store, question, arguments_hash="h1") == ()
    with pytest.raises(AlreadyDecided):
        await decide(store, question, "reject")
    await advance(store, 3601)
    with pytest.raises(AlreadyDecided):
        await decide(store, late)
    assert (await store.question(TENANT, late.id)).status == "pending"


async def test_a_question_of_an_ended_run_can_no_longer_be_decided(store: SqlStore) -> None:
    held = await claimed(store)
    question = a_question(held.run)
    await ask(store, held, question)
    await cancel(store, held.run)
    await finish(store, await claim(store, held.run), status="cancelled")
    with pytest.raises(AlreadyDecided):
        await decide(store, question)


@pytest.mark.parametrize(
    ("kind", "on_expiry", "decision"),
    [("approval", "reject", "reject"), ("approval", "fail", "fail"), ("outcome", "reject", "give_up")],
)
async def test_overdue_questions_wake_their_run_and_are_settled_by_policy(
    store: SqlStore, kind: Any, on_expiry: Any, decision: str
) -> None:
    held = await claimed(store)
    until = await store.now() + timedelta(hours=1)
    question = a_question(held.run, kind=kind, on_expiry=on_expiry, expires_at=until)
    later = a_question(held.run, expires_at=until + timedelta(hours=1))
    await ask(store, held, question, later)
    assert await store.sweep(limit=10, redelivery=REDELIVERY) == ()
    await advance(store, 3601)
    assert await store.sweep(limit=10, redelivery=REDELIVERY) == (held.run.id,)
    held = await claim(store, held.run)
    (written,) = await store.expire_questions(held.lease)
    assert (written.key, written.seq) == (f"decided:{question.id}", held.run.last_seq + 1)
    assert (written.data["decision"], written.data["note"]) == (decision, "expired")
    assert (await store.question(TENANT, question.id)).status == "expired"
    assert await store.expire_questions(held.lease) == ()
    # The other question is still open: the run goes on waiting, for that one.
    assert await store.pause(held.lease, [], Wait(questions=()), redelivery=REDELIVERY) == ()
    run = await get(store, held.run)
    assert (run.status, run.wake_at) == ("waiting", (await store.question(TENANT, later.id)).expires_at)


async def test_waiting_for_questions_that_were_all_decided_meanwhile_goes_on_at_once(store: SqlStore) -> None:
    held = await claimed(store)
    question = a_question(held.run)
    await ask(store, held, question)
    due = update(run_table).values(status="queued", wake_at=await store.now())
    await store.database.transaction(lambda tx: tx.connection.execute(due))  # as if a tick had found it due
    held = await claim(store, held.run)
    assert await decide(store, question) == ()  # its worker holds it: nobody needs to be told
    assert await store.pause(held.lease, [], Wait(questions=()), redelivery=REDELIVERY) == (held.run.id,)


async def test_a_waiting_run_is_looked_at_when_it_expires(store: SqlStore) -> None:
    until = await store.now() + timedelta(minutes=5)
    held = await claimed(store, expires_at=until)
    await ask(store, held, a_question(held.run, expires_at=until + timedelta(hours=1)))
    assert (await get(store, held.run)).wake_at == until


async def test_a_message_to_a_waiting_run_needs_input_unless_the_caller_said_what_to_do(store: SqlStore) -> None:
    held = await claimed(store)
    question = a_question(held.run)
    await ask(store, held, question)
    with pytest.raises(InputRequired) as caught:
        await accept(store, held.run.thread_id, idempotency_key="k")
    assert caught.value.details["questions"] == [question.id]
    assert (await accept(store, held.run.thread_id, trigger="schedule")).created
    assert (await accept(store, held.run.thread_id, explicit=True)).created
    stopped = await accept(store, held.run.thread_id, multitask="interrupt", explicit=True)
    assert stopped.send == (held.run.id,)
    assert (await store.question(TENANT, question.id)).status == "withdrawn"


async def test_questions_asked_after_a_cancellation_are_withdrawn_at_once(store: SqlStore) -> None:
    held = await claimed(store)
    await cancel(store, held.run)
    question = a_question(held.run)
    assert await ask(store, held, question) == (held.run.id,)
    assert (await store.question(TENANT, question.id)).status == "withdrawn"
    assert (await get(store, held.run)).status == "queued"


async def test_finishing_withdraws_what_was_asked(store: SqlStore) -> None:
    held = await claimed(store, expires_at=await store.now() + timedelta(minutes=1))
    question = a_question(held.run)
    await ask(store, held, question)
    await advance(store, 61)
    await store.sweep(limit=1, redelivery=1)
    await finish(store, await claim(store, held.run), status="expired")
    assert (await store.question(TENANT, question.id)).status == "withdrawn"


# -- sleeping


async def test_a_run_sleeps_until_its_time(store: SqlStore) -> None:
    held = await claimed(store)
    assert await sleep(store, held, 3600) == ()
    run = await get(store, held.run)
    assert run.status == "sleeping"
    assert seconds(await store.now(), run.wake_at) == pytest.approx(3600, abs=4)
    assert await store.sweep(limit=10, redelivery=REDELIVERY) == ()
    await advance(store, 3601)
    assert await store.sweep(limit=10, redelivery=REDELIVERY) == (run.id,)
    run = await get(store, run)
    assert (run.status, run.fence, run.failures) == ("queued", 2, 0)


async def test_nobody_sleeps_longer_than_its_run_lives(store: SqlStore) -> None:
    held = await claimed(store)
    life = store.settings.run_ttl
    assert seconds(await store.now(), held.run.expires_at) == pytest.approx(life, abs=4)
    await sleep(store, held, life + 3600)
    run = await get(store, held.run)
    assert run.wake_at == run.expires_at == held.run.expires_at


async def test_a_message_wakes_a_sleeping_run_and_waits_behind_it(store: SqlStore) -> None:
    held = await claimed(store)
    await sleep(store, held)
    second = await accept(store, held.run.thread_id)
    assert second.send == (held.run.id,)
    woke = await entry(store, held.run, "woke:tool:0/c1")
    assert (woke.kind, woke.data) == ("woke", {"by": "message"})
    held = await claim(store, held.run)
    assert await sleep(store, held) == (held.run.id,)  # not while a message waits
    assert (await entry(store, held.run, "woke:tool:0/c2")).data == {"by": "message"}
    assert (await get(store, held.run)).status == "queued"
    assert await finish(store, await claim(store, held.run)) == (second.run.id,)


async def test_schedules_and_events_do_not_wake_a_sleeping_run(store: SqlStore) -> None:
    held = await claimed(store)
    await accept(store, held.run.thread_id, trigger="event")
    assert await sleep(store, held) == ()
    assert (await accept(store, held.run.thread_id, trigger="schedule")).send == ()
    assert (await get(store, held.run)).status == "sleeping"


async def test_a_cancelled_run_does_not_sleep(store: SqlStore) -> None:
    held = await claimed(store)
    await cancel(store, held.run)
    assert await sleep(store, held, event="paid") == (held.run.id,)
    assert await store.signal(an_event(), redelivery=1) == (True, ())


def an_event(**changes: Any) -> Event:
    return Event(**{"tenant": TENANT, "name": "paid", "source": "shop", "id": new_id(), "data": {"n": 1}, **changes})


async def test_an_event_wakes_the_runs_that_wait_for_it_once(store: SqlStore) -> None:
    runs = [await claimed(store) for _ in range(4)]
    for held, correlation in zip(runs, ["", "o1", "o2", "o1"], strict=True):
        await sleep(store, held, event="paid" if held is not runs[3] else "shipped", correlation=correlation)
    event = an_event(correlation="o1")
    assert await store.signal(an_event(tenant="other"), redelivery=1) == (True, ())
    fresh, send = await store.signal(event, redelivery=REDELIVERY)
    assert (fresh, sorted(send)) == (True, sorted([runs[0].run.id, runs[1].run.id]))
    assert (await entry(store, runs[0].run, "woke:tool:0/c1")).data == {"by": "event", "data": {"n": 1}}
    assert (await get(store, runs[1].run)).status == "queued"
    assert (await get(store, runs[2].run)).status == "sleeping"
    assert await store.signal(event, redelivery=1) == (False, ())
    assert await store.signal(an_event(correlation="o1"), redelivery=1) == (True, ())
    assert len(await keys(store, runs[0].run)) == 3


async def test_an_event_that_comes_before_the_run_sleeps_counts_from_the_call_on(store: SqlStore) -> None:
    runs = [await claimed(store) for _ in range(5)]
    await store.signal(an_event(correlation="o1", data={"n": 0}), redelivery=1)
    await advance(store, 10)
    called = await store.now()
    await store.signal(an_event(tenant="other", data={"n": 9}), redelivery=1)
    for n in (1, 2):
        assert await store.signal(an_event(correlation="o1", data={"n": n}), redelivery=1) == (True, ())
    waits = [("paid", ""), ("paid", "o1"), ("paid", "o2"), ("shipped", "")]
    sent = [
        await sleep(store, held, event=name, correlation=correlation, since=called)
        for held, (name, correlation) in zip(runs, waits, strict=False)
    ]
    assert sent == [(runs[0].run.id,), (runs[1].run.id,), (), ()]
    for held in runs[:2]:
        assert (await entry(store, held.run, "woke:tool:0/c1")).data == {"by": "event", "data": {"n": 1}}
    assert [(await get(store, held.run)).status for held in runs[:4]] == ["queued"] * 2 + ["sleeping"] * 2
    assert await sleep(store, runs[4], event="paid", since=await store.now() + timedelta(seconds=1)) == ()


async def test_an_event_that_comes_after_the_time_out_wakes_nobody(store: SqlStore) -> None:
    held = await claimed(store)
    await sleep(store, held, 60, event="paid")
    await advance(store, 61)
    await store.sweep(limit=1, redelivery=1)
    held = await claim(store, held.run)
    assert await store.signal(an_event(), redelivery=1) == (True, ())
    await sleep(store, held)  # for a time, and no longer for that event
    assert await store.signal(an_event(), redelivery=1) == (True, ())


# -- starting again


async def test_a_redrive_takes_the_steps_along_and_goes_to_the_threads_end(store: SqlStore) -> None:
    held = await claimed(store, expires_at=await store.now() + timedelta(hours=1))
    question = a_question(held.run)
    await store.append(held.lease, [step(0), Entry(key="delta", kind="delta", data={})])
    await ask(store, held, question)
    await cancel(store, held.run)
    held = await claim(store, held.run)
    second = (await accept(store, held.run.thread_id)).run
    with pytest.raises(NotRedrivable):
        await store.redrive(TENANT, held.run.id, new_id(), redelivery=REDELIVERY)
    await finish(store, held, status="cancelled")
    again = await store.redrive(TENANT, held.run.id, new_id(), redelivery=REDELIVERY)
    assert (again.send, again.run.position, again.run.trigger) == ((), 3, "redrive")
    assert (again.run.root_id, again.run.status, again.run.input) == (held.run.id, "queued", "hello")
    assert again.run.expires_at is not None
    assert await keys(store, again.run) == ["accepted", "model:0"]  # what was open is asked anew
    repeated = await store.redrive(TENANT, held.run.id, again.run.id, redelivery=REDELIVERY)
    assert repeated.run.id == again.run.id
    await finish(store, await claim(store, second))
    claim_again = await claim(store, again.run)
    assert claim_again.run.fence > held.run.fence  # keys that carry it stay unique
    with pytest.raises(NotFound):
        await store.redrive("other", held.run.id, new_id(), redelivery=1)


async def test_a_redrive_of_an_idle_thread_is_sent(store: SqlStore) -> None:
    held = await claimed(store)
    await finish(store, held, status="failed")
    again = await store.redrive(TENANT, held.run.id, new_id(), redelivery=REDELIVERY)
    assert again.send == (again.run.id,)
    assert (await thread_of(store, again.run)).head_id == again.run.id


async def test_a_redrive_takes_back_what_the_failed_run_left_at_the_end_of_the_history(store: SqlStore) -> None:
    first = await claimed(store)
    await finish(store, first, "before")
    held = await claimed(store, first.run.thread_id)
    await store.append(held.lease, [step(0)])
    await finish(store, held, "hello", "half", status="failed")
    again = await store.redrive(TENANT, held.run.id, new_id(), redelivery=REDELIVERY)
    thread = await thread_of(store, again.run)
    assert texts(await store.items(TENANT, thread.id)) == ["before"]
    assert (thread.item_count, again.run.history_end) == (1, 1)
    line = await entry(store, again.run, "accepted")
    assert (line.data["steps"], line.data.get("kept")) == (1, None)
    claim_again = await claim(store, again.run)
    assert texts(claim_again.items) == ["before"]
    await finish(store, claim_again, "hello", "half", "whole")
    assert texts(await store.items(TENANT, thread.id)) == ["before", "hello", "half", "whole"]
    assert (await thread_of(store, again.run)).item_count == 4


async def test_what_a_later_run_may_have_been_told_of_stays_and_is_noted(store: SqlStore) -> None:
    held = await claimed(store)
    await finish(store, held, "hello", "half", status="failed")
    await finish(store, await claimed(store, held.run.thread_id), "other")
    again = await store.redrive(TENANT, held.run.id, new_id(), redelivery=REDELIVERY)
    assert (await entry(store, again.run, "accepted")).data["kept"] == [[0, 2]]
    await finish(store, await claim(store, again.run), "more", status="failed")
    third = await store.redrive(TENANT, again.run.id, new_id(), redelivery=REDELIVERY)
    assert (await entry(store, third.run, "accepted")).data["kept"] == [[0, 2]]
    assert texts(await store.items(TENANT, held.run.thread_id)) == ["hello", "half", "other"]


async def test_what_a_summary_tells_of_stays(store: SqlStore) -> None:
    held = await claimed(store)
    await finish(store, held, "hello", status="failed", summary="they said hello", summary_until=1)
    again = await store.redrive(TENANT, held.run.id, new_id(), redelivery=REDELIVERY)
    assert (await entry(store, again.run, "accepted")).data["kept"] == [[0, 1]]


async def test_a_run_is_redriven_once_and_only_while_its_journal_is_kept(store: SqlStore) -> None:
    held = await claimed(store)
    await finish(store, held, status="failed")
    again = await store.redrive(TENANT, held.run.id, new_id(), redelivery=REDELIVERY)
    with pytest.raises(NotRedrivable, match=again.run.id):
        await store.redrive(TENANT, held.run.id, new_id(), redelivery=REDELIVERY)
    await finish(store, await claim(store, again.run), status="failed")
    await advance(store, 1001)
    while await store.prune(entries_after=1000, limit=10):
        pass
    with pytest.raises(NotRedrivable, match="AGENTCORE_RETENTION"):
        await store.redrive(TENANT, again.run.id, new_id(), redelivery=REDELIVERY)
