"""Requests that stay open until a run has an answer, or nobody listens any more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from fastapi import Request

from agentcore.api import views
from agentcore.events import PublicEvent
from agentcore.records import Run
from agentcore.service import Service


async def waited(
    verbs: Service, run: Run, closing: asyncio.Event, seconds: float, *, request: Request | None = None
) -> dict[str, Any]:
    """The run and its answer, or the run as it is when the time is up or this server stops.

    With `request`, a client that goes away cancels the run.
    """
    waiting = asyncio.ensure_future(verbs.wait(run, seconds))
    if not await _first(waiting, closing, request) and not closing.is_set():
        abandon(verbs, run.tenant, run.id)
    came = waiting.done() and not waiting.cancelled()
    found: Run = waiting.result() if came else await verbs.store.run(run.tenant, run.id)
    asked = await verbs.store.questions(run.tenant, run_id=run.id) if found.status == "waiting" else []
    return views.waited(found, asked)


async def ended(events: AsyncIterator[PublicEvent], closing: asyncio.Event, seconds: float) -> None:
    """Wait until the events of a run end, so long at most."""

    async def read() -> None:
        async for _ in events:
            pass

    await _first(asyncio.ensure_future(asyncio.wait_for(read(), seconds)), closing)


def abandon(verbs: Service, tenant: str, run_id: str) -> None:
    """Cancel a run whose client has gone, without a wait for it: this request is over."""
    verbs.spawn(verbs.cancel(tenant, run_id))


async def _first(waiting: asyncio.Future[Any], closing: asyncio.Event, request: Request | None = None) -> bool:
    """Wait for it, but no longer than this server lives or the client is there; whether it came."""
    others: list[asyncio.Future[Any]] = [asyncio.ensure_future(closing.wait())]
    if request is not None:
        others.append(asyncio.ensure_future(_gone(request)))
    try:
        await asyncio.wait((waiting, *others), return_when=asyncio.FIRST_COMPLETED)
        return waiting.done()
    finally:
        for one in (waiting, *others):
            one.cancel()
        await asyncio.gather(waiting, *others, return_exceptions=True)


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
