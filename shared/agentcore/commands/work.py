"""`agentcore work`, `tick` and `migrate`."""

from __future__ import annotations

import argparse
import asyncio
import json
from typing import Any

from agentcore import app
from agentcore.commands.process import leave, preload, stopping
from agentcore.commands.scraped import scraped
from agentcore.errors import Misconfigured
from agentcore.settings import Settings
from agentcore.urls import masked
from agentcore.worker import work_forever


def work(args: argparse.Namespace, settings: Settings) -> int:
    """Move runs forward until stopped, drained or out of time; print how its slices ended."""
    if settings.bus_url.startswith("memory:"):
        raise Misconfigured("AGENTCORE_BUS_URL=memory:// ends with one process, so nothing would come. Use store://.")
    print(json.dumps(asyncio.run(_work(settings, drain=args.drain, max_seconds=args.max_seconds))))
    return leave(0)


async def _work(settings: Settings, *, drain: bool, max_seconds: float | None) -> Any:
    with stopping() as stop, scraped(settings):
        async with app.running(app.build(settings)) as service:
            if drain:  # what finds nothing to do need not import the SDK
                return await work_forever(service, stop=stop, drain=True, max_seconds=max_seconds)
            loading = asyncio.create_task(preload(service.registry))
            try:
                return await work_forever(service, stop=stop, max_seconds=max_seconds)
            finally:
                loading.cancel()


def tick(args: argparse.Namespace, settings: Settings) -> int:
    """Wake what is due; print how much that was."""
    print(json.dumps(asyncio.run(_tick(settings))))
    return 0


async def _tick(settings: Settings) -> Any:
    async with app.running(app.build(settings)) as service:
        await app.put_schedules(service)
        return await service.tick()


def migrate(args: argparse.Namespace, settings: Settings) -> int:
    """Bring the schema to this version."""
    asyncio.run(_migrate(settings))
    print(f"{masked(settings.database_url)} is up to date")
    return 0


async def _migrate(settings: Settings) -> None:
    async with app.running(app.build(settings), migrate=True):
        pass
