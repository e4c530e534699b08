"""What flows between the layers: frozen rows, and pure questions asked of them.

A *run* is a row, its *journal* is the append-only list of its entries, and a bus message is only the run's id.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

Status = Literal["queued", "running", "waiting", "sleeping", "succeeded", "failed", "cancelled", "expired"]
Trigger = Literal["message", "schedule", "event", "redrive"]
Multitask = Literal["reject", "enqueue", "interrupt", "rollback"]
Effect = Literal["read", "idempotent", "once"]
Kind = Literal[
    "accepted", "input", "model", "delta", "tool_started", "tool", "handoff", "asked", "decided",
    "slept", "woke", "yielded", "retried", "finished", "failed", "cancelled", "custom",
]  # fmt: skip
QuestionKind = Literal["approval", "outcome"]
QuestionStatus = Literal["pending", "approved", "rejected", "happened", "again", "gave_up", "expired", "withdrawn"]
Decision = Literal["approve", "reject", "happened", "again", "give_up"]
Overlap = Literal["skip", "queue"]
Misfire = Literal["once", "all", "skip"]
DeliveryStatus = Literal["pending", "delivered", "failed"]
ThreadStatus = Literal["idle", "busy", "interrupted", "error"]
Source = Literal["run", "update", "fork", "copy"]

TERMINAL: frozenset[str] = frozenset({"succeeded", "failed", "cancelled", "expired"})
STEPS: frozenset[str] = frozenset({"model", "tool", "woke", "decided"})
"""Kinds of entry that count as progress: a slice that adds none of them counts as a failure."""


@dataclass(frozen=True, kw_only=True)
class Thread:
    """A conversation. Its runs execute one at a time, in the order they were accepted."""

    id: str
    tenant: str
    agent: str
    metadata: Mapping[str, Any] = field(default_factory=dict)
    next_position: int = 1  # of the run accepted next
    head_id: str | None = None  # the unfinished run at the front, which alone has a wake_at
    item_count: int = 0  # messages of history; the next one's position
    summary: str | None = None  # of all items before summary_until
    summary_until: int = 0
    state: Mapping[str, Any] | None = None  # its values at the newest revision; what later runs wrote comes on top
    revision: int | None = None  # the position of the newest revision
    branch_start: int | None = None  # where its messages begin: items before belong to a branch that was left
    created_at: datetime | None = None
    updated_at: datetime | None = None
    expires_at: datetime | None = None
    deleted_at: datetime | None = None  # set by a run that says so at its end: for clients it is no longer there


@dataclass(frozen=True, kw_only=True)
class Run:
    """One piece of work on a thread."""

    id: str
    tenant: str
    thread_id: str
    agent: str
    input: Any  # a string, or a list of the SDK's input items
    root_id: str = ""  # the first run of a chain of redrives: what idempotency keys are made from
    agent_version: str = "1"
    trigger: Trigger = "message"
    position: int = 0  # in the thread
    status: Status = "queued"
    output: Any = None
    error: Mapping[str, Any] | None = None  # {"code", "message"}
    metadata: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)  # what the caller asked for: max_turns…
    request: Mapping[str, Any] | None = None  # what else the caller said: given, as, on_completion, stream_mode…
    webhook: str | None = None  # where the end of the run is told
    deltas: bool = True  # somebody may read token deltas
    wake_at: datetime | None = None  # when somebody must look at it
    fence: int = 0  # raised by each claim; every write of a worker carries it
    failures: int = 0  # attempts in a row that added no step
    last_seq: int = 0  # of the journal
    claimed_seq: int = 0  # last_seq when the current claim was made
    history_end: int = 0  # the thread's item_count when this run became the head
    cancel_requested: Literal["interrupt", "rollback"] | None = None
    usage: Mapping[str, int] = field(default_factory=dict)
    expires_at: datetime | None = None
    created_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def terminal(self) -> bool:
        return self.status in TERMINAL


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of a run's journal. `key` says what the step is and is unique in the run."""

    key: str
    kind: Kind
    data: Any
    seq: int = 0  # given by the store
    created_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Item:
    """One message of a thread's history, as the SDK's input item."""

    position: int
    data: Mapping[str, Any]
    run_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """What a thread was after one of its runs, or after a revision: it is named by thread and position."""

    position: int
    begin: int  # the thread's item_count before
    start: int  # of its messages
    end: int
    values: Mapping[str, Any]
    source: Source
    run_id: str | None = None
    created_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class State:
    """A thread as clients see it now."""

    thread: Thread
    status: ThreadStatus
    values: Mapping[str, Any] = field(default_factory=dict)
    items: tuple[Item, ...] = ()  # the newest of its messages, by position


