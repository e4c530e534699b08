"""One class for each decision a caller must make. `code` is stable and public; the docstring says what to do."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


class AgentCoreError(Exception):
    """Base of every error raised on purpose. `details` are safe to show to the caller."""

    code = "error"
    status = 500  # for HTTP

    def __init__(self, message: str, *, headers: Mapping[str, str] | None = None, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.headers = headers or {}  # for HTTP
        self.details = details


class NotFound(AgentCoreError):
    """No such thing, or it is another tenant's: the two look the same on purpose."""

    code, status = "not_found", 404


class Invalid(AgentCoreError):
    """The request cannot be right, whatever the state: fix the named field."""

    code, status = "invalid", 422


class Malformed(AgentCoreError):
    """The request cannot be read at all."""

    code, status = "malformed", 400


class Conflict(AgentCoreError):
    """The request does not fit the present state."""

    code, status = "conflict", 409


class ThreadBusy(Conflict):
    """The thread has an unfinished run and the caller said `reject`."""

    code = "thread_busy"


class RunUnfinished(Conflict):
    """Only a run that has ended can be deleted: cancel it first."""

    code = "run_unfinished"


class InputRequired(Conflict):
    """The thread's run waits for a person. Decide the named questions, or say enqueue, interrupt or rollback."""

    code = "input_required"


class IdempotencyMismatch(Conflict):
    """The idempotency key was used before, with another request."""

    code = "idempotency_mismatch"


class AlreadyDecided(Conflict):
    """The question was decided before (or expired, or its run ended)."""

    code = "already_decided"


class ArgumentsChanged(Conflict):
    """The decision names other arguments than those that would run: look again, then decide."""

    code = "arguments_changed"


class EffectsHappened(Conflict):
    """A tool that changes the world has started, so the run's work cannot be dropped. Interrupt it instead."""

    code = "effects_happened"


class NotRedrivable(Conflict):
    """Only a failed, cancelled or expired run can be redriven."""

    code = "not_redrivable"


class LimitExceeded(AgentCoreError):
    """A limit of the product was reached; the message names it and the setting."""

    code, status = "limit_exceeded", 429


class Unauthenticated(AgentCoreError):
    """Nobody knows who calls: the credentials are missing or no (longer) good. Which of these is not told."""

    code, status = "unauthenticated", 401

    def __init__(self, *, given: bool) -> None:
        """`given`: there were credentials (RFC 6750, section 3.1 wants the error named only then)."""
        super().__init__(
            "Show who you are: send `Authorization: Bearer` and an API key (agentcore keys create) or a token that is "
            "valid here.",
            headers={"WWW-Authenticate": 'Bearer error="invalid_token"' if given else "Bearer"},
        )


class Forbidden(AgentCoreError):
    """The caller is known, and has not the scope that this takes."""

    code, status = "forbidden", 403

    def __init__(self, scope: str) -> None:
        super().__init__(
            f"This takes the scope {scope}, which the key or token does not have.", scope=scope,
            headers={"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{scope}"'},
        )  # fmt: skip


class RateLimited(LimitExceeded):
    """The caller calls too often: again in `retry_after` seconds."""

    code = "rate_limited"

    def __init__(self, seconds: float) -> None:
        wait = max(1, math.ceil(seconds))
        super().__init__(
            f"Too many requests: try again in {wait} s.", retry_after=wait, headers={"Retry-After": str(wait)}
        )


class Poison(AgentCoreError):
    """No attempt can ever make this message useful: put it into the dead letter, with this text as the reason."""

    code, status = "poison", 422


class LeaseLost(AgentCoreError):
    """Another worker owns this run now: stop, and drop the message. Nothing more can be written."""

    code, status = "lease_lost", 409


class IncompatibleVersion(AgentCoreError):
    """The journal was written by code that asked other things: the run cannot be replayed by this version."""

    code, status = "incompatible_version", 409


class Misconfigured(AgentCoreError):
    """A setting or a registration cannot work; the message names it and the fix."""

    code = "misconfigured"


class Transient(AgentCoreError):
    """Raise it from a tool when trying again later may help: the run is retried with back-off, holding no worker.

    Any other exception of a tool becomes text that the model reads, as the SDK does.
    """

    code = "transient"

    def __init__(self, message: str = "try again later", *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unavailable(Transient):
    """What this needs is away or too busy: the database, an identity provider. Send the request again in `seconds`."""

    code, status = "unavailable", 503

    def __init__(self, message: str, *, seconds: int = 1) -> None:
        super().__init__(message, retry_after=float(seconds))
        self.headers = {"Retry-After": str(seconds)}  # RFC 9110, section 10.2.3
