"""Errors as HTTP answers."""

from __future__ import annotations

import asyncio

import httpx
from fastapi import FastAPI

from agentcore.api import problems
from agentcore.errors import Unavailable


def test_a_database_that_is_away_is_told_as_503_with_the_time_to_come_again() -> None:
    app = FastAPI()
    problems.install(app)

    @app.get("/")
    async def answer() -> None:
        raise Unavailable("The database cannot be reached.")

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:
            return await client.get("/")

    told = asyncio.run(ask())
    assert (told.status_code, told.json()["code"], told.headers["retry-after"]) == (503, "unavailable", "1")
