"""What processes share over Redis or Valkey. Only ever a help: without it they poll, and count each for itself."""

from __future__ import annotations

from importlib import import_module
from typing import Any
from urllib.parse import SplitResult, parse_qsl, urlsplit

from agentcore.errors import Misconfigured
from agentcore.ports import Shared
from agentcore.settings import Settings
from agentcore.urls import masked

SETTING, TOKEN = "AGENTCORE_REDIS_URL", "AGENTCORE_REDIS_TOKEN"
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_OPTIONS = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_cert_reqs", "ssl_check_hostname")


def open_shared(settings: Settings) -> Shared | None:
    """What the settings name, or None where they name nothing; nothing is connected yet.

    Raises Misconfigured for a URL of no known form, a token that is missing, and a client that is not installed.
    """
    if not (url := settings.redis_url):
        return None
    try:
        split = urlsplit(url)
        host, _ = split.hostname, split.port
    except ValueError as error:
        raise _misconfigured(url, f"it is not a URL ({error})") from None
    match split.scheme:
        case "redis" | "rediss" if host:
            wire = _over_tcp(split, settings)
        case "https" if host:
            wire = _over_https(split, settings)
        case "http" if host in _LOOPBACK:  # anywhere else the token would be there for all to read
            wire = _over_https(split, settings)
        case _:
            raise _misconfigured(
                url, "it must look like redis://HOST:6379/0, rediss://… (with TLS) or https://NAME.upstash.io"
            )
    shared: Shared = _part("shared", "Redis")(wire, masked(url))
    return shared


def _over_tcp(url: SplitResult, settings: Settings) -> Any:
    unknown = sorted({name for name, _ in parse_qsl(url.query)} - set(_OPTIONS))
    if unknown:
        raise _misconfigured(url.geturl(), f"it has no option {unknown[0]!r}. It knows {', '.join(_OPTIONS)}.")
    if not (url.path.strip("/") or "0").isdigit():
        raise _misconfigured(url.geturl(), "its path is the number of a database, such as /0")
    return _part("tcp", "TcpWire")(url.geturl(), settings.redis_token)


def _over_https(url: SplitResult, settings: Settings) -> Any:
    if url.username or url.password or url.query:
        raise _misconfigured(url.geturl(), f"the token belongs into {TOKEN}")
    if not settings.redis_token:
        raise Misconfigured(f"{TOKEN} is missing: {masked(url.geturl())} asks for it.", setting=TOKEN)
    return _part("rest", "RestWire")(url.geturl().rstrip("/"), settings.redis_token)


def _part(module: str, name: str) -> Any:
    try:
        return getattr(import_module(f"agentcore.redis.{module}"), name)
    except ModuleNotFoundError as error:
        raise Misconfigured(
            f'{SETTING} needs a client that is not installed ({error.name}). Run: pip install "agentcore[redis]"',
            setting=SETTING,
        ) from error


def _misconfigured(url: str, what: str) -> Misconfigured:
    return Misconfigured(f"{SETTING}={masked(url)}: {what}.".replace("..", "."), setting=SETTING)
