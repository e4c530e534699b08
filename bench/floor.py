"""The least that an HTTP API can do: the same two requests, with nothing kept. Prints where it answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import uvicorn
from agents import Runner
from fastapi import FastAPI
from fastapi.responses import StreamingResponse

from agentcore.commands import server
from agentcore.settings import Settings
from bench import fakes
from bench.subjects import agents

api, found, words = FastAPI(), agents(), fakes.words_agent()


@api.post("/threads")
async def create_thread(body: dict[str, Any]) -> dict[str, Any]:
    return {"thread_id": "one"}


@api.post("/runs/wait")
async def wait(body: dict[str, Any]) -> dict[str, Any]:
    result = await Runner.run(found[body["agent_id"]], body["input"])
    return {"values": {"output": result.final_output}}


@api.post("/runs/stream")
async def stream(body: dict[str, Any]) -> StreamingResponse:
    async def events() -> AsyncIterator[str]:
        yield "event: run\ndata: {}\n\n"
        result = Runner.run_streamed(words, body["input"])
        async for event in result.stream_events():
            if event.type == "raw_response_event" and event.data.type == "response.output_text.delta":
                yield f"event: delta\ndata: {json.dumps({'text': event.data.delta})}\n\n"
        yield f"event: finished\ndata: {json.dumps({'output': result.final_output})}\n\n"

    return StreamingResponse(events(), media_type="text/event-stream")


async def main() -> None:
    listening = server.listen(Settings(port=0))
    print(server.address(listening), flush=True)
    await uvicorn.Server(uvicorn.Config(api, access_log=False, log_config=None)).serve(sockets=[listening])


asyncio.run(main())
