"""Record or replay: the only place that decides whether a step happens again.

Appends of one run are one FIFO with at most one write under way, so a model response is never stored before the tool
results it saw. What need not be durable before the run goes on is written while it goes on.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, NoReturn, TypeVar

from agentcore.errors import AgentCoreError, LeaseLost, Unavailable
from agentcore.events import Delta
from agentcore.logs import brief, trace
from agentcore.ports import StateStore
from agentcore.records import STEPS, Ack, Claim, Entry, Lease, Pause

T = TypeVar("T")

log = logging.getLogger("agentcore.journal")
LINGER = 0.05  # seconds that a step nobody waits for may stay unwritten, to share the next write
PATIENCE = 0.5  # seconds that whoever watches the deadline waits for the database
ALWAYS = float("inf")  # for what is worth storing only with what follows


@dataclass(frozen=True, kw_only=True)
class Suspension:
    """Why a slice stops before its run has ended. The one of the highest rank wins."""

    rank: int
    pause: Pause | None = None
    entries: tuple[Entry, ...] = ()
    error: AgentCoreError | None = None
    cancel: bool = False


YIELD, RETRY, SLEEP, FATAL, CANCEL, LOST = range(6)


class Suspended(BaseException):
    """Unwinds the SDK at the model seam. Not an Exception: nested agents turn those into text for the model."""


class Journal:
    """The journal of one claimed run, and the state of the slice that works on it."""

    def __init__(
        self, store: StateStore, claim: Claim, *, lease: float, delta_seconds: float = 0.1,
        publish: Callable[..., None] | None = None, frozen: bool = False, kept: Mapping[Lease, float] | None = None,
    ) -> None:  # fmt: skip
        self.run = claim.run
        self.loop = asyncio.get_running_loop()  # all that touches the journal happens here
        self.frozen = frozen  # a preflight: nothing fresh may happen
        self.suspension: Suspension | None = None
        self.progressed = False  # a step was added in this slice
        self.stopped = False  # something was unwound, or given a placeholder: no result of the Runner counts
        self.rollback = False  # somebody asked, while it ran, that the work be dropped
        self._store, self._lease, self._lease_seconds = store, claim.lease, lease
        self._publish = publish or (lambda *_: None)
        self._seen = {entry.key: entry for entry in claim.entries}
        self._pending: list[Entry] = []  # not yet handed to the store
        self._wanted = False  # something of it is to be written now, and takes the rest along
        self._writer: asyncio.Task[None] | None = None
        self._last_seq = claim.run.last_seq
        self._renewed, self._kept = claim.at, {} if kept is None else kept
        self._beat: asyncio.Task[Ack] | None = None
        self._active: set[Step] = set()
        self._blocked: set[Step] = set()  # steps that wait for a model call inside them, which waits at the seam
        self.gone: asyncio.Future[None] = self.loop.create_future()  # done: threads are waited for no longer
        self.beside: set[concurrent.futures.Future[Any]] = set()  # runs that the threads of sync tools wait for
        self._closed = False
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._models: set[asyncio.Task[Any]] = set()
        self._deltas: list[dict[str, str]] = []
        self._delta_index = 0
        self._delta_seconds = delta_seconds
        self._held: deque[Delta] = deque()  # deltas that came while earlier entries were on their way to the store

    # -- the record

    def get(self, key: str) -> Any:
        """The data of the entry of that key, or None."""
        entry = self._seen.get(key)
        return None if entry is None else entry.data

    @property
    def entries(self) -> list[Entry]:
        """Everything recorded, in order, whether or not it is stored yet."""
        return list(self._seen.values())

    def add(self, entry: Entry, *, linger: float = 0.0) -> None:
        """Record an entry; it is stored in order, now. `linger`: it may wait so long to share another's write.

        From the thread of a sync tool too: then it is recorded when the loop comes to it, before the tool's result.
        """
        if not self.here:
            self.loop.call_soon_threadsafe(partial(self.add, entry, linger=linger))
            return
        if self.frozen:
            self.stop()
        self._flush_deltas()
        self._put(entry)
        if linger == 0:
            self._write()
        elif linger < ALWAYS:
            asyncio.get_running_loop().call_later(linger, self._write)

    @property
    def here(self) -> bool:
        """Whether the caller runs on the journal's loop, and not in a thread, or on a loop of its own."""
        try:
            return asyncio.get_running_loop() is self.loop
        except RuntimeError:
            return False

    def _put(self, entry: Entry) -> None:
        if self._closed:
            return  # of a thread that this slice has let go
        self._seen[entry.key] = entry
        self._pending.append(entry)
        self.progressed = self.progressed or entry.kind in STEPS

    async def commit(self) -> None:
        """Return once everything recorded so far is stored. Raises Suspended when the lease is lost."""
        while self._pending or self._writer:
            self._write()
            assert self._writer is not None
            await asyncio.shield(self._writer)
        if self.suspension and self.suspension.rank == LOST:
            self.stop()

    async def rest(self) -> tuple[Entry, ...]:
        """What is recorded and not yet stored, to go into the slice's last transaction."""
        self._flush_deltas()
        if self._writer:
            await asyncio.shield(self._writer)
        if self.suspension and self.suspension.rank == LOST:
            self.stop()  # what was on its way is not stored: nothing that comes after it may be
        rest, self._pending, self._closed = tuple(self._pending), [], True
        return rest

    def _write(self) -> None:
        self._wanted = True
        if self._pending and self._writer is None:
            self._writer = asyncio.create_task(self._drain())

    async def _drain(self) -> None:
        try:
            while self._pending and self._wanted:
                batch, self._pending, self._wanted = self._pending, [], False
                await self._append(batch)
        except LeaseLost as lost:
            self._pending.clear()
            self.suspend(Suspension(rank=LOST, error=lost))
        except Exception as error:  # the store has already retried what can be retried
            log.error(
                "run %s: the journal cannot be written: %s", self.run.id, brief(error), exc_info=trace(log, error)
            )
            self._pending.clear()
            self.suspend(Suspension(rank=LOST, error=LeaseLost(f"The journal cannot be written: {error}")))
        finally:
            self._writer = None

    async def _append(self, batch: Sequence[Entry]) -> None:
        now = time.monotonic()
        # Moving wake_at costs an index entry, so it is not done with every append.
        due = self._silent > self._lease_seconds / 3
        renew = self._lease_seconds if due else None
        # Entries that are stored are left alone, so nothing is to be known of an earlier attempt.
        ack = await self.patiently(lambda repeat: self._store.append(self._lease, batch, renew=renew))
        if due:
            self._renewed = now
        self._publish_stored(batch, ack)

    async def patiently(self, verb: Callable[[bool], Awaitable[T]]) -> T:
        """Try a verb of the store again while that is away and the lease lasts: it may pass.

        The verb is told whether there was an attempt before, as that may have been committed for all we know.
        """
        repeat = False
        while True:
            try:
                return await verb(repeat)
            except Unavailable as error:
                if self._silent > self._lease_seconds:
                    raise
                log.warning("run %s: %s", self.run.id, error)
                await asyncio.sleep(PATIENCE)
                repeat = True

    def _publish_stored(self, batch: Sequence[Entry], ack: Ack) -> None:
        first, self._last_seq = self._last_seq + 1, ack.last_seq
        if ack.last_seq == first + len(batch) - 1:
            stored = [replace(e, seq=first + i, created_at=ack.at) for i, e in enumerate(batch)]
            self._seen.update((e.key, e) for e in stored)  # now with their times
            self._publish(*stored)
        told = max((e.data["first"] + len(e.data["parts"]) for e in batch if e.kind == "delta"), default=0)
        while self._held and self._held[0].index < told:
            self._held.popleft()
        # What came meanwhile stands behind what is still to be stored, for readers from memory as for all others.
        if not self._pending:
            self._publish(*self._held)
            self._held.clear()
        self.heed(ack)

    async def keep(self) -> None:
        """Called every now and then: the heartbeat when it is due, else a look for a takeover or a cancellation.

        A database that does not answer holds nobody up: the same question is waited for again by the next call.
        """
        silent = self._silent
        if self._beat is None:
            self._beat = asyncio.create_task(self._look())
            self._beat.add_done_callback(lambda beat: beat.cancelled() or beat.exception())  # nobody may ask for it
        try:
            if not (await asyncio.wait([self._beat], timeout=PATIENCE))[0]:
                raise TimeoutError("The database does not answer.")
            beat, self._beat = self._beat, None
            self.heed(beat.result())
        except LeaseLost as lost:
            self.suspend(Suspension(rank=LOST, error=lost))
        except Exception:
            if silent > self._lease_seconds:  # nobody heard of us for so long that another may have the run
                self.suspend(Suspension(rank=LOST, error=LeaseLost("The database is out of reach.")))
            raise

    async def sure(self) -> None:
        """Before a step begins: ask whether the run is still ours, if nothing was heard for half the lease.

        So long does a process say nothing that was frozen or stopped, or that imported what takes long.
        """
        if self._silent > self._lease_seconds / 2:
            try:
                self.heed(await self.patiently(lambda _: self._look()))
            except LeaseLost as lost:
                self.suspend(Suspension(rank=LOST, error=lost))
            except Exception as error:
                log.warning("run %s: is it still ours? %s", self.run.id, brief(error), exc_info=trace(log, error))
                if self._silent > self._lease_seconds:
                    self.suspend(Suspension(rank=LOST, error=LeaseLost("The database is out of reach.")))

    async def _look(self) -> Ack:
        now = time.monotonic()
        if self._silent > self._lease_seconds / 3:
            ack = await self._store.renew(self._lease, self._lease_seconds)
            self._renewed = now
            return ack
        return await self._store.held(self._lease)

    @property
    def _silent(self) -> float:
        """Seconds since the lease was last renewed: here, or by the watchdog while the loop was held up."""
        return time.monotonic() - max(self._renewed, self._kept.get(self._lease, 0.0))

    def heed(self, ack: Ack) -> None:
        """Stop if the store says that somebody asked for it."""
        if ack.cancel_requested:
            self.rollback = ack.cancel_requested == "rollback"
            self.suspend(Suspension(rank=CANCEL, cancel=True))

    # -- deltas

    def delta(self, step: str, text: str) -> None:
        """A piece of text of a step under way: at once to readers in this process, in batches to the store."""
        delta = Delta(attempt=self.run.fence, index=self._delta_index, step=step, text=text)
        if not self._deltas:
            asyncio.get_running_loop().call_later(self._delta_seconds, self._flush_deltas, True)
        self._deltas.append({"step": step, "text": text})
        self._delta_index += 1
        if self._pending or self._writer:
            self._held.append(delta)
            self._write()  # somebody may be reading: what is pending must not wait for another write to share
        else:
            self._publish(delta)

    def _flush_deltas(self, write: bool = False) -> None:
        if self._deltas:
            first = self._delta_index - len(self._deltas)
            data = {"attempt": self.run.fence, "first": first, "parts": self._deltas}
            self._deltas = []
            self._put(Entry(key=f"delta:{self.run.fence}:{first}", kind="delta", data=data))
            if write:
                self._write()

    # -- the slice

    def suspend(self, why: Suspension, *, replace: bool = False) -> None:
        """Stop at the next model seam; for a cancellation or a lost lease, in the middle of model calls too."""
        rank = -1 if self.suspension is None else self.suspension.rank
        if why.rank > rank or (replace and why.rank == rank):
            self.suspension = why
        if why.rank >= CANCEL:
            self.cut_models()

    def cut_beside(self) -> None:
        """Cancel the runs that threads wait for: cancelling the run around them does not reach those."""
        for run in list(self.beside):
            run.cancel()

    def let_go(self) -> None:
        """Wait no longer for the threads of sync tools. What becomes of their calls is unknown to this slice."""
        self.cut_beside()
        self._active = {step for step in self._active if not step.thread}
        if not self.gone.done():
            self.gone.set_result(None)
        self._check_quiet()

    def cut_models(self) -> None:
        for task in self._models:
            task.cancel()

    async def seam(self) -> None:
        """The one place where a slice stops: before a fresh model call, when nothing else is under way."""
        if self.frozen:
            self.stop()
        await self.sure()
        if self.suspension is not None:
            # Siblings of a nested agent would be cancelled by the unwinding: let them finish and be stored. The
            # tools around this call wait for it, so they do not count.
            around = _step.get()
            while around:
                self._blocked.add(around)
                around = around.parent
            self._check_quiet()
            await self._quiet.wait()
            self.stop()

    def stop(self) -> NoReturn:
        """Unwind. What the Runner makes of it does not count."""
        self.stopped = True
        raise Suspended

    @asynccontextmanager
    async def step(self, *, model: bool = False, thread: bool = False) -> AsyncIterator[None]:
        """A fresh step under way. A model call that is cut short because the slice stops ends as Suspended."""
        task = asyncio.current_task()
        assert task is not None
        step = Step(parent=_step.get(), thread=thread)
        # Not for models: a stream's generator shares its caller's context, which would keep the mark.
        token = None if model else _step.set(step)
        self._active.add(step)
        self._check_quiet()
        if model:
            self._models.add(task)
        try:
            yield
        except asyncio.CancelledError:
            if not (model and self.suspension):
                raise
            task.uncancel()
            self.stop()
        finally:
            if token:
                _step.reset(token)
            self._active.discard(step)
            self._models.discard(task)
            self._check_quiet()

    @property
    def since(self) -> float:
        """When the first of the fresh steps under way began (monotonic); infinite where there is none."""
        return min((step.began for step in self._active), default=float("inf"))

    async def quiet(self) -> None:
        """Return when no step is under way."""
        self._blocked.clear()
        self._check_quiet()
        await self._quiet.wait()

    def _check_quiet(self) -> None:
        if self._active <= self._blocked:
            self._quiet.set()
        else:
            self._quiet.clear()


@dataclass(eq=False)
class Step:
    """A fresh model or tool call under way, and the tool call it happens in."""

    parent: Step | None
    thread: bool = False  # it runs in one, so that nothing can end it
    began: float = field(default_factory=time.monotonic)


_step: ContextVar[Step | None] = ContextVar("agentcore_step", default=None)
