"""The product's own commands and loops, over a bad bus."""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import Any

from agentcore import app, cli, settings
from agentcore.commands.process import stopping
from agentcore.errors import AgentCoreError
from agentcore.worker import tick_forever
from tests.soak import bus

FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"


def main(arguments: list[str], name: str, skew: float) -> int:
    """Do what the command line says, or with `clock` what the timer does."""

    def logged(*args: Any, **kwargs: Any) -> logging.LogRecord:
        # The log, which all processes share, has the right time and says whose line it is.
        record = logging.LogRecord(*args, **kwargs)
        record.created -= skew
        record.name = f"{name}: {record.name}"
        return record

    logging.setLogRecordFactory(logged)
    setattr(app, "open_bus", bus.open_bus)  # noqa: B010 - a plain assignment to a function is an error of types
    if arguments != ["clock"]:
        return cli.main(arguments)
    try:
        asyncio.run(ring())
    except AgentCoreError as error:  # as the commands of the product end
        print(f"agentcore: {error}", file=sys.stderr)
        return 2
    return 0


async def ring() -> None:
    """What the timer of `agentcore dev` does, in a process of its own."""
    logging.basicConfig(level="INFO", format=FORMAT)
    with stopping() as stop:
        async with app.running(app.build(settings.load())) as service:
            await tick_forever(service, stop)
