"""The least that an HTTP API can do: the same two requests, with nothing kept. Prints where it answers."""

from __future__ import annotations

import asyncio
from typing import Any

import uvicorn
from agents import Runner
from fastapi import FastAPI

from agentcore.commands import server
from agentcore.settings import Settings
from bench.subjects import agents

api, found = FastAPI(), agents()


@api.post("/threads")
async def create_thread(body: dict[str, Any]) -> dict[str, Any]:
    return {"thread_id": "one"}


@api.post("/runs/wait")
async def wait(body: dict[str, Any]) -> dict[str, Any]:
    result = await Runner.run(found[body["agent_id"]], body["input"])
    return {"values": {"output": result.final_output}}


async def main() -> None:
    listening = server.listen(Settings(port=0))
    print(server.address(listening), flush=True)
    await uvicorn.Server(uvicorn.Config(api, access_log=False, log_config=None)).serve(sockets=[listening])


asyncio.run(main())
