"""What is to become of a message, whoever received it: our own worker, or a host that calls us with it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Literal

from agentcore.clock import backoff
from agentcore.errors import Poison
from agentcore.logs import brief, trace
from agentcore.records import Claim, Message
from agentcore.service import Service

log = logging.getLogger("agentcore.worker")
_MOST_DELAY = 60.0  # seconds before a message that failed comes again


@dataclass(frozen=True, kw_only=True)
class Taken:
    """How to settle a message, and the run that was claimed for it, if there is one to execute."""

    settle: Literal["ack", "retry", "dead_letter"]
    claim: Claim | None = None
    reason: str = ""  # for the dead letter
    delay: float = 0.0  # seconds, until the next try


async def taken(service: Service, message: Message) -> Taken:
    """Claim what a message names. Whatever goes wrong is in the answer: one message never spoils its batch."""
    what = message.run_id or "an event"
    try:
        return Taken(settle="ack", claim=await service.take(message))
    except Poison as error:
        log.error("%s: to the dead letter: %s", what, error)
        return Taken(settle="dead_letter", reason=str(error))
    except Exception as error:
        log.warning("%s: attempt %d failed: %s", what, message.attempt, brief(error), exc_info=trace(log, error))
        if message.attempt >= service.settings.bus_attempts:
            reason = f"failed {message.attempt} times; the last time: {type(error).__name__}: {error}"
            return Taken(settle="dead_letter", reason=reason)
        return Taken(settle="retry", delay=backoff(message.attempt, first=1.0, most=_MOST_DELAY))
