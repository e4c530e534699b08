"""The API in this process, with a worker beside it, over a fresh SQLite file. Each answer is one that it describes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, chdir
from pathlib import Path
from typing import Any

import httpx

from agentcore import app
from agentcore.api import create_app
from agentcore.commands.client import Event, parse
from agentcore.settings import Settings
from agentcore.worker import work_forever
from tests.e2e.conformance import Conformance

REFUND = "Refund 20 EUR of order 1001, because it broke"
Http = httpx.AsyncClient


@asynccontextmanager
async def api(path: Path, **options: Any) -> AsyncIterator[Http]:
    given = {"database_url": f"sqlite:///{path}/api.db", "bus_url": "memory://", "model": "offline", "auth": "none"}
    settings = Settings(**{**given, **options})
    async with app.running(app.build(settings), migrate=True) as service:
        stop = asyncio.Event()
        working = asyncio.create_task(work_forever(service, stop=stop))
        asgi = create_app(service)
        transport = httpx.ASGITransport(asgi, raise_app_exceptions=False)
        hooks: dict[str, list[Any]] = {"response": [Conformance(asgi)]}
        try:
            async with Http(transport=transport, base_url="http://test", timeout=60, event_hooks=hooks) as http:
                yield http
        finally:
            stop.set()
            await working


def on(path: Path, test: Callable[[Http], Awaitable[None]], **options: Any) -> None:
    async def go() -> None:
        async with asyncio.timeout(90), api(path, **options) as http:
            await test(http)

    with chdir(path):  # where the shop's agents keep their orders
        asyncio.run(go())


def conformance(http: Http) -> Conformance:
    """What holds the answers of this client against the API's description."""
    (found,) = http.event_hooks["response"]
    assert isinstance(found, Conformance)
    return found


def ok(answer: httpx.Response, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


def refused(answer: httpx.Response, status: int, code: str, field: str | None = None) -> dict[str, Any]:
    """The problem in the answer, which must have everything a problem has."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["status"] == status
    assert body["code"] == code, body
    assert body["message"] == body["detail"]
    assert body["type"]
    assert body["title"]
    assert isinstance(body["metadata"], dict)
    if field is not None:
        assert body["field"] == field
        assert field in body["message"]
    return body


def events_of(answer: httpx.Response) -> list[Event]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/event-stream")
    return list(parse(iter(answer.text.split("\n"))))


async def waited(http: Http, input: Any = "hello", agent: str = "support", **more: Any) -> Any:
    """Start a run and wait for its answer."""
    return ok(await http.post("/runs/wait", json={"agent_id": agent, "input": input, **more}))
