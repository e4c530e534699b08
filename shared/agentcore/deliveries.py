"""Tells webhooks of runs that have ended: at least once, in attempts that are claimed, until a bound."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from functools import partial

from agentcore import webhooks
from agentcore.clock import backoff
from agentcore.deadline import Deadline
from agentcore.errors import AgentCoreError, Invalid, NotFound
from agentcore.logs import brief, trace
from agentcore.ports import StateStore
from agentcore.records import Delivery
from agentcore.settings import Settings
from agentcore.version import __version__

log = logging.getLogger("agentcore.deliveries")
_AT_ONCE = 20  # attempts of one process
_LOOK = 1.0  # seconds until what became due meanwhile is begun beside slow ones
_SPARE = 15.0  # seconds of a claim beside the attempt itself, for the database
_LONGEST = 500  # characters of an error that are kept


@dataclass(frozen=True, kw_only=True)
class _Outcome:
    """What became of one attempt."""

    answered: int | None = None  # the receiver's status
    error: str | None = None  # None: it took it
    final: bool = False  # no other attempt could do better
    after: float | None = None  # seconds that the receiver asked for


class Deliverer:
    """Makes the attempts of one process."""

    def __init__(self, store: StateStore, settings: Settings) -> None:
        """Raises Misconfigured for secrets that are none."""
        self._store, self._settings = store, settings
        self._keys = webhooks.secrets(settings)
        self._going: set[asyncio.Task[None]] = set()

    async def one(self, delivery_id: str) -> None:
        """Make an attempt at this delivery, if it is due and this process is not busy with others."""
        if len(self._going) < _AT_ONCE:
            tasks = await self._begin(1, delivery_id)
            await asyncio.gather(*tasks)

    async def due(self, deadline: Deadline) -> int:
        """Make all attempts that are due, some at once; how many. What the deadline cuts is due again later."""
        going, count = set[asyncio.Task[None]](), 0
        try:
            while not deadline.passed:
                begun = await self._begin(_AT_ONCE - len(self._going))
                going, count = going.union(begun), count + len(begun)
                if not going:
                    break
                wait = max(0.0, min(deadline.soft, _LOOK))
                _, going = await asyncio.wait(going, timeout=wait, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in going:
                task.cancel()
            await asyncio.gather(*going, return_exceptions=True)
        return count

    async def _begin(self, room: int, delivery_id: str | None = None) -> list[asyncio.Task[None]]:
        if room <= 0:
            return []
        lease = self._settings.webhook_timeout + _SPARE
        taken = await self._store.take_deliveries(limit=room, lease=lease, delivery_id=delivery_id)
        tasks = [asyncio.create_task(self._attempt(one)) for one in taken]
        for task in tasks:
            self._going.add(task)
            task.add_done_callback(self._going.discard)
        return tasks

    async def _attempt(self, taken: Delivery) -> None:
        try:
            await self._settle(taken, await self._send(taken))
        except Exception as error:  # the database is away: the claim ends, and the attempt is made again
            words = "delivery %s: what became of it could not be stored: %s"
            log.error(words, taken.id, brief(error), exc_info=trace(log, error))

    async def _send(self, taken: Delivery) -> _Outcome:
        if taken.tries > self._settings.webhook_attempts:
            return _Outcome(error="Each attempt was cut off by the end of its process.", final=True)
        try:
            return await self._post(taken)
        except NotFound:
            return _Outcome(error="The run was deleted.", final=True)
        except Invalid as error:  # the settings changed since it was accepted
            return _Outcome(error=error.message, final=True)
        except AgentCoreError as error:
            return _Outcome(error=error.message)
        except TimeoutError:
            return _Outcome(error=f"No answer within {self._settings.webhook_timeout:g} s.")
        except Exception as error:
            return _Outcome(error=f"{type(error).__name__}: {error}"[:_LONGEST])

    async def _post(self, taken: Delivery) -> _Outcome:
        from agentcore import outgoing  # httpx is imported when something is sent, so that a tick starts fast

        run = await self._store.run(taken.tenant, taken.run_id)
        to = webhooks.target(run.webhook or "", self._settings)
        content = webhooks.body(taken.id, run)
        headers = webhooks.signed(self._keys, taken.id, int(time.time()), content)
        response = await outgoing.post(
            to, content, {**headers, "user-agent": f"agentcore/{__version__}"},
            seconds=self._settings.webhook_timeout, allow_private=self._settings.webhook_allow_private,
        )  # fmt: skip
        status, after = response.status_code, response.headers.get("retry-after", "")
        if response.is_success:
            return _Outcome(answered=status)
        hint = "; redirects are not followed" if 300 <= status < 400 else ""
        return _Outcome(
            answered=status, error=f"The receiver answered {status}{hint}.", final=status == 410,
            after=float(after[:9]) if after.isdecimal() else None,
        )  # fmt: skip

    async def _settle(self, taken: Delivery, outcome: _Outcome) -> None:
        settle = partial(self._store.settle_delivery, taken, answered=outcome.answered, error=outcome.error)
        settings, most = self._settings, self._settings.webhook_backoff_most
        if outcome.error is None:
            await settle("delivered")
        elif outcome.final or taken.tries >= settings.webhook_attempts:
            log.warning("delivery %s of run %s failed: %s", taken.id, taken.run_id, outcome.error)
            await settle("failed")
        else:
            wait = backoff(taken.tries, first=settings.webhook_backoff_seconds, most=most, after=outcome.after)
            await settle("pending", wait=min(wait, most))
