"""The loops of a long-lived process: move runs forward, ring the clock, hear news."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from agentcore.deadline import Deadline
from agentcore.errors import LeaseLost, Misconfigured
from agentcore.hints import listen
from agentcore.logs import brief, detail, trace
from agentcore.records import Claim, Message
from agentcore.service import EVENTS, Service
from agentcore.taking import taken

log = logging.getLogger("agentcore.worker")
_WAIT = 1.0  # seconds of one receive: how soon a loop notices that it should stop
_MOST_PAUSE = 5.0  # seconds between two tries of a bus that fails: so late at most are its runs when it is back


async def work_forever(
    service: Service, *, stop: asyncio.Event, drain: bool = False, max_seconds: float | None = None
) -> Mapping[str, int]:
    """Move runs forward, `concurrency` at once, until stopped, out of time or (`drain`) out of work.

    However it ends, each slice under way here is finished or handed over. The answer counts slices by their outcome.
    """
    return await _Worker(service, stop, Deadline(max_seconds, margin=service.settings.deadline_margin)).run(drain)


class _Worker:
    def __init__(self, service: Service, stop: asyncio.Event, limit: Deadline) -> None:
        self._service, self._stop, self._limit = service, stop, limit
        self._slices: dict[asyncio.Task[None], Deadline] = {}
        self._done: Counter[str] = Counter()
        self._failed = 0  # receives in a row
        self._received = False  # a bus that was read before is not set up wrongly, whatever it says now

    async def run(self, drain: bool) -> Mapping[str, int]:
        try:
            while not self._stop.is_set() and not self._limit.passed:
                idle = not self._slices  # a slice that ends during the receive may send its run again
                messages = await self._receive(patient=not drain)
                for message in messages:
                    self._begin(message)
                if drain and idle and not messages:
                    break
        finally:
            await self._hand_over()
        return dict(self._done)

    async def _receive(self, *, patient: bool) -> Sequence[Message]:
        try:
            messages = await self._take()
        except Exception as error:
            if not patient or (isinstance(error, Misconfigured) and not self._received):
                raise
            self._failed += 1
            log.error("the bus cannot be read; trying again: %s", brief(error), exc_info=detail(log, error))
            await _sleep(self._stop, min(_MOST_PAUSE, 0.5 * 2**self._failed))
            return ()
        self._failed, self._received = 0, True
        return messages

    async def _take(self) -> Sequence[Message]:
        wait = max(0.0, min(_WAIT, self._limit.soft))
        room = self._service.settings.concurrency - len(self._slices)
        if room <= 0:
            await asyncio.wait(self._slices, timeout=wait, return_when=asyncio.FIRST_COMPLETED)
            return ()
        # Never cancelled half-way: what was taken off the bus would only come again after its redelivery time.
        return await self._service.bus.receive(limit=room, wait=wait)

    def _begin(self, message: Message) -> None:
        settings = self._service.settings
        deadline = self._limit.part(settings.slice_seconds, margin=settings.deadline_margin)
        task = asyncio.create_task(self._slice(message, deadline))
        self._slices[task] = deadline
        task.add_done_callback(lambda done: self._slices.pop(done, None))

    async def _slice(self, message: Message, deadline: Deadline) -> None:
        run_id = message.run_id
        try:
            if claim := await self._take_on(message):
                run = await self._service.advance(claim, deadline)
                self._done[run.status if run else "nothing_to_do"] += 1
        except asyncio.CancelledError:
            raise
        except LeaseLost:
            log.info("run %s: another worker has it", run_id)
            self._done["lease_lost"] += 1
        except BaseException as error:  # whatever it is, it is this run's failure and not the worker's
            words = "run %s: this slice failed; the run is taken up again when its lease ends: %s"
            log.error(words, run_id, brief(error), exc_info=trace(log, error))
            self._done["errors"] += 1

    async def _take_on(self, message: Message) -> Claim | None:
        """Claim what a message names, and settle the message: nothing holds it while its run executes."""
        bus, one = self._service.bus, await taken(self._service, message)
        match one.settle:
            case "ack":
                what = "" if one.claim else "events" if message.event else "nothing_to_do"
                self._settle(what, bus.ack(message))
            case "retry":
                self._settle("retried", bus.retry(message, delay=one.delay))
            case "dead_letter":
                self._settle("dead_letters", bus.dead_letter(message, one.reason))
        return one.claim

    def _settle(self, counted: str, settling: Coroutine[Any, Any, None]) -> None:
        """In the background: where the bus fails here, the message comes again, and that is harmless."""

        async def settle() -> None:
            try:
                await settling
            except Exception as error:
                words = "the bus did not hear what became of a message; it will come again: %s"
                log.warning(words, brief(error), exc_info=detail(log, error))

        self._service.spawn(settle())
        if counted:
            self._done[counted] += 1

    async def _hand_over(self) -> None:
        margin, left = self._service.settings.deadline_margin, self._limit.left
        stopped = asyncio.create_task(self._stop.wait())
        while self._slices and left > 0 and not self._stop.is_set():
            timeout = None if left == float("inf") else left
            await asyncio.wait([stopped, *self._slices], timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            left = self._limit.left
        stopped.cancel()
        if self._slices and self._stop.is_set():
            for deadline in self._slices.values():
                deadline.bring_forward(margin)
            await asyncio.wait(self._slices, timeout=margin)
        stuck = list(self._slices)
        for task in stuck:  # it kept no deadline; its lease ends by itself and another worker takes over
            task.cancel()
        await asyncio.gather(*stuck, return_exceptions=True)


async def tick_forever(service: Service, stop: asyncio.Event) -> None:
    """The timer of `dev`: look for what is due, every `tick_seconds`. Slow webhooks hold up no run."""
    await asyncio.gather(*(_every(service, stop, verb) for verb in (service.clock, service.deliver)))


async def _every(service: Service, stop: asyncio.Event, verb: Callable[[Deadline], Awaitable[object]]) -> None:
    while not stop.is_set():
        try:
            with _until(stop, service.settings.slice_seconds) as deadline:
                await verb(deadline)
        except Exception as error:
            log.error("tick failed; trying again: %s", brief(error), exc_info=trace(log, error))
        await _sleep(stop, service.settings.tick_seconds)


@contextmanager
def _until(stop: asyncio.Event, seconds: float) -> Iterator[Deadline]:
    """A deadline that also comes when this process is told to stop."""
    deadline = Deadline(seconds)
    stopped = asyncio.create_task(stop.wait())
    stopped.add_done_callback(lambda _: deadline.bring_forward(0.0))
    try:
        yield deadline
    finally:
        stopped.cancel()


async def listen_for_news(service: Service) -> None:
    """Pass on what other processes tell: of runs to the streams that are read here, of keys to who has seen them."""
    await listen(service.hints, EVENTS, service.hear)


async def _sleep(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        pass
