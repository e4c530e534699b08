"""Health: is the process alive, and can it serve."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Mapping

from fastapi import APIRouter, Request, Response
from starlette.responses import JSONResponse

from agentcore.api import schemas
from agentcore.api.problems import problem
from agentcore.api.scopes import public
from agentcore.logs import brief, detail
from agentcore.service import Service

routes = APIRouter(tags=["Health"])
log = logging.getLogger("agentcore.api")
_PATIENCE = 5.0  # seconds: shorter than the time-out of a probe


@routes.get("/healthz", response_model=schemas.Health)
@public
async def healthz() -> dict[str, str]:
    """The process answers. Nothing outside is asked, so that a database that is down does not restart everything."""
    return {"status": "ok"}


@routes.get("/readyz", response_model=schemas.Health, responses=schemas.refusals(503))
@public
async def readyz(request: Request) -> Response:
    """Database and bus answer too. Where not, `failed` says which of them."""
    probe: Probe = request.app.state.probe
    if failed := await probe.failed():
        does = "do" if len(failed) > 1 else "does"
        text = f"The {' and the '.join(failed)} {does} not answer."
        return problem(503, text, code="not_ready", failed=failed, headers={"Retry-After": "5"})
    return JSONResponse({"status": "ok"})


class Probe:
    """Asks database and bus, one question to each at a time: whoever asks meanwhile, and anybody may, shares it."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._asking: asyncio.Task[list[str]] | None = None

    async def failed(self) -> list[str]:
        """Those of the two that do not answer."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(_failed(self._service))
        return await asyncio.shield(self._asking)


async def _failed(service: Service) -> list[str]:
    asked: Mapping[str, Awaitable[object]] = {"database": service.store.now(), "bus": service.bus.check()}
    answers = await asyncio.gather(*(_answers(name, one) for name, one in asked.items()))
    return [name for name, answered in zip(asked, answers, strict=True) if not answered]


async def _answers(name: str, question: Awaitable[object]) -> bool:
    try:
        await asyncio.wait_for(question, _PATIENCE)
    except Exception as error:
        log.warning("not ready: the %s does not answer: %s", name, brief(error), exc_info=detail(log, error))
        return False
    return True
