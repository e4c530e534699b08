"""Health: is the process alive, and can it serve."""

from __future__ import annotations

import asyncio
import logging

from fastapi import APIRouter, Response
from starlette.responses import JSONResponse

from agentcore.api.caller import Verbs
from agentcore.api.problems import problem
from agentcore.api.scopes import public

routes = APIRouter(tags=["Health"])
log = logging.getLogger("agentcore.api")
_PATIENCE = 5.0  # seconds: shorter than the time-out of a probe


@routes.get("/healthz")
@public
async def healthz() -> dict[str, str]:
    """The process answers. Nothing outside is asked, so that a database that is down does not restart everything."""
    return {"status": "ok"}


@routes.get("/readyz")
@public
async def readyz(verbs: Verbs) -> Response:
    """The database answers too."""
    try:
        await asyncio.wait_for(verbs.store.now(), _PATIENCE)
    except Exception:
        log.warning("not ready: the database does not answer", exc_info=True)
        return problem(503, "The database does not answer.", code="not_ready", headers={"Retry-After": "5"})
    return JSONResponse({"status": "ok"})