@dataclass(frozen=True, kw_only=True)
class Lease:
    """What a worker shows with each write: the run, and the fence it was given."""

    run_id: str
    fence: int


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A run taken by one worker, with all it needs to go on."""

    run: Run
    entries: tuple[Entry, ...]  # the whole journal but its deltas, by seq
    items: tuple[Item, ...]  # the newest of the thread's history before this run, by position
    summary: str | None = None
    summary_until: int = 0
    next_position: int = 0  # the thread's, so that finish knows whether anything waits behind
    at: float = field(default_factory=time.monotonic, compare=False)  # when it was taken, by this process's clock

    @property
    def lease(self) -> Lease:
        return Lease(run_id=self.run.id, fence=self.run.fence)


@dataclass(frozen=True, kw_only=True)
class Ack:
    """The store's answer to a write under a lease."""

    last_seq: int
    cancel_requested: Literal["interrupt", "rollback"] | None = None
    at: datetime | None = None  # when it was written


@dataclass(frozen=True, kw_only=True)
class Question:
    """One thing asked of a person: may this tool run, or what became of that call."""

    id: str
    tenant: str
    run_id: str
    thread_id: str
    kind: QuestionKind
    key: str  # of the tool call in the journal: tool:{scope}/{call_id}
    call_id: str
    agent: str
    tool: str
    arguments: Any
    arguments_hash: str  # what the decision is bound to
    status: QuestionStatus = "pending"
    on_expiry: Literal["reject", "fail"] = "reject"
    expires_at: datetime | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None
    note: str | None = None
    result: Any = None  # for an outcome that happened: what the tool returned
    created_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """One alarm clock: at each due time it starts a run on its thread (or on a new one)."""

    id: str
    tenant: str
    agent: str
    input: Any
    due_at: datetime  # the next time it rings
    thread_id: str | None = None
    name: str = ""
    cron: str | None = None  # none: it rings once
    timezone: str = "UTC"  # an IANA name
    overlap: Overlap = "queue"  # when its last run is still going
    misfire: Misfire = "once"  # when its time was missed
    enabled: bool = True
    last_run_id: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    origin: str | None = None  # the module whose registration brought it; none: people and agents did
    created_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """What a run's webhook is told, and how far that got. Its id is the message's, the same on each attempt."""

    id: str
    tenant: str
    run_id: str
    status: DeliveryStatus = "pending"
    attempts: int = 0  # in all; each claim raises it, and only the last one may settle it
    tries: int = 0  # of them since it was last asked for
    due_at: datetime | None = None  # of the next attempt; none: it is settled
    attempted_at: datetime | None = None
    last_status: int | None = None  # what the receiver answered, if it did
    last_error: str | None = None
    created_at: datetime | None = None
    finished_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class StoreItem:
    """A document that agents and clients keep beside their threads (Agent Protocol: Item)."""

    tenant: str
    namespace: tuple[str, ...]
    key: str
    value: Mapping[str, Any]
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened outside, as a CloudEvent's attributes (CloudEvents 1.0, section 3)."""

    tenant: str
    name: str  # CloudEvents: type
    source: str
    id: str  # unique within its source
    data: Any = None
    correlation: str = ""  # CloudEvents: subject. Which of the waiting runs it is for


