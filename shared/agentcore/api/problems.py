"""Every error as application/problem+json (RFC 9457), with a stable `code`."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError, ValidationException, WebSocketRequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from agentcore.errors import AgentCoreError, Invalid
from agentcore.logs import brief, trace

log = logging.getLogger("agentcore.api")
_CODES = {400: "malformed", 404: "not_found", 405: "method_not_allowed", 413: "too_large", 415: "unsupported_media"}
_NOT_JSON = "The body must be JSON: send it with Content-Type: application/json."
_FAILED = "Something went wrong here. It is logged; try again later."


def describe(error: AgentCoreError) -> dict[str, Any]:
    """The body of an error raised on purpose."""
    return body(error.status, error.message, error.code, jsonable_encoder(error.details))


def problem(status: int, message: str, *, code: str, headers: Mapping[str, str] | None = None, **more: Any) -> Response:
    return JSONResponse(body(status, message, code, more), status, headers, media_type="application/problem+json")


def install(app: FastAPI) -> None:
    """Answer every error of this application in that form."""
    for kind, handler in _HANDLERS.items():
        app.add_exception_handler(kind, _also_for_sockets(handler))
    app.add_exception_handler(Exception, _unknown)


def body(status: int, message: str, code: str, details: Mapping[str, Any] = {}) -> dict[str, Any]:
    """RFC 9457's members, Agent Protocol's (code, message, metadata), and the details on top for convenience."""
    own = {
        "type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": message,
        "code": code, "message": message, "metadata": dict(details),
    }  # fmt: skip
    return {**details, **own}


async def refuse(error: AgentCoreError, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request, or a WebSocket's handshake, that gets no further."""
    await _instead(_answer(error), scope, receive, send, error.code)


async def _instead(answer: Response, scope: Scope, receive: Receive, send: Send, reason: str = "") -> None:
    if scope["type"] == "websocket" and "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008, "reason": reason})  # the server makes it a 403
    else:
        await answer(scope, receive, send)


def _answer(error: AgentCoreError) -> Response:
    return JSONResponse(describe(error), error.status, error.headers, media_type="application/problem+json")


def _also_for_sockets(handler: Handler) -> Any:
    """An error of a WebSocket's route before its handshake is the answer to it."""

    async def handle(connection: HTTPConnection, error: Exception) -> Response | None:
        answer = await handler(connection, error)
        if not isinstance(connection, WebSocket):
            return answer
        await _instead(answer, connection.scope, connection.receive, connection.send)
        return None

    return handle


async def _known(connection: HTTPConnection, error: Exception) -> Response:
    assert isinstance(error, AgentCoreError)
    if error.status >= 500:
        what = connection.scope.get("method"), connection.url.path, brief(error)
        log.error("%s %s: %s", *what, exc_info=trace(log, error))
    return _answer(error)


async def _unfit(connection: HTTPConnection, error: Exception) -> Response:
    assert isinstance(error, ValidationException)
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        return problem(400, f"The body is not JSON: {first.get('ctx', {}).get('error', '')}.", code="malformed")
    if first["loc"] == ("body",) and isinstance(first["input"], bytes):  # FastAPI parses what says that it is JSON
        return problem(415, _NOT_JSON, code=_CODES[415])
    errors = [{"field": _field(e), "message": e["msg"]} for e in error.errors()[:20]]
    named = errors[0]["field"]
    return problem(422, f"{named}: {first['msg']}", code=Invalid.code, field=named, errors=errors)


def _field(error: Mapping[str, Any]) -> str:
    """input.0.content, not body.input.list[…].0.content: neither where it stood nor the type it failed as."""
    named = ".".join(str(part) for part in error["loc"][1:] if not str(part).endswith("]") and part != "str")
    return named or error.get("ctx", {}).get("field") or "body"


async def _http(connection: HTTPConnection, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = _CODES.get(error.status_code, "error")
    what = f"{connection.scope.get('method', 'WebSocket')} {connection.url.path}"
    text = f"There is no {what}." if error.detail == "Not Found" else str(error.detail)
    return problem(error.status_code, text, code=code, headers=error.headers)


async def _unknown(request: Request, error: Exception) -> Response:
    return problem(500, _FAILED, code="internal")


Handler = Callable[[HTTPConnection, Exception], Awaitable[Response]]
_HANDLERS: Mapping[type[Exception], Handler] = {
    AgentCoreError: _known, HTTPException: _http,
    RequestValidationError: _unfit, WebSocketRequestValidationError: _unfit,
}  # fmt: skip
