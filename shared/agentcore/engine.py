"""A claimed run → the SDK's Runner → an outcome."""

from __future__ import annotations

import asyncio
import inspect
import logging
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from agents import Agent, RunConfig, Runner, ToolApprovalItem
from pydantic import TypeAdapter

from agentcore import approvals, durable, metrics, models, outcomes
from agentcore.clock import backoff
from agentcore.deadline import Deadline
from agentcore.errors import LeaseLost, Misconfigured
from agentcore.history import Before, bare, input_items, items_of, trim, usage_of
from agentcore.host import EngineHost
from agentcore.journal import CANCEL, FATAL, LOST, RETRY, SLEEP, YIELD, Journal, Suspended, Suspension
from agentcore.logs import brief, trace
from agentcore.records import Claim, Entry, Finish, Pause, Requeue, Run, Wait
from agentcore.registry import AgentSpec
from agentcore.settle import Open, open_ends, taken_over
from agentcore.storable import clean
from agentcore.summary import Past, past

if TYPE_CHECKING:
    from agentcore.service import Service

log = logging.getLogger("agentcore.engine")
CANCEL_POLL = 1.0  # seconds within which a run under way hears of a cancellation
STILL = 1.0  # seconds that the heartbeat comes late when the process was frozen, or kept from running
Outcome = tuple[list[Entry], Finish | Pause]


async def execute(service: Service, claim: Claim, deadline: Deadline) -> tuple[Run | None, tuple[str, ...]]:
    """Move a claimed run forward. The run as it was left (None: the lease was lost), and the ids to send."""
    if taken_over(claim, service.settings.lease_seconds):
        metrics.TAKEOVERS.inc()
    execution = Execution(service, claim, deadline)
    try:
        return await execution.execute()
    except (LeaseLost, Suspended):
        metrics.LEASES_LOST.inc()
        log.info("run %s: another worker has it now", claim.run.id)
        return None, ()
    finally:
        execution.leave_servers()


