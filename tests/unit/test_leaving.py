"""What a request is told that is still waiting when its server stops."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import httpx
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from agentcore.api.leaving import Leaving

Wait = Callable[[Send], Awaitable[None]]


async def asked(wait: Wait, *, closing: bool) -> httpx.Response:
    """The answer to a request that is cut off while its route waits."""
    waits, told = asyncio.Event(), asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await wait(send)
        waits.set()
        await asyncio.Event().wait()

    if closing:
        told.set()
    around: ASGIApp = Leaving(app, told)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(around), base_url="http://here") as client:
        request = asyncio.create_task(client.get("/"))
        await waits.wait()
        request.cancel()
        return await request


async def silent(send: Send) -> None:
    pass


async def begun(send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})


def test_a_request_that_a_stopping_server_cuts_off_is_to_be_sent_again() -> None:
    answer = asyncio.run(asked(silent, closing=True))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "unavailable"


@pytest.mark.parametrize(("wait", "closing"), [(begun, True), (silent, False)])
def test_an_answer_that_has_begun_and_a_client_that_goes_are_left_alone(wait: Wait, closing: bool) -> None:
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(asked(wait, closing=closing))
