"""`agentcore serve`: the HTTP API."""

from __future__ import annotations

import argparse
import asyncio

from agentcore import app
from agentcore.commands import server
from agentcore.commands.process import leave, preload, stopping, together
from agentcore.errors import Misconfigured
from agentcore.settings import Settings
from agentcore.worker import listen_for_news


def serve(args: argparse.Namespace, settings: Settings) -> int:
    """Serve until stopped."""
    if settings.bus_url.startswith("memory:"):
        raise Misconfigured(
            "AGENTCORE_BUS_URL=memory:// ends with this process, so no worker would hear. Use store://."
        )
    asyncio.run(_serve(settings))
    return leave(0)


async def _serve(settings: Settings) -> None:
    with stopping() as stop, server.listen(settings) as listening:
        settings = server.guarded(settings, listening)
        service = app.build(settings)
        async with app.running(service):
            await app.put_schedules(service)
            agents = ", ".join(sorted(service.registry.specs))
            print(f"agentcore serves {agents} at {server.address(listening)}", flush=True)
            print(f"callers: {server.asks(settings)}", flush=True)
            beside = [asyncio.create_task(listen_for_news(service)), asyncio.create_task(preload(service.registry))]
            await together(stop, server.answer(service, listening, stop))
            for task in beside:
                task.cancel()
