"""Who calls, for which tenant, and what they may do. Pure: credentials are looked at in `callers`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from agentcore.errors import Forbidden, Invalid, Misconfigured
from agentcore.settings import Settings

Scope = Literal[
    "agents:read", "threads:read", "threads:write", "runs:read", "runs:write", "approvals:read", "approvals:decide",
    "schedules:read", "schedules:write", "store:read", "store:write", "events:write", "usage:read", "admin", "system",
]  # fmt: skip

SCOPES: Mapping[Scope, str] = {
    "agents:read": "Find agents and read their schemas.",
    "threads:read": "Read threads: their state, history and events.",
    "threads:write": "Create, change, copy and delete threads.",
    "runs:read": "Read runs: their output and events.",
    "runs:write": "Start, cancel, redrive and delete runs.",
    "approvals:read": "Read what runs ask of people.",
    "approvals:decide": "Approve or reject it.",
    "schedules:read": "Read schedules.",
    "schedules:write": "Create, change, pause, run and delete schedules.",
    "store:read": "Read the tenant's memory.",
    "store:write": "Change it.",
    "events:write": "Send events, which wake and start runs.",
    "usage:read": "Read what runs have used.",
    "admin": "All of the above.",
    "system": "What is about all tenants: metrics, tick. Not part of admin, and never taken from a token's claims.",
}

Method = Literal["keys", "oidc"]
_METHODS: tuple[Method, ...] = ("keys", "oidc")
_NAME = re.compile(r"[^\x00-\x1f\x7f-\x9f\ud800-\udfff]{1,200}")


@dataclass(frozen=True, kw_only=True)
class Principal:
    """A caller who showed who they are."""

    tenant: str
    subject: str  # who, for the record: key:NAME/ID, oidc:SUBJECT or anonymous
    scopes: frozenset[Scope]
    key_id: str | None = None  # of the API key they called with

    def may(self, scope: Scope) -> bool:
        return scope in self.scopes or ("admin" in self.scopes and scope != "system")

    def need(self, scope: Scope) -> None:
        """Raise Forbidden unless they may."""
        if not self.may(scope):
            raise Forbidden(scope)


ANONYMOUS = Principal(tenant="default", subject="anonymous", scopes=frozenset(SCOPES))  # where nobody is asked


def methods(settings: Settings) -> frozenset[Method]:
    """How callers show who they are; none: nobody is asked. Raises Misconfigured."""
    issuer = bool(settings.oidc_issuer)
    if not settings.auth:
        return frozenset(_METHODS) if issuer else frozenset(["keys"])
    if settings.auth.strip() == "none":
        return frozenset()
    named = {part.strip() for part in settings.auth.split(",")}
    if not named <= set(_METHODS):
        raise Misconfigured(
            f"AGENTCORE_AUTH={settings.auth!r}: write keys, oidc, or both with a comma; or none.",
            setting="AGENTCORE_AUTH",
        )
    if "oidc" in named and not issuer:
        raise Misconfigured(
            "AGENTCORE_AUTH names oidc, and AGENTCORE_OIDC_ISSUER says nothing. Set it to your provider's issuer URL.",
            setting="AGENTCORE_OIDC_ISSUER",
        )
    return frozenset(method for method in _METHODS if method in named)


def scope(text: str) -> Scope:
    """The scope of that name. Raises Invalid, naming those there are."""
    for known in SCOPES:
        if known == text:
            return known
    raise Invalid(f"scope: there is no {text!r}. Known: {', '.join(SCOPES)}.", field="scope")


def name(field: str, text: str) -> str:
    """A tenant's or a key's name: 1 to 200 characters that can be shown and stored. Raises Invalid."""
    if not _NAME.fullmatch(text) or text != text.strip():
        raise Invalid(f"{field}: write 1 to 200 characters, without control characters or outer spaces.", field=field)
    return text


def markdown() -> str:
    """The table of scopes in docs/auth.md."""
    rows = [f"| `{scope}` | {text} |" for scope, text in SCOPES.items()]
    return "\n".join(["| scope | what it allows |", "|---|---|", *rows])
