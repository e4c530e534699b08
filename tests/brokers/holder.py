"""A process that takes so many messages, acknowledges the first, says so, and holds the others until it is killed."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import cast

from agentcore import settings as environment
from agentcore.bus import open_bus
from agentcore.ports import StateStore
from agentcore.records import Message


async def hold(url: str, count: int) -> None:
    bus, found = open_bus(url, cast(StateStore, None), environment.load(bus_url=url)), dict[str, Message]()
    while len(found) < count:
        for message in await bus.receive(limit=10, wait=1.0):
            found.setdefault(message.run_id, message)
    first = next(iter(found))
    await bus.ack(found[first])
    print(json.dumps(first), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(hold(sys.argv[1], int(sys.argv[2])))
