"""Metrics, for Prometheus."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from fastapi import APIRouter, Request, Response

from agentcore.api.caller import Verbs
from agentcore.api.scopes import needs
from agentcore.logs import brief, trace
from agentcore.records import Backlog
from agentcore.service import Service

routes = APIRouter(tags=["Health"])
log = logging.getLogger("agentcore.api")
_PATIENCE = 5.0  # seconds: shorter than the time-out of a scrape
_TEXT = {"schema": {"type": "string"}}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {"text/plain": _TEXT, "application/openmetrics-text": _TEXT},
        "description": "Prometheus' text format, or OpenMetrics where `Accept` prefers it.",
    }
}


@routes.get("/metrics", response_class=Response, responses=_ANSWERS)
@needs("system")
async def get_metrics(request: Request, verbs: Verbs) -> Response:
    """What this process did, and what is unfinished in the database. While that is away, the rest is told."""
    from agentcore import metrics  # prometheus_client is imported where somebody scrapes

    text, kind = metrics.exposition(request.headers.get("accept", ""), await _backlog(verbs))
    return Response(text, headers={"Content-Type": kind})


async def _backlog(verbs: Service) -> Backlog | None:
    try:
        return await asyncio.wait_for(verbs.store.backlog(), _PATIENCE)
    except Exception as error:
        log.warning("a scrape goes without the database's figures: %s", brief(error), exc_info=trace(log, error))
        return None
