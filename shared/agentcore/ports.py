"""Everything outside the process, on one page. Adapters are chosen by URL and joined in `app.build`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import date, datetime
from typing import Any, Protocol

from agentcore.records import (
    Accepted,
    Ack,
    ApiKey,
    Backlog,
    Checkpoint,
    Claim,
    Decision,
    Delivery,
    Entry,
    Event,
    Finish,
    Item,
    Lease,
    Message,
    Multitask,
    Pause,
    Question,
    Run,
    Schedule,
    State,
    StoreItem,
    Thread,
    Usage,
)  # fmt: skip


class Hints(Protocol):
    """How processes hear at once what they would find by polling. Nothing depends on it."""

    async def notify(self, channel: str, *payloads: str) -> None:
        """Tell other processes each of these, where that can be done. Never inside a transaction."""
        ...

    def listen(self, channel: str) -> AbstractAsyncContextManager[AsyncIterator[str]] | None:
        """Payloads as they come, until the connection is lost; None where there is no such thing, so poll."""
        ...


class Shared(Hints, Protocol):
    """What the processes share beside the database, and only to be helped: hints, and how often callers call.

    Without it, or while it is away, nothing is lost or wrong.
    """

    async def take(self, caller: str, *, rate: float, burst: int) -> float | None:
        """Count a call: 0, or the seconds until it may be made. None: it does not know now. Never raises."""
        ...

    async def check(self) -> str:
        """How it is, in a few words. Raises Misconfigured, naming the setting and the fix."""
        ...

    async def close(self) -> None: ...


class StateStore(Hints, Protocol):
    """The one place where state lives. Each verb is one transaction; all times are the database's.

    Verbs that leave runs to be looked at return their ids: the caller sends them on the bus after the commit.
    `redelivery` is how many seconds after a send its message counts as lost.
    """

    # -- life
    async def open(self) -> None: ...
    async def close(self) -> None: ...
    async def migrate(self) -> None:
        """Bring the schema to this version; safe to run twice, and from two places at once."""
        ...

    def new_id(self) -> str:
        """A UUID of the kind that suits the database's indexes."""
        ...

    async def now(self) -> datetime:
        """The database's clock, UTC."""
        ...

    # -- threads
    async def create_thread(self, thread: Thread) -> tuple[Thread, bool]:
        """The thread, and whether it is new. One that exists under another tenant raises Conflict."""
        ...

    async def thread(self, tenant: str, thread_id: str) -> Thread: ...
    async def count_threads(self, tenant: str, *, most: int) -> int:
        """How many threads the tenant has; counting ends at `most`."""
        ...

    async def state(self, tenant: str, thread_id: str, *, items: int = 0) -> State:
        """The thread with its status, its values and the newest `items` of its messages."""
        ...

    async def states(
        self, tenant: str, *, metadata: Mapping[str, Any] | None = None, values: Mapping[str, Any] | None = None,
        status: str | None = None, limit: int = 50, offset: int = 0, items: int = 0,
    ) -> list[State]:  # fmt: skip
        """The same of threads that contain this metadata and these values (see `agentcore.matching`), newest first."""
        ...

    async def checkpoints(
        self, tenant: str, thread_id: str, *, limit: int, before: int | None = None
    ) -> list[Checkpoint]:
        """What the thread was after its runs and revisions, newest first. NotFound (thread, the one before)."""
        ...

    async def checkpoint_at(self, tenant: str, thread_id: str, position: int | None = None) -> Checkpoint | None:
        """The newest checkpoint up to a position (none: of all), if there is any. NotFound (thread)."""
        ...

    async def patch_thread(
        self, tenant: str, thread_id: str, *, metadata: Mapping[str, Any] | None = None,
        values: Mapping[str, Any] | None = None, items: Sequence[Mapping[str, Any]] | None = None,
        at: int | None = None,
    ) -> Thread:  # fmt: skip
        """Merge metadata; values and items make a revision, on the state of the checkpoint `at` (none: the newest).

        Raises NotFound, ThreadBusy (values or items while a run is unfinished), Invalid (too large in all).
        """
        ...

    async def copy_thread(self, tenant: str, thread_id: str, new_id: str, *, at: int | None = None) -> Thread:
        """A new, idle thread with the state and the checkpoints up to `at` (none: the newest). NotFound."""
        ...

    async def delete_thread(self, tenant: str, thread_id: str) -> None:
        """Delete a thread with all it owns. NotFound, ThreadBusy."""
        ...

    async def items(self, tenant: str, thread_id: str, *, start: int = 0, end: int | None = None) -> list[Item]:
        """History by position, start included and end excluded."""
        ...

    # -- accepting
    async def accept(
        self, run: Run, *, redelivery: float, multitask: Multitask = "enqueue", explicit: bool = False,
        idempotency_key: str | None = None, request_hash: str = "", lease: float | None = None, window: int = 0,
        creates: bool = True,
    ) -> Accepted:  # fmt: skip
        """Insert a run at its thread's end (creating the thread where it does not exist, unless `creates` is False).

        With `lease`, a run that is at once the head is inserted running and returned as a claim.
        `explicit`: the caller named `multitask`, so a waiting head is no error (InputRequired).
        Raises ThreadBusy, InputRequired, EffectsHappened, IdempotencyMismatch, NotFound (another tenant's thread).
        """
        ...

    async def redrive(self, tenant: str, run_id: str, new_id: str, *, redelivery: float) -> Accepted:
        """A new run at the thread's end with a copy of the journal's steps and the same root. NotRedrivable."""
        ...

    # -- a worker's verbs
    async def claim(self, run_id: str, *, lease: float, window: int) -> Claim | None:
        """Take a queued run, or a running one whose lease expired. None: nothing to do, drop the message.

        A takeover or requeue that follows an attempt without a new step raises `failures`. `window` is how many of
        the newest items to load.
        """
        ...

    async def append(self, lease: Lease, entries: Sequence[Entry], *, renew: float | None = None) -> Ack:
        """Write entries in order; `renew` moves the lease's end to that many seconds from now. LeaseLost.

        An entry whose key exists is left as it is: after an ambiguous commit the same append is simply repeated.
        """
        ...

    async def renew(self, lease: Lease, seconds: float) -> Ack:
        """The heartbeat. LeaseLost."""
        ...

    async def held(self, lease: Lease) -> Ack:
        """Whether the run is still held, and whether somebody asked it to stop, without writing. LeaseLost."""
        ...

    async def pause(
        self, lease: Lease, entries: Sequence[Entry], to: Pause, *, redelivery: float, repeat: bool = False
    ) -> tuple[str, ...]:
        """Append, and let go of the unfinished run. LeaseLost.

        `repeat`: the same was tried before, and may have been committed; then the answer is what it would have been.
        A Sleep while messages wait behind the run does not sleep: `woke` (by: message) is written and it is queued.
        """
        ...

    async def finish(
        self, lease: Lease, entries: Sequence[Entry], end: Finish, *, redelivery: float, repeat: bool = False
    ) -> tuple[Ack, tuple[str, ...]]:
        """Append, end the run, store its items, promote its successor: one transaction. LeaseLost.

        `repeat`: as with `pause`.
        """
        ...

    async def expire_questions(self, lease: Lease) -> tuple[Entry, ...]:
        """Settle the claimed run's overdue questions by their policy; the `decided` entries that were written."""
        ...

    # -- what others do to a run
    async def cancel(self, tenant: str, run_id: str, action: str, *, redelivery: float) -> tuple[Run, tuple[str, ...]]:
        """Ask a run to stop (action: interrupt or rollback). A terminal run is returned as it is. EffectsHappened."""
        ...

    async def decide(
        self, tenant: str, question_id: str, decision: Decision, *, arguments_hash: str | None, by: str,
        note: str | None, result: Any, redelivery: float,
    ) -> tuple[Question, tuple[str, ...]]:  # fmt: skip
        """Settle a question; the run is queued once none is pending. AlreadyDecided, ArgumentsChanged."""
        ...

    async def signal(self, event: Event, *, redelivery: float) -> tuple[bool, tuple[str, ...]]:
        """Wake the runs that wait for this event. False: this (source, id) was seen before, nothing was done."""
        ...

    # -- reading
    async def run(self, tenant: str, run_id: str) -> Run: ...
    async def known(self, run_id: str) -> bool:
        """Whether there is such a run at all, whoever's. For a message that nothing could be claimed for."""
        ...

    async def runs(
        self, tenant: str, *, thread_id: str | None = None, status: Sequence[str] = (), agent: str | None = None,
        metadata: Mapping[str, Any] | None = None, limit: int = 50, offset: int = 0,
    ) -> list[Run]: ...  # fmt: skip
    async def delete_run(self, tenant: str, run_id: str) -> None:
        """Delete an ended run and its journal. What was said, and its checkpoint, stay. NotFound, RunUnfinished."""
        ...

    async def entries(
        self, tenant: str, run_id: str, *, after: int = 0, limit: int = 1000, size: int | None = None
    ) -> tuple[Run, list[Entry]]:
        """The run and its journal after `after`, deltas included, read at one moment. `size`: the last entry is the
        one with which their data come to so many characters."""
        ...

    async def run_at(self, tenant: str, thread_id: str, position: int) -> Run | None:
        """The first run of a thread at or after a position."""
        ...

    async def question(self, tenant: str, question_id: str) -> Question: ...
    async def questions(
        self, tenant: str, *, status: str | None = "pending", run_id: str | None = None, thread_id: str | None = None,
        limit: int = 50, offset: int = 0,
    ) -> list[Question]: ...  # fmt: skip

    # -- what was used, and what is to be done
    async def usage(
        self, tenant: str, *, first: date, last: date, agent: str | None = None, limit: int = 1000, offset: int = 0
    ) -> list[Usage]:
        """Tokens by agent and day, from one day to another (both included, UTC), the newest day first.

        A run counts on the day on which it was accepted, and its tokens once it has ended: only then are they stored
        with it. What was deleted counts no more.
        """
        ...

    async def backlog(self) -> Backlog:
        """How much is unfinished, and how old the queue is. System wide; its cost does not grow with what there is.

        A run that a time has woken (from a sleep, a back-off, a question that expired) has no age until it is taken.
        """
        ...

    # -- the clock's verbs (system wide)
    async def sweep(self, *, limit: int, redelivery: float) -> tuple[str, ...]:
        """Take due runs: each becomes queued with a raised fence and a later wake_at. Ten sweepers share them."""
        ...

    async def ring(
        self, *, limit: int, redelivery: float, versions: Mapping[str, str] | None = None
    ) -> tuple[int, tuple[str, ...]]:
        """Turn due schedules into runs, each (schedule, due time) once. How many rang, and the ids to send.

        `versions` are those of the agents, for their runs.
        """
        ...

    async def prune(self, *, entries_after: float, limit: int) -> int:
        """Delete what retention lets go: journals of runs that ended longer ago (seconds), spent keys.

        And deliveries that were settled, and schedules that rang for good (no cron; not those that somebody paused).
        """
        ...

    async def purge_deleted(self, *, after: float, limit: int) -> int:
        """Delete threads that their run's end deleted longer ago (seconds), with their runs; how many there were."""
        ...

    async def release_leases(self) -> int:
        """Make every lease and every message under way count as lost now; how many there were.

        For `dev`, alone on its database, taking over from its dead predecessor.
        """
        ...

    async def parked(self, *, after: str = "", limit: int, window: int) -> list[Claim]:
        """Unfinished runs that have begun, by id, as a claim would return them, with nothing taken. For preflight."""
        ...

    # -- schedules
    async def put_schedule(self, schedule: Schedule, *, most: int, keep: bool = False) -> Schedule:
        """Insert or replace; with `keep` one that is there, rung or not, stays as it is.

        LimitExceeded when the tenant (or the thread it names) would have more than `most`.
        """
        ...

    async def schedules(
        self, tenant: str, *, thread_id: str | None = None, limit: int = 50, offset: int = 0
    ) -> list[Schedule]: ...
    async def schedule(self, tenant: str, schedule_id: str) -> Schedule: ...
    async def change_schedule(
        self, tenant: str, schedule_id: str, change: Callable[[Schedule, datetime], Schedule]
    ) -> Schedule:
        """Replace a schedule by what `change` makes (or raises) of it, while it cannot ring. LimitExceeded.

        `change` is pure, as it may be called again; the time it is given is the database's.
        """
        ...

    async def ring_now(
        self, tenant: str, schedule_id: str, run_id: str, *, redelivery: float, version: Callable[[str], str],
        idempotency_key: str | None = None,
    ) -> Accepted:  # fmt: skip
        """Start a run of a schedule, whatever its time and state, and leave its time as it is.

        `version` is that of the agent it is given.
        """
        ...

    async def ringing(self, tenant: str, thread_id: str, *, limit: int) -> list[Schedule]:
        """The thread's schedules that are switched on: neither those that rang for good, nor paused ones."""
        ...

    async def delete_schedule(self, tenant: str, schedule_id: str, *, thread_id: str | None = None) -> None:
        """NotFound; with `thread_id` also for one that is not that thread's."""
        ...

    async def drop_schedules(self, tenant: str, origin: str, *, keep: Sequence[str]) -> int:
        """Delete the schedules that came from the registrations of this module and are not among `keep`."""
        ...

    # -- webhooks
    async def take_deliveries(self, *, limit: int, lease: float, delivery_id: str | None = None) -> list[Delivery]:
        """Claim deliveries that are due (or this one, if it is), each for one attempt of at most `lease` seconds."""
        ...

    async def settle_delivery(
        self, taken: Delivery, outcome: str, *, answered: int | None = None, error: str | None = None, wait: float = 0.0
    ) -> None:
        """Say what became of an attempt: delivered, failed, or pending for another one after `wait` seconds.

        Nothing happens when it was taken or asked for again meanwhile.
        """
        ...

    async def deliveries(self, tenant: str, run_id: str, *, limit: int = 50, offset: int = 0) -> list[Delivery]: ...
    async def redeliver(self, tenant: str, run_id: str, delivery_id: str) -> Delivery:
        """Make a delivery due now, with all its attempts before it."""
        ...

    # -- the store: documents beside the threads
    async def put_store_item(self, tenant: str, namespace: Sequence[str], key: str, value: Mapping[str, Any]) -> None:
        """Insert or replace."""
        ...

    async def store_item(self, tenant: str, namespace: Sequence[str], key: str) -> StoreItem: ...
    async def delete_store_item(self, tenant: str, namespace: Sequence[str], key: str) -> None: ...
    async def search_store(
        self, tenant: str, *, prefix: Sequence[str] = (), filter: Mapping[str, Any] | None = None, limit: int,
        offset: int = 0,
    ) -> list[StoreItem]:  # fmt: skip
        """Items in a namespace and below it whose value contains `filter`, by namespace and key.

        Contains: an object has those fields, each containing what is asked for; an array has those elements in any
        order; anything else is equal. With a filter the first `search_rows` items are looked at.
        """
        ...

    async def store_namespaces(
        self, tenant: str, *, prefix: Sequence[str] = (), suffix: Sequence[str] = (), max_depth: int | None = None,
        limit: int, offset: int = 0,
    ) -> list[tuple[str, ...]]:  # fmt: skip
        """Namespaces that have items, in order, each once; deeper ones are cut off at `max_depth` parts."""
        ...

    # -- API keys
    async def add_key(self, key: ApiKey) -> ApiKey: ...
    async def live_key(self, key_id: str) -> ApiKey | None:
        """The key unless it is unknown, revoked or expired. Takes no tenant, as the key is what tells it."""
        ...

    async def keys(self, tenant: str, *, limit: int = 100, offset: int = 0) -> list[ApiKey]:
        """Also those that are revoked or expired, the newest first."""
        ...

    async def revoke_key(self, tenant: str, key_id: str) -> ApiKey:
        """End a key's life; one that was revoked before is returned as it is."""
        ...

    # -- for readers
    async def progress(self, runs: Sequence[str], threads: Sequence[str]) -> Mapping[str, tuple[int, str]]:
        """How far these are, so that readers know when to read: of a run its last_seq, and its status and fence with a
        blank between; of a thread its next position. System wide, for readers that were let in; unknown ids are left
        out."""
        ...


