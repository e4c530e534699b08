"""Messages that a host received from the bus and gave to us. Its answer to the bus settles them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from agentcore.deadline import Deadline
from agentcore.envelope import opened
from agentcore.errors import LeaseLost
from agentcore.hosts.resident import Resident
from agentcore.logs import brief, detail, trace
from agentcore.records import Claim, Message
from agentcore.service import Service
from agentcore.taking import Taken, taken

log = logging.getLogger("agentcore.hosts")


@dataclass(frozen=True, kw_only=True)
class Pushed:
    """A message, and what it was made of: its copy among the dead letters must be the same."""

    message: Message
    body: bytes
    attributes: Mapping[str, str]


def pushed(
    body: bytes, attributes: Mapping[str, str] | None = None, *, content_type: str = "", attempt: int = 1
) -> Pushed:
    """What a host gave us. `attempt`: how often it has, as far as it says."""
    given = attributes or {}
    message = opened(body, given, content_type=content_type, attempt=attempt)
    return Pushed(message=message, body=body, attributes=given)


async def work(resident: Resident, given: Sequence[Pushed], limit: Deadline, *, again: bool = True) -> list[bool]:
    """Do what these messages say, side by side; of each, whether the host may forget it.

    `again`: the host gives those that it may not forget once more. If not, they are tried until the time is up, and
    then put among the dead letters.
    """
    async with resident.event(limit) as (service, _):
        return await asyncio.gather(*(_done(resident, service, one, limit, again) for one in given))


async def _done(resident: Resident, service: Service, given: Pushed, limit: Deadline, again: bool) -> bool:
    async with resident.room:
        if limit.passed and again:
            return False
        one = await (taken(service, given.message) if again else _patiently(service, given.message, limit))
        match one.settle:
            case "ack":
                if one.claim is not None:
                    await _advance(service, one.claim)
                return True
            case "dead_letter":
                return await _bury(service, given, one.reason)
            case "retry":
                return False if again else await _bury(service, given, "it could not be taken in time")


async def _patiently(service: Service, message: Message, limit: Deadline) -> Taken:
    one = await taken(service, message)
    while one.settle == "retry" and limit.soft > one.delay:
        await asyncio.sleep(one.delay)
        message = replace(message, attempt=message.attempt + 1)
        one = await taken(service, message)
    return one


async def _advance(service: Service, claim: Claim) -> None:
    """From here on the message is done with: whatever becomes of the slice, the run's row says when it goes on."""
    try:
        await service.advance(claim)
    except asyncio.CancelledError:
        raise
    except LeaseLost:
        log.info("run %s: another worker has it", claim.run.id)
    except BaseException as error:  # whatever it is, it is this run's failure and not the process's
        words = "run %s: this slice failed; the run is taken up again when its lease ends: %s"
        log.error(words, claim.run.id, brief(error), exc_info=trace(log, error))


async def _bury(service: Service, given: Pushed, reason: str) -> bool:
    try:
        await service.bus.bury(given.body, given.attributes, reason)
        return True
    except NotImplementedError as error:
        log.error("%s. So it comes again, until the bus itself puts it aside; the reason is: %s", error, reason)
    except Exception as error:
        words = "the message cannot be put among the dead letters, so it comes again (%s); the reason is: %s"
        log.error(words, brief(error), reason, exc_info=detail(log, error))
    return False


async def tick(resident: Resident, limit: Deadline) -> Mapping[str, int]:
    """Wake all that is due, as far as the time goes. The next tick does the rest."""
    async with resident.event(limit) as (service, _):
        await resident.put_schedules()
        return await service.tick(limit)
