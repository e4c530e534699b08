"""What tests of the store repeat."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text

from agentcore.ids import new_id
from agentcore.records import Accepted, Claim, Entry, Finish, Item, Question, Run, Schedule, Thread, Wait
from agentcore.store.sql import SqlStore

TENANT = "acme"
KILL_OTHERS = text(
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() "
    "and pid <> pg_backend_pid()"
)
LEASE = 30.0
REDELIVERY = 60.0


def a_run(thread_id: str | None = None, **changes: Any) -> Run:
    fields = {"id": new_id(), "tenant": TENANT, "agent": "support", "input": "hello", **changes}
    return Run(thread_id=thread_id or new_id(), **fields)


def step(n: int = 0, **data: Any) -> Entry:
    return Entry(key=f"model:{n}", kind="model", data=data)


def delta(n: int) -> Entry:
    return Entry(key=f"delta:{n}", kind="delta", data={"text": "a"})


def message(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def a_question(run: Run, **changes: Any) -> Question:
    fields: dict[str, Any] = {
        "id": new_id(), "tenant": run.tenant, "run_id": run.id, "thread_id": run.thread_id, "kind": "approval",
        "key": "tool:0/c1", "call_id": "c1", "agent": run.agent, "tool": "refund", "arguments": {"amount": 5},
        "arguments_hash": "h1",
    }  # fmt: skip
    return Question(**{**fields, **changes})


def a_schedule(due_at: datetime, **changes: Any) -> Schedule:
    return Schedule(
        **{"id": new_id(), "tenant": TENANT, "agent": "support", "input": "wake", "due_at": due_at, **changes}
    )


async def accept(store: SqlStore, thread_id: str | None = None, **options: Any) -> Accepted:
    terms = {"redelivery", "multitask", "explicit", "idempotency_key", "request_hash", "lease", "window", "creates"}
    given = {name: value for name, value in options.items() if name in terms}
    fields = {name: value for name, value in options.items() if name not in terms}
    return await store.accept(a_run(thread_id, **fields), **{"redelivery": REDELIVERY, **given})


async def claim(store: SqlStore, run: Run | str, window: int = 10) -> Claim:
    found = await store.claim(run if isinstance(run, str) else run.id, lease=LEASE, window=window)
    assert found is not None
    return found


async def claimed(store: SqlStore, thread_id: str | None = None, **options: Any) -> Claim:
    accepted = await accept(store, thread_id, **options)
    return await claim(store, accepted.run)


async def finish(store: SqlStore, claim: Claim, *items: str, **end: Any) -> tuple[str, ...]:
    ended = Finish(**{"status": "succeeded", "output": "done", "items": [message(text) for text in items], **end})
    entry = Entry(key="finished", kind="finished", data={})
    _, send = await store.finish(claim.lease, [entry], ended, redelivery=REDELIVERY)
    return send


async def ask(store: SqlStore, claim: Claim, *questions: Question) -> tuple[str, ...]:
    shown = [{"id": q.id, "key": q.key, "call_id": q.call_id} for q in questions]
    entry = Entry(key=f"asked:{claim.run.fence}", kind="asked", data={"questions": shown})
    return await store.pause(claim.lease, [entry], Wait(questions=questions), redelivery=REDELIVERY)


async def decide(store: SqlStore, question: Question, decision: Any = "approve", **options: Any) -> tuple[str, ...]:
    fields = {"arguments_hash": None, "by": "kim", "note": None, "result": None, "redelivery": REDELIVERY}
    _, send = await store.decide(TENANT, question.id, decision, **{**fields, **options})
    return send


async def get(store: SqlStore, run: Run) -> Run:
    return await store.run(TENANT, run.id)


async def thread_of(store: SqlStore, run: Run) -> Thread:
    return await store.thread(TENANT, run.thread_id)


async def keys(store: SqlStore, run: Run) -> list[str]:
    _, entries = await store.entries(TENANT, run.id)
    return [entry.key for entry in entries]


async def entry(store: SqlStore, run: Run, key: str) -> Entry:
    _, entries = await store.entries(TENANT, run.id)
    return next(e for e in entries if e.key == key)


def texts(items: Sequence[Item]) -> list[str]:
    return [item.data["content"] for item in items]


def seconds(start: datetime, end: datetime | None) -> float:
    assert end is not None
    return (end - start) / timedelta(seconds=1)
