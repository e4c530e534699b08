"""The entry of each process under test: a wrong clock and a bad bus, and then the product's own commands and loops."""

from __future__ import annotations

import os
import sys

from tests.soak import clock

if __name__ == "__main__":
    clock.skew(float(os.environ.get("SOAK_SKEW", "0")))  # before anything of the product is imported

import asyncio
import logging

from agentcore import app, cli, settings
from agentcore.commands.process import stopping
from agentcore.worker import tick_forever
from tests.soak import bus


def main() -> int:
    setattr(app, "open_bus", bus.open_bus)  # noqa: B010 - a plain assignment to a function is an error of types
    if sys.argv[1:] == ["clock"]:
        asyncio.run(ring())
        return 0
    return cli.main()


async def ring() -> None:
    """What the timer of `agentcore dev` does, in a process of its own."""
    logging.basicConfig(level="INFO")
    with stopping() as stop:
        async with app.running(app.build(settings.load())) as service:
            await tick_forever(service, stop)


if __name__ == "__main__":
    sys.exit(main())