@dataclass(frozen=True, kw_only=True)
class ApiKey:
    """What a program shows to call the HTTP API. Its secret is not here, only the hash of it."""

    id: str
    tenant: str
    name: str
    hash: str = field(repr=False)  # SHA-256 of the secret, in hexadecimal
    scopes: tuple[str, ...]
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    created_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What an agent's runs that were accepted on one day have used, those of other agents inside them included."""

    agent: str
    day: date  # UTC
    runs: int  # also those that have not ended, whose tokens are not known yet
    requests: int  # to models
    input_tokens: int
    output_tokens: int
    total_tokens: int
    cached_tokens: int  # of the input
    reasoning_tokens: int  # of the output


@dataclass(frozen=True, kw_only=True)
class Backlog:
    """What is unfinished, all tenants together."""

    runs: Mapping[str, int]  # by status; past 10,000 it is at least so many
    queue_age: float  # seconds since the oldest queued run could have begun, or gone on; 0: none is queued


@dataclass(frozen=True, kw_only=True, eq=False)
class Message:
    """One thing off the bus: a run's id, an event from outside, or neither. It may come twice, late, in any order."""

    run_id: str = ""
    event: Event | None = None
    flaw: str = ""  # why it is neither: it belongs in the dead letter
    attempt: int = 1  # how often it has come, as far as the bus counts
    receipt: Any = None  # what its bus needs in order to settle it


def effects_started(entries: Sequence[Entry]) -> bool:
    """Whether a tool that changes the world may have started, so that the run's work cannot be dropped.

    A call that waits for an approval, or was refused one, has not started.
    """
    if any(e.kind == "tool_started" for e in entries):
        return True
    approved = {e.data["question"] for e in entries if e.kind == "decided" and e.data["decision"] == "approve"}
    asked = [q for e in entries if e.kind == "asked" for q in e.data["questions"]]
    held = {q["call_id"] for q in asked} - {q["call_id"] for q in asked if q["id"] in approved}
    effects = [(e.data or {}).get("effects") or {} for e in entries if e.kind == "model"]
    return any(call not in held and kind != "read" for calls in effects for call, kind in calls.items())


# How a worker lets go of a run. `finish` ends it; these leave it unfinished.


@dataclass(frozen=True, kw_only=True)
class Requeue:
    """Go on later: after a yield at once, after a transient failure when the back-off has passed."""

    delay: float = 0.0  # seconds
    failed: bool = False  # counts towards max_failures when the attempt added no step


@dataclass(frozen=True, kw_only=True)
class Wait:
    """Wait for a person: the questions are written with the pause."""

    questions: Sequence[Question]


@dataclass(frozen=True, kw_only=True)
class Sleep:
    """Sleep until a time, or until an event comes (then `until` is the time-out)."""

    key: str  # of the call that sleeps: its `woke` entry is woke:{key}
    until: datetime
    event: str | None = None
    correlation: str = ""
    since: datetime | None = None  # when it was decided to wait: what came from then on counts


Pause = Requeue | Wait | Sleep


@dataclass(frozen=True, kw_only=True)
class Finish:
    """The end of a run: everything here is one transaction with the wake-up of its successor."""

    status: Literal["succeeded", "failed", "cancelled", "expired"]
    output: Any = None
    error: Mapping[str, Any] | None = None
    items: Sequence[Mapping[str, Any]] = ()
    usage: Mapping[str, int] = field(default_factory=dict)
    summary: str | None = None  # set: replaces the thread's
    summary_until: int = 0


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """The answer to a new run. `send` are the ids to put on the bus, in order."""

    run: Run
    created: bool  # False: the idempotency key was seen before, `run` is that run
    send: tuple[str, ...] = ()
    claim: Claim | None = None  # set when the caller asked to execute it himself, and could
