"""What browsers are told with each answer: who may read it, and what not to do with it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from starlette.datastructures import MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agentcore.errors import Misconfigured
from agentcore.settings import Settings

_ORIGIN = re.compile(r"https?://[^/?#@\s,*]+")
_SAFE = {  # OWASP REST Security Cheat Sheet, "Security headers"
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_ACCEPTED = ("Authorization", "Content-Type", "Idempotency-Key", "Last-Event-ID")
_EXPOSED = ("Location", "Content-Location", "Retry-After", "WWW-Authenticate")


class SafeHeaders:
    """Adds headers to each answer that does not set them itself."""

    def __init__(self, app: ASGIApp, headers: Mapping[str, str]) -> None:
        self._app, self._headers = app, headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def adding(message: Message) -> None:
            if message["type"] == "http.response.start":
                found = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    found.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, adding if scope["type"] == "http" else send)


def around(app: ASGIApp, settings: Settings) -> ASGIApp:
    """The application with the headers of the settings, on failures of the server too. Raises Misconfigured."""
    if allowed := origins(settings):
        app = CORSMiddleware(
            app, allow_origins=allowed, allow_methods=_METHODS, allow_headers=_ACCEPTED, expose_headers=_EXPOSED
        )
    headers = dict(_SAFE) if settings.security_headers else {}
    if settings.hsts_seconds:
        headers["Strict-Transport-Security"] = f"max-age={settings.hsts_seconds}"
    return SafeHeaders(app, headers) if headers else app


def origins(settings: Settings) -> tuple[str, ...]:
    """The origins whose pages may call. Raises Misconfigured for what no browser would ever send as one."""
    named = tuple(part.strip() for part in settings.cors_origins.split(",") if part.strip())
    for one in named:
        if one != "*" and not _ORIGIN.fullmatch(one):
            raise Misconfigured(
                f"AGENTCORE_CORS_ORIGINS: {one!r} is no origin. Write https://app.example.com, with no path or slash.",
                setting="AGENTCORE_CORS_ORIGINS",
            )
    return named
