"""Webhooks: which URLs can be one, what they are told, and the signature (https://www.standardwebhooks.com). Pure."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn
from urllib.parse import urlsplit

from agentcore.addresses import public
from agentcore.errors import Invalid, Misconfigured
from agentcore.records import Run
from agentcore.settings import Settings
from agentcore.views import run as view

_LONGEST = 2000  # characters of a URL
_PORTS = {"https": 443, "http": 80}
_PREFIX = "whsec_"
_LEAST = 24  # bytes of a secret, as the standard wants
_TOLERANCE = 300  # seconds that a signature is good for, and that a signer's clock may be ahead


@dataclass(frozen=True, kw_only=True)
class Target:
    """A webhook's URL, in the parts that a request is made from."""

    scheme: str
    host: str  # a name, or an address without brackets
    port: int
    path: str  # with the query

    @property
    def authority(self) -> str:
        """The Host header (RFC 9110, section 7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def target(url: str, settings: Settings) -> Target:
    """The parts of a webhook's URL. Raises Invalid, naming `webhook`, for one that could never be delivered to.

    A name is not resolved here: what it resolves to is checked when something is sent.
    """
    if len(url) > _LONGEST or not url.isascii() or not url.isprintable() or set(url) & set(' "<>\\^`{|}'):
        _refuse(f"it must be a URL of at most {_LONGEST} characters, with all but ASCII percent-encoded (RFC 3986)")
    try:
        parts = urlsplit(url)
        found = (parts.scheme, parts.hostname or "", parts.port)
    except ValueError:
        _refuse("it is not a URL")
    scheme, host, port = found
    if scheme not in _PORTS:
        _refuse("it must begin with https://")
    if scheme == "http" and not settings.webhook_allow_http:
        _refuse("it must be https (AGENTCORE_WEBHOOK_ALLOW_HTTP=true allows http)")
    if not host or port == 0:
        _refuse("it names no host")
    if parts.username is not None or parts.password is not None:
        _refuse("it must not carry a password: verify the signature instead")
    if not settings.webhook_allow_private and not _may_be_public(host):
        _refuse("it leads to a private address (AGENTCORE_WEBHOOK_ALLOW_PRIVATE=true allows that)")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(scheme=scheme, host=host, port=port or _PORTS[scheme], path=path)


def _may_be_public(host: str) -> bool:
    try:
        return public(host)
    except ValueError:  # a name
        name = host.rstrip(".")
        return name != "localhost" and not name.endswith(".localhost")


def _refuse(reason: str) -> NoReturn:
    raise Invalid(f"webhook: {reason}.", field="webhook")


def kind(run: Run) -> str:
    """The type of the message: run.succeeded, run.failed, run.cancelled or run.expired."""
    return f"run.{run.status}"


def body(delivery_id: str, run: Run) -> bytes:
    """What a webhook is told of a run that has ended: the same bytes on each attempt, as it changes no more."""
    told = {"id": delivery_id, "type": kind(run), "timestamp": run.finished_at, "data": view(run)}
    return json.dumps(told, default=_plain, separators=(",", ":")).encode()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")  # as everywhere else in the API
    return dict(value) if isinstance(value, Mapping) else str(value)


def secrets(settings: Settings) -> tuple[bytes, ...]:
    """The keys that webhooks are signed with. Raises Misconfigured."""
    return keys_of(settings.webhook_secrets, "AGENTCORE_WEBHOOK_SECRETS")


def keys_of(texts: str, setting: str) -> tuple[bytes, ...]:
    """The keys of a setting. Raises Misconfigured for one that is none, without repeating it."""
    return tuple(_key(text, setting) for text in texts.split())


def _key(text: str, setting: str) -> bytes:
    try:
        key = base64.b64decode(text.removeprefix(_PREFIX), validate=True)
    except ValueError:
        key = b""
    if len(key) < _LEAST:
        raise Misconfigured(
            f"{setting}: each must be {_PREFIX} and the base64 of at least {_LEAST} random bytes. "
            f"One is made by: echo {_PREFIX}$(openssl rand -base64 32)",
            setting=setting,
        )
    return key


def signed(keys: Sequence[bytes], delivery_id: str, at: int, content: bytes) -> dict[str, str]:
    """The headers of an attempt made `at` (Unix time): with several keys each signs, so that receivers can change over.

    With no key there is no signature.
    """
    headers = {"webhook-id": delivery_id, "webhook-timestamp": str(at)}
    text = f"{delivery_id}.{at}.".encode() + content
    signatures = [base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode() for key in keys]
    return {**headers, "webhook-signature": " ".join(f"v1,{one}" for one in signatures)} if keys else headers


@dataclass(frozen=True, kw_only=True)
class Signature:
    """What came in the headers of a signed request, as text."""

    message_id: str
    timestamp: str  # Unix time
    signatures: str  # v1,… with blanks between


def verified(keys: Sequence[bytes], given: Signature, content: bytes, *, now: float) -> bool:
    """Whether one of the keys signed this, at most five minutes before `now` (Unix time), or after it.

    Each key is compared with each signature, to the end: how long it takes says nothing of what was right.
    """
    stamp = given.timestamp
    if not (stamp.isascii() and stamp.isdecimal() and len(stamp) <= 12) or abs(now - int(stamp)) > _TOLERANCE:
        return False
    wanted = signed(keys, given.message_id, int(stamp), content).get("webhook-signature", "").split()
    came = given.signatures.encode().split()
    matches = [hmac.compare_digest(one.encode(), other) for one in wanted for other in came]
    return any(matches)