class Execution:
    """One slice of one run."""

    def __init__(self, service: Service, claim: Claim, deadline: Deadline, *, frozen: bool = False) -> None:
        self.store, self.settings, self.deadline = service.store, service.settings, deadline
        self.registry, self.service = service.registry, service
        self.claim, self.run = claim, claim.run
        self.spec: AgentSpec | None = None
        self.frozen = frozen
        self.cut = False  # steps were cancelled, as the time was up
        self.overran = False  # one of them had all the time that there ever is
        self.patience: asyncio.TimerHandle | None = None  # with threads, which cannot be cancelled
        self.brought: set[Any] = set()  # MCP servers of this slice's agents
        self.ends = Open()
        self.past: Past | None = None

    async def execute(self) -> tuple[Run | None, tuple[str, ...]]:
        """Do what can be done in this slice, then let go of the run in one transaction."""
        await self._expire_questions()
        self.journal = self._journal()
        entries, to = self._before() or await self._slice()
        rest = [*await self.journal.rest(), *entries]
        return await (self._finish(rest, to) if isinstance(to, Finish) else self._let_go(rest, to))

    async def _finish(self, rest: list[Entry], end: Finish) -> tuple[Run, tuple[str, ...]]:
        lease, wait = self.claim.lease, self.service.bus.redelivery
        ack, send = await self.journal.patiently(
            lambda repeat: self.store.finish(lease, rest, end, redelivery=wait, repeat=repeat)
        )
        metrics.ended(self.run.agent, end.status)
        left = replace(
            self.run, status=end.status, output=end.output, error=end.error, usage=end.usage, wake_at=None,
            last_seq=ack.last_seq, cancel_requested=ack.cancel_requested, finished_at=ack.at,
        )  # fmt: skip
        return left, send

    async def _let_go(self, rest: list[Entry], to: Pause) -> tuple[Run, tuple[str, ...]]:
        lease, wait = self.claim.lease, self.service.bus.redelivery
        send = await self.journal.patiently(
            lambda repeat: self.store.pause(lease, rest, to, redelivery=wait, repeat=repeat)
        )
        if isinstance(to, Requeue) and to.failed:
            metrics.retried(self.run.agent)
        if isinstance(to, Requeue) and to.delay > 0 and not send:
            self.service.send_later(self.run.id, to.delay)
        status = {"Requeue": "queued", "Wait": "waiting", "Sleep": "sleeping"}[type(to).__name__]
        return replace(self.run, status=status), send  # type: ignore[arg-type]  # the three are statuses

    async def rehearse(self) -> Finish | Pause | None:
        """Replay as far as the journal goes: the outcome if the code at hand would come to one there, else None."""
        self.ends = open_ends(self.claim.entries)
        self.journal = self._journal()
        if self.ends.unknown:
            return None  # a person is asked first, whatever the code says
        try:
            result = await self._segments()
        except Suspended:
            result = None
        except Exception as error:
            return None if outcomes.transient(error) else self._failed(outcomes.describe(error))[1]
        if self.journal.suspension and self.journal.suspension.rank == FATAL:
            return self._suspended(self.journal.suspension)[1]
        return None if self.journal.stopped or result.interruptions else self._succeeded(result)[1]

    def _journal(self) -> Journal:
        def publish(*news: Any) -> None:
            self.service.live.publish(self.run.id, *news)

        return Journal(
            self.store, self.claim, lease=self.settings.lease_seconds, delta_seconds=self.settings.delta_seconds,
            publish=publish, frozen=self.frozen, kept=self.service.kept,
        )  # fmt: skip

    # -- before the Runner starts

    async def _expire_questions(self) -> None:
        """Settle questions whose time is up: they woke the run."""
        self.ends = open_ends(self.claim.entries)
        if self.ends.undecided and not self.run.cancel_requested and not self.frozen:
            late = await self.store.expire_questions(self.claim.lease)
            if late:
                run = replace(self.run, last_seq=max(e.seq for e in late))
                self.claim = replace(self.claim, run=run, entries=(*self.claim.entries, *late))
                self.run, self.ends = run, open_ends(self.claim.entries)

    def _before(self) -> Outcome | None:
        """What ends or holds up this slice before any of the agent's code runs."""
        run, refused = self.run, next((e for e in self.claim.entries if _failed_by_policy(e)), None)
        if run.cancel_requested:
            return self._cancelled()
        if self._expired():
            return self._failed({"code": "expired", "message": "The run's time to live has passed."}, "expired")
        if refused is not None:
            return self._failed({"code": "question_expired", "message": f"Nobody decided on {refused.data['tool']}."})
        if run.failures >= self.settings.max_failures:
            last = next((e.data["error"] for e in reversed(self.claim.entries) if e.kind == "retried"), None)
            words = f"{run.failures} attempts in a row added no step (AGENTCORE_MAX_FAILURES)."
            return self._failed(last or {"code": "too_many_failures", "message": words})
        if self.ends.undecided:
            return [], Wait(questions=())
        for entry in self.ends.settled:
            self.journal.add(entry)
        return None

    def _expired(self) -> bool:
        end, lease_end = self.run.expires_at, self.run.wake_at
        # The claim set wake_at, so this is the database's clock.
        return bool(end and lease_end and end <= lease_end - timedelta(seconds=self.settings.lease_seconds))

    # -- the slice

    async def _slice(self) -> Outcome:
        """Run the agent until it ends or must stop, with the lease kept alive beside it."""
        if self.ends.unknown:
            return await approvals.ask_outcomes(self, self.ends.unknown)
        runner = asyncio.create_task(self._segments())
        keeper = asyncio.create_task(self._keep(runner))
        try:
            result, error = None, None
            try:
                result = await runner
            except (Exception, Suspended, asyncio.CancelledError) as caught:
                mine = asyncio.current_task()
                if isinstance(caught, asyncio.CancelledError) and mine and mine.cancelling():
                    raise  # this process is going away, not this slice: the lease will pass
                error = caught
            await self.journal.quiet()  # threads cannot be cancelled: their results are recorded when they end
        finally:
            keeper.cancel()
            if self.patience:
                self.patience.cancel()
            with suppress(asyncio.CancelledError):
                await keeper
        return await self._outcome(result, error)

    async def _segments(self) -> Any:
        """Run, and after each interruption whose questions are answered, run on."""
        with durable.no_exit(f"Making agent {self.run.agent!r}"):
            agent, options, slice = await self._prepare()
        scope = durable.Scope(slice)
        with durable.enter(scope):
            self.past = await past(self, agent, options, scope)
            state: Any = [*self.past.messages(), *map(bare, input_items(self.run.input))]
            slice.call_ids.update(i["call_id"] for i in state if i.get("type") == "function_call" and i.get("call_id"))
            while True:
                result = await self._run_once(agent, state, options)
                if self.journal.stopped or not result.interruptions:
                    return result
                decisions = approvals.decisions(self.journal, slice.segment, result.interruptions)
                if decisions is None:
                    return result
                state = approvals.apply(result, decisions)
                slice.next_segment()

    async def _run_once(self, agent: Agent[Any], state: Any, options: dict[str, Any]) -> Any:
        if not self.run.deltas:
            return await Runner.run(agent, state, **options)
        result = Runner.run_streamed(agent, state, **options)
        async for _ in result.stream_events():
            pass
        return result

    async def _prepare(self) -> tuple[Agent[Any], dict[str, Any], durable.Slice]:
        """The agent, as registered now, made durable, and how it is to be run."""
        durable.install()
        spec = self.spec = self.registry.get(self.run.agent)
        agent = await agent_of(spec)
        durable.instrument(agent)
        slice = durable.Slice(
            journal=self.journal, host=EngineHost(self.journal, self.store, self.settings),
            provider=self._provider(), transient=outcomes.transient,
            retry_on=tuple(spec.retry_on), threads=self.service.threads,
            connect=partial(self._servers().connect, self.brought),
            trim=lambda items: trim(items, self.settings.history_tokens), asked=len(approvals.asked(self.journal)),
        )  # fmt: skip
        own: dict[str, Any] = {"group_id": self.run.thread_id}
        own |= {} if self.settings.tracing else {"tracing_disabled": True}
        config = spec.resolve("run_config")
        config = replace(config, **own) if config else RunConfig(model_provider=slice.provider, **own)
        turns = self.run.config.get("max_turns") or spec.max_turns or self.settings.max_turns
        options = {"run_config": config, "max_turns": turns}
        options |= {"hooks": spec.resolve("hooks"), "context": await self._context(spec)}
        return agent, options, slice

    def _provider(self) -> durable.DurableProvider:
        if self.service.provider is None:
            self.service.provider = durable.DurableProvider(models.provider(self.settings))
        provider: durable.DurableProvider = self.service.provider
        return provider

    def _servers(self) -> durable.Servers:
        if self.service.servers is None:
            margin = max(1.0, self.settings.deadline_margin)
            self.service.servers = durable.Servers(connect_seconds=self.settings.mcp_seconds, close_seconds=margin)
        servers: durable.Servers = self.service.servers
        return servers

    def leave_servers(self) -> None:
        """Those of an agent that is registered itself are for all runs."""
        if self.brought and self.spec and not isinstance(self.spec.resolve("target"), Agent):
            self.service.spawn(self._servers().leave(self.brought))

    async def _context(self, spec: AgentSpec) -> Any:
        """Made anew in each slice, so that nothing of it is ever serialized."""
        factory = spec.resolve("context")
        if factory is None:
            return None
        if "wants_run" not in spec.cache:
            spec.cache["wants_run"] = bool(inspect.signature(factory).parameters)
        return await _maybe(factory(self.run) if spec.cache["wants_run"] else factory())

    async def _keep(self, runner: asyncio.Task[Any]) -> None:
        """The heartbeat, the deadline and the ear for cancellations, beside the run."""
        journal = self.journal
        while True:
            until = self.deadline.soft if not self.deadline.passed else self.deadline.hard
            pause = min(CANCEL_POLL, self.settings.lease_seconds / 3, max(until, 0.005))
            await self._pause(self.settings.lease_seconds / 3 if self.cut else pause)
            if self.deadline.passed:
                journal.suspend(Suspension(rank=YIELD))
            if self.deadline.hard <= 0 and not self.cut:
                self.cut, self.overran = True, self.deadline.fills(journal.since)
                runner.cancel()
                journal.cut_beside()
            try:
                await journal.keep()
            except Exception as error:
                log.warning("run %s: no heartbeat: %s", self.run.id, brief(error), exc_info=trace(log, error))
            if journal.suspension and journal.suspension.rank == LOST:
                runner.cancel()
                journal.cut_beside()
            ending = self.cut or (journal.suspension and journal.suspension.rank >= CANCEL)
            if ending and self.patience is None:
                self.patience = journal.loop.call_later(self.settings.sync_tool_seconds, journal.let_go)

    async def _pause(self, seconds: float) -> None:
        """Sleep until the deadline is near. Time in which this process stood still says nothing about a step."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        await self.deadline.sleep(seconds)
        if loop.time() - until > STILL:
            self.deadline.whole = False

    # -- outcomes

    async def _outcome(self, result: Any, error: BaseException | None) -> Outcome:
        why = self.journal.suspension
        if why and why.rank == LOST:
            raise LeaseLost(f"Run {self.run.id} has another worker.")
        # A streamed run swallows a suspension from some places and ends with nothing: so this is asked first.
        if why and (self.journal.stopped or isinstance(error, (Suspended, asyncio.CancelledError))):
            return self._suspended(why)
        if error is not None:
            if outcomes.transient(error) or isinstance(error, self._retry_on):
                return self._retry(error)
            log.info("run %s failed: %s", self.run.id, error)
            return self._failed(outcomes.describe(error))
        if result.interruptions:
            return await approvals.ask(self, result.interruptions)
        return self._succeeded(result)

    @property
    def _retry_on(self) -> tuple[type[BaseException], ...]:
        return tuple(self.spec.retry_on) if self.spec else ()

    def _suspended(self, why: Suspension) -> Outcome:
        if why.rank == CANCEL:
            return self._cancelled()
        if why.rank == FATAL:
            assert why.error is not None
            return self._failed(outcomes.describe(why.error))
        if why.rank == SLEEP:
            assert why.pause is not None
            return list(why.entries), why.pause
        if why.rank == RETRY:
            assert why.error is not None
            return self._retry(why.error)
        if self.overran and not self.journal.progressed:
            words = "One step takes longer than a whole slice on this host. Split it, or raise the host's limit."
            return self._failed({"code": "step_exceeds_limit", "message": words})
        entry = Entry(key=f"yielded:{self.run.fence}", kind="yielded", data={"reason": "deadline"})
        return [entry], Requeue()

    def _retry(self, error: BaseException) -> Outcome:
        failures = 1 if self.journal.progressed else self.run.failures + 1
        told = outcomes.describe(error)
        if failures >= self.settings.max_failures:
            return self._failed(told)
        delay = backoff(
            failures, first=self.settings.backoff_seconds, most=self.settings.backoff_most,
            after=outcomes.retry_after(error),
        )  # fmt: skip
        data = {"error": told, "failures": failures, "delay": round(delay, 3)}
        log.info("run %s: %s; again in %.1f s", self.run.id, told["message"], delay)
        return [Entry(key=f"retried:{self.run.fence}", kind="retried", data=data)], Requeue(delay=delay, failed=True)

    def _succeeded(self, result: Any) -> Outcome:
        output = _plain(result.final_output)
        added = [item.to_input_item() for item in result.new_items if not isinstance(item, ToolApprovalItem)]
        items = [*input_items(self.run.input), *added]
        return [Entry(key="finished", kind="finished", data={"output": output})], self._end("succeeded", items, output)

    def _failed(self, error: dict[str, Any], status: Any = "failed") -> Outcome:
        tripped = error["code"] == "guardrail_tripped" and not any(e.kind == "model" for e in self.journal.entries)
        items = [] if tripped else items_of(self.run.input, self.journal.entries, durable.told)
        return [Entry(key="failed", kind="failed", data={"error": error})], self._end(status, items, error=error)

    def _cancelled(self) -> Outcome:
        drop = self.run.cancel_requested == "rollback" or self.journal.rollback
        items = [] if drop else items_of(self.run.input, self.journal.entries, durable.told)
        return [Entry(key="cancelled", kind="cancelled", data={"kept": not drop})], self._end("cancelled", items)

    def _end(self, status: Any, items: list[Any], output: Any = None, error: Any = None) -> Finish:
        # The first messages are the same whether they were read off a journal or come from the SDK.
        past, entries, before = self.past, self.journal.entries, Before.read(self.claim.entries)
        fresh = past is not None and past.told > self.claim.summary_until
        return Finish(
            # As stored, for those who get them from here.
            status=status, output=clean(output), error=clean(error), items=items[before.items :],
            usage=usage_of(entries[1 + before.steps :]),
            # What could not be told is left out all the same: then there may be no text, which is not None.
            summary=(past.summary or "") if past and fresh else None, summary_until=past.told if past and fresh else 0,
        )  # fmt: skip


async def agent_of(spec: AgentSpec) -> Agent[Any]:
    """The agent that is registered so, made where a function makes it. Misconfigured where there is none."""
    agent = spec.resolve("target")
    if not isinstance(agent, Agent):
        agent = await _maybe(agent())
    if not isinstance(agent, Agent):
        raise Misconfigured(f"agent {spec.name!r}: {spec.target!r} is neither an Agent nor a function making one.")
    return agent


def _failed_by_policy(entry: Entry) -> bool:
    return entry.kind == "decided" and entry.data["decision"] == "fail"


def _plain(output: Any) -> Any:
    """A final output as JSON: structured outputs become objects."""
    return output if isinstance(output, str) else TypeAdapter(Any).dump_python(output, mode="json", fallback=str)


async def _maybe(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value