class Bus(Protocol):
    """Carries run ids, and events from outside. It may lose, repeat, delay and reorder them.

    What was received and not settled when its process died comes again. A message is settled once its run is claimed:
    nothing holds a message for as long as a run takes.
    """

    redelivery: float  # seconds after which a sent id counts as lost and is swept up

    async def send(self, run_ids: Sequence[str], *, delay: float = 0.0) -> None:
        """Send them all. Where it raises, some may have gone.

        `delay` (seconds): they are wanted no sooner. A bus that cannot wait, or not so long, sends nothing: the sweep
        is the clock.
        """
        ...

    async def receive(self, *, limit: int, wait: float) -> Sequence[Message]:
        """Up to `limit` messages; an empty answer after about `wait` seconds of nothing.

        Raises Misconfigured where no later try will do: refused credentials, no such queue.
        """
        ...

    async def ack(self, message: Message) -> None:
        """It has done its work."""
        ...

    async def retry(self, message: Message, *, delay: float) -> None:
        """Let it come again, not sooner than after about `delay` seconds where the bus can wait."""
        ...

    async def dead_letter(self, message: Message, reason: str) -> None:
        """Put it aside, for a person to look at."""
        ...

    async def bury(self, body: bytes, attributes: Mapping[str, str], reason: str) -> None:
        """Put a copy among the dead letters: of a message that the host received, and settles, itself.

        Raises NotImplementedError where the bus lets only the receiver do that.
        """
        ...

    async def check(self) -> str:
        """What there is at the URL, in a few words. Raises Misconfigured, naming the setting and the fix."""
        ...

    async def close(self) -> None: ...
