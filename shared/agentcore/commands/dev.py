"""`agentcore dev`: API, worker and timer in one process."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shlex
import shutil
import socket
import sys

from agentcore import app
from agentcore.commands import server
from agentcore.commands.lock import alone
from agentcore.commands.process import leave, preload, stopping, together
from agentcore.service import Service
from agentcore.settings import Settings
from agentcore.urls import masked
from agentcore.version import __version__
from agentcore.worker import listen_for_news, tick_forever, work_forever

BUS = "memory://"


def dev(args: argparse.Namespace, settings: Settings) -> int:
    """Run until stopped."""
    asyncio.run(_dev(settings))
    return leave(0)


async def _dev(settings: Settings) -> None:
    with stopping() as stop, alone(settings) as holder, server.listen(settings) as listening:
        settings = server.guarded(settings, listening, local="none")
        service = app.build(settings, bus_default=BUS)
        async with app.running(service, migrate=True):
            if holder is not None:
                holder(f"process {os.getpid()}, {server.address(listening)}")
                # Whoever held a lease died with the lock: its runs go on now, not when their leases end.
                await service.store.release_leases()
            await app.put_schedules(service)
            print(banner(service, listening), flush=True)
            beside = [asyncio.create_task(listen_for_news(service)), asyncio.create_task(preload(service.registry))]
            await together(
                stop,
                server.answer(service, listening, stop),
                work_forever(service, stop=stop),
                tick_forever(service, stop),
            )
            for task in beside:
                task.cancel()
    print("agentcore: stopped; all state is kept", flush=True)


def banner(service: Service, listening: socket.socket) -> str:
    """What runs here, where, and a first thing to try."""
    settings, url = service.settings, server.address(listening)
    agents = sorted(service.registry.specs)
    agent = "support" if "support" in agents else (agents or ["AGENT"])[0]
    asked = "Where is my order 1001?" if agent == "support" else "Hello"
    body = json.dumps({"agent_id": agent, "input": asked})
    chat = f"{_command()} chat --url {url}" + ("" if agent == "support" else f" --agent {agent}")
    return "\n".join(
        (
            f"agentcore {__version__}\n",
            f"  model   {_model(settings)}",
            f"  store   {masked(settings.database_url)}",
            f"  bus     {masked(settings.bus_url or BUS)}",
            f"  callers {server.asks(settings)}",
            f"  agents  {', '.join(agents)} ({settings.agents})\n",
            f"  {url}\n",
            "Try it, in another terminal:\n",
            f"  {chat}\n",
            f"  curl -N {url}/runs/stream -H 'content-type: application/json' \\\n    -d {shlex.quote(body)}\n",
        )
    )


def _command() -> str:
    """How to call this program again, from the same folder."""
    if shutil.which("agentcore"):
        return "agentcore"
    program = os.path.relpath(sys.argv[0])
    return "python -m agentcore" if program.endswith("__main__.py") else shlex.quote(program)


def _model(settings: Settings) -> str:
    if settings.model_name == "offline":
        return "offline: canned answers, no network. Set OPENAI_API_KEY or OPENAI_BASE_URL for a real one."
    where = f" at {masked(settings.openai_base_url)}" if settings.openai_base_url else ""
    return f"{settings.model_name}{where}"
