"""The verbs that every entrypoint calls. Each is: one transaction of the store, then ids on the bus."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from agentcore import loading, webhooks
from agentcore import stint as stints
from agentcore.deadline import Deadline
from agentcore.deliveries import Deliverer
from agentcore.errors import AgentCoreError, Invalid, Poison
from agentcore.events import Begun
from agentcore.ids import delivery_id
from agentcore.live import Live
from agentcore.logs import brief, detail, trace
from agentcore.look import Look
from agentcore.ports import Bus, Hints, Shared, StateStore
from agentcore.reading import Reading
from agentcore.records import Claim, Decision, Delivery, Event, Lease, Message, Multitask, Question, Run, Schedule
from agentcore.registry import Registry
from agentcore.schedules import changed
from agentcore.settings import Settings
from agentcore.threads import Threads
from agentcore.watchdog import Watchdog

log = logging.getLogger("agentcore.service")
EVENTS = "agentcore_events"  # the channel on which other processes hear of a run's news
GATHER = 0.05  # seconds at least between two times that they do; whoever watches looks as often by himself (look.py)
ANSWERS = 0.005  # seconds that they wait in any case: those who are answered by this process come first


class Service(Threads, Reading):
    """What the product does, over the ports. One instance a process."""

    def __init__(
        self, *, store: StateStore, bus: Bus, registry: Registry, settings: Settings, shared: Shared | None = None
    ) -> None:
        super().__init__()
        self.shared = shared
        self.store, self.bus, self.registry, self.settings = store, bus, registry, settings
        self.here: dict[str, Lease] = {}  # of the runs that execute in this process
        self.live = Live()
        self.hearers: list[Callable[[str], None]] = [self.live.hint]  # of ids that other processes have news of
        self.look = Look(lambda: self.store, self.live, self.here.__contains__)
        self.kept: dict[Lease, float] = {}  # when (monotonic) the watchdog last renewed one of them
        self.watchdog: Watchdog | None = None  # from `app.running` on
        self.deliverer = Deliverer(store, settings)
        self.deadlines: set[Deadline] = set()  # of the slices under way here
        self.provider: Any = None  # of models: made by the engine when the first run executes, with its connections
        self.servers: Any = None  # MCP servers: connected by the engine when a run first needs one
        self.threads: dict[str, asyncio.Task[Any]] = {}  # in which sync tools run here, by idempotency key
        self._inline = 0  # runs that were accepted to be executed here, and are not done
        self._tasks: set[asyncio.Task[Any]] = set()
        self._untold: set[str] = set()  # runs with news that other processes have not been told of
        self._told = 0.0  # when they were
        self._telling: asyncio.Task[Any] | None = None

    # -- accepting

    async def accept(
        self, tenant: str, *, agent: str, input: Any, thread_id: str | None = None,
        metadata: Mapping[str, Any] | None = None, config: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None, multitask: Multitask | None = None, deltas: bool = True,
        trigger: str = "message", here: bool = False, request: Mapping[str, Any] | None = None,
        webhook: str | None = None, creates: bool = True,
    ) -> Run:  # fmt: skip
        """Take on a run; it is committed when this returns. `here`: execute it in this process, where there is room.

        `webhook` is a URL that is told when it has ended. `creates`: a thread that does not exist is begun.
        Raises NotFound (agent, thread), Invalid (input, metadata, webhook), Misconfigured (agent), ThreadBusy,
        InputRequired, EffectsHappened, IdempotencyMismatch, LimitExceeded (threads).
        """
        spec = self.registry.admit(agent)
        self.check_size("input", input)
        self.check_metadata(metadata)
        if webhook is not None:
            webhooks.target(webhook, self.settings)
        if creates:
            await self.make_room(tenant, thread_id)
        run_id = self.store.new_id()
        run = Run(
            id=run_id, root_id=run_id, tenant=tenant, thread_id=thread_id or self.store.new_id(), agent=spec.name,
            agent_version=spec.version, input=input, metadata=metadata or {}, config=config or {}, deltas=deltas,
            trigger=trigger, request=request, webhook=webhook,  # type: ignore[arg-type]  # the trigger is one
        )  # fmt: skip
        asked = [agent, input, thread_id, metadata, config, multitask, request, webhook]
        with ExitStack() as room:
            here = here and self._inline < self.settings.inline_runs
            if here:
                self._inline += 1
                room.callback(self._leave)
            began = time.monotonic()
            accepted = await self.store.accept(
                run, redelivery=self.bus.redelivery, multitask=multitask or "enqueue",
                explicit=multitask is not None, idempotency_key=idempotency_key,
                request_hash=_hash(asked) if idempotency_key is not None else "",
                lease=self.settings.lease_seconds if here else None, window=self.settings.history_items,
                creates=creates,
            )  # fmt: skip
            if accepted.claim is not None:
                self._advance_here(replace(accepted.claim, at=began), room.pop_all())
        await self._send(accepted.send)
        self.live.hint(accepted.run.thread_id)
        return accepted.run

    def _advance_here(self, claim: Claim, room: ExitStack) -> None:
        # Its deadline is known before it begins, so that a process that ends now does not leave it out.
        deadline = self._slice()
        self.deadlines.add(deadline)
        self.spawn(self.advance(claim, deadline)).add_done_callback(lambda _: room.close())

    def _leave(self) -> None:
        self._inline -= 1

    # -- moving runs forward

    async def work(self, run_id: str, deadline: Deadline | None = None) -> Run | None:
        """Claim one run and move it forward until it ends, waits, or the time is up. None: nothing to do."""
        claim = await self._claim(run_id)
        return await self.advance(claim, deadline) if claim else None

    async def take(self, message: Message) -> Claim | None:
        """Claim the run that a message names, or pass its event on. Then the message has done its work.

        None: nothing to execute here; the run is done, or another worker's. Raises Poison for the dead letter;
        after any other error the same message may be tried again.
        """
        if message.flaw:
            raise Poison(message.flaw)
        if message.event is not None:
            await self._pass_on(message.event)
            return None
        claim = await self._claim(message.run_id)
        if claim is None and not await self.store.known(message.run_id):
            raise Poison(f"this database has no run {message.run_id}")
        return claim

    async def _claim(self, run_id: str) -> Claim | None:
        loading.engine()  # before the lease begins: on a slow processor it could pass during the import
        began = time.monotonic()
        claim = await self.store.claim(run_id, lease=self.settings.lease_seconds, window=self.settings.history_items)
        return replace(claim, at=began) if claim else None  # for the answer may come late

    async def _pass_on(self, event: Event) -> None:
        try:
            await self.signal(event)
        except AgentCoreError as error:
            if error.status < 500 and error.status != 429:
                raise Poison(f"event {event.name}: {error}") from error
            raise

    async def advance(self, claim: Claim, deadline: Deadline | None = None) -> Run | None:
        """Move a claimed run forward. None: the lease was lost, another worker has it."""
        run_id = claim.run.id
        self.here[run_id] = claim.lease
        if self.watchdog:
            self.watchdog.watch()
        deadline = deadline or self._slice()
        self.deadlines.add(deadline)
        self.live.publish(run_id, Begun(attempt=claim.run.fence))
        try:
            left: tuple[Run | None, Sequence[str]] = await loading.engine().execute(self, claim, deadline)
        finally:
            self.deadlines.discard(deadline)
            if self.here.get(run_id) == claim.lease:
                del self.here[run_id]
            self.kept.pop(claim.lease, None)
        run, send = left
        if run:
            self.live.left(run)
        await self._send(send)
        self.hint(run_id)
        self._tell(run)
        return run

    def _slice(self) -> Deadline:
        """As long as the settings say, and no longer than the host's time for this event."""
        if (stint := stints.current()) is not None:
            return stint.slice(self.settings.slice_seconds)
        return Deadline(self.settings.slice_seconds, margin=self.settings.deadline_margin)

    async def tick(self, deadline: Deadline | None = None, *, batch: int = 200) -> Mapping[str, int]:
        """Do all that is due: `clock` and `deliver`, side by side.

        Safe from many places at once, any number of times.
        """
        deadline = deadline or Deadline(None)
        delivering = self.spawn(self.deliver(deadline))
        done = await self.clock(deadline, batch=batch)
        return {**done, **await delivering}

    async def clock(self, deadline: Deadline, *, batch: int = 200) -> Mapping[str, int]:
        """Ring due schedules, sweep due runs onto the bus, apply retention: in batches until nothing is due."""
        versions = {name: spec.version for name, spec in self.registry.specs.items()}
        done = {"rang": 0, "swept": 0, "pruned": 0}
        while not deadline.passed:
            rang, send = await self.store.ring(limit=batch, redelivery=self.bus.redelivery, versions=versions)
            await self._send(send)
            # With no redelivery time the workers sweep for themselves: that is how store:// receives.
            swept = await self.store.sweep(limit=batch, redelivery=self.bus.redelivery) if self.bus.redelivery else ()
            await self._send(swept)
            done["rang"] += rang
            done["swept"] += len(swept)
            if not rang and not swept:
                break
        while not deadline.passed:
            pruned = await self.store.prune(entries_after=self.settings.retention, limit=batch)
            pruned += await self.store.purge_deleted(after=self.settings.retention, limit=batch)
            done["pruned"] += pruned
            if not pruned:
                break
        return done

    async def deliver(self, deadline: Deadline) -> Mapping[str, int]:
        """Tell webhooks what they are due to be told. A slow receiver holds up this, and nothing else."""
        return {"delivered": await self.deliverer.due(deadline)}

    def _tell(self, run: Run | None) -> None:
        """Tell a run's webhook now rather than with the next tick. A hint: the message is stored."""
        if run and run.terminal and run.webhook is not None:
            self.spawn(self.deliverer.one(delivery_id(run.id)))

    # -- what people and events do to runs

    async def cancel(self, tenant: str, run_id: str, action: str = "interrupt") -> Run:
        """Stop a run at its next step boundary, or in the middle of a model call. EffectsHappened (rollback)."""
        if action not in ("interrupt", "rollback"):
            raise Invalid(f"action: {action!r} is neither interrupt nor rollback.", field="action")
        run, send = await self.store.cancel(tenant, run_id, action, redelivery=self.bus.redelivery)
        await self._send(send)
        self.hint(run_id)
        self._tell(run)
        return run

    async def decide(
        self, tenant: str, question_id: str, decision: Decision, *, by: str, note: str | None = None,
        result: Any = None, arguments_hash: str | None = None,
    ) -> Question:  # fmt: skip
        """Answer a question; its run goes on once all of them are answered. AlreadyDecided, ArgumentsChanged."""
        question, send = await self.store.decide(
            tenant, question_id, decision, arguments_hash=arguments_hash, by=by, note=note, result=result,
            redelivery=self.bus.redelivery,
        )  # fmt: skip
        await self._send(send)
        self.hint(question.run_id)
        return question

    async def signal(self, event: Event) -> Mapping[str, Any]:
        """Take an event from outside: wake the runs that wait for it and start those its rules name, once."""
        fresh, send = await self.store.signal(event, redelivery=self.bus.redelivery)
        await self._send(send)
        started = [await self._start(event, index) for index in range(len(self.registry.rules(event.name)))]
        return {"duplicate": not fresh, "woken": list(send), "started": started}

    async def _start(self, event: Event, index: int) -> str:
        # Repeated on a duplicate too: the first delivery may have died between the signal and this. The
        # idempotency key makes it one run.
        spec, rule = self.registry.rules(event.name)[index]
        name = rule.thread(event) if rule.thread else f"{event.source}/{event.id}"
        thread_id = str(uuid5(NAMESPACE_URL, json.dumps([event.tenant, spec.name, name])))
        given = rule.input(event) if rule.input else f"Event {event.name}: {json.dumps(event.data)}"
        run = await self.accept(
            event.tenant, agent=spec.name, input=given, thread_id=thread_id, trigger="event",
            idempotency_key=f"event:{spec.name}:{event.name}:{event.source}:{event.id}",
        )  # fmt: skip
        return run.id

    async def redrive(self, tenant: str, run_id: str) -> Run:
        """Start a failed, cancelled or expired run again, with its journal. NotRedrivable."""
        accepted = await self.store.redrive(tenant, run_id, self.store.new_id(), redelivery=self.bus.redelivery)
        await self._send(accepted.send)
        self.live.hint(accepted.run.thread_id)
        return accepted.run

    async def redeliver(self, tenant: str, run_id: str, delivery_id: str) -> Delivery:
        """Tell a run's webhook once more, from the first attempt on."""
        delivery = await self.store.redeliver(tenant, run_id, delivery_id)
        self.spawn(self.deliverer.one(delivery.id))
        return delivery

    # -- schedules

    async def put_schedule(self, schedule: Schedule) -> Schedule:
        """Store an alarm clock. NotFound for an unknown agent, Invalid (input), LimitExceeded past the settings."""
        self._check_schedule(schedule)
        settings = self.settings
        most = settings.schedules_per_thread if schedule.thread_id else settings.schedules_per_tenant
        return await self.store.put_schedule(schedule, most=most)

    async def change_schedule(self, tenant: str, schedule_id: str, changes: Mapping[str, Any]) -> Schedule:
        """Change an alarm clock's fields, those of `schedules.changed`. Invalid, NotFound, Conflict, LimitExceeded."""

        def change(old: Schedule, now: datetime) -> Schedule:
            new = changed(self.settings, now, old, changes)
            if changes.keys() & {"agent", "input", "metadata"}:
                self._check_schedule(new)
            return new

        return await self.store.change_schedule(tenant, schedule_id, change)

    async def ring_now(self, tenant: str, schedule_id: str, *, idempotency_key: str | None = None) -> Run:
        """Start a run of a schedule now, also of a paused one; its next time stays as it is. NotFound."""
        accepted = await self.store.ring_now(
            tenant, schedule_id, self.store.new_id(), redelivery=self.bus.redelivery,
            version=lambda agent: self.registry.get(agent).version, idempotency_key=idempotency_key,
        )  # fmt: skip
        await self._send(accepted.send)
        self.live.hint(accepted.run.thread_id)
        return accepted.run

    def _check_schedule(self, schedule: Schedule) -> None:
        self.registry.get(schedule.agent)
        self.check_size("input", schedule.input)
        self.check_metadata(schedule.metadata)

    # -- the store

    async def put_store_item(self, tenant: str, namespace: Sequence[str], key: str, value: Mapping[str, Any]) -> None:
        """Keep a document beside the threads. Invalid past the settings."""
        size, most = len(json.dumps(value, ensure_ascii=False).encode()), self.settings.store_item_bytes
        if size > most:
            raise Invalid(f"value: {size} bytes are more than AGENTCORE_STORE_ITEM_BYTES={most}.", field="value")
        await self.store.put_store_item(tenant, namespace, key, value)

    # -- this process

    @property
    def hints(self) -> Hints:
        """How processes tell each other: through what they share, else through the database where it can."""
        return self.shared or self.store

    def hear(self, id: str) -> None:
        """Another process has news of what has this id."""
        for hearer in self.hearers:
            hearer(id)

    def hint(self, run_id: str) -> None:
        """Tell readers here and in other processes that the database has news of a run."""
        self.live.hint(run_id)
        self._untold.add(run_id)
        if self._telling is None or self._telling.done():
            self._telling = self.spawn(self._notify())

    async def _notify(self) -> None:
        # NOTIFY takes a lock that all committers share: the first soon, what follows on its heels together.
        while self._untold:
            # A host waits for this, and gives a process few events at once: there, nothing is gathered for long.
            gather = 0.0 if stints.current() else self._told + GATHER - time.monotonic()
            await asyncio.sleep(max(ANSWERS, gather))
            untold, self._untold = self._untold, set()
            self._told = time.monotonic()
            await self.hints.notify(EVENTS, *untold)

    def spawn(self, work: Any) -> asyncio.Task[Any]:
        """Run something in the background of this process, logged when it fails, awaited by `drain`.

        And by the host's event in which it was begun (`stint`).
        """
        task: asyncio.Task[Any] = asyncio.ensure_future(work)
        self._tasks.add(task)
        if (stint := stints.current()) is not None:
            stint.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("background work failed: %s", brief(error), exc_info=trace(log, error))

    async def drain(self, seconds: float) -> None:
        """Hand over: every slice here ends at its next step boundary, and all background work is awaited."""
        for deadline in list(self.deadlines):
            deadline.bring_forward(seconds)
        await self.look.close()
        end = time.monotonic() + seconds
        while self._tasks and (left := end - time.monotonic()) > 0:
            await asyncio.wait(list(self._tasks), timeout=left)

    def send_later(self, run_id: str, delay: float) -> None:
        """Have a run that waits for its next attempt looked at in time, where the bus can do that."""
        self.spawn(self._send([run_id], delay))

    async def _send(self, run_ids: Sequence[str], delay: float = 0.0) -> None:
        """Put ids on the bus. A bus that fails loses nothing: wake_at finds them."""
        if not run_ids:
            return
        try:
            await self.bus.send(run_ids, delay=delay)
        except Exception as error:
            words = "the bus did not take %d ids; the next tick will send them: %s"
            log.warning(words, len(run_ids), brief(error), exc_info=detail(log, error))


def _hash(request: Any) -> str:
    return hashlib.sha256(json.dumps(request, sort_keys=True, default=str).encode()).hexdigest()
