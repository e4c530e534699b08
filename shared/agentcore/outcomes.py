"""Errors of a run, sorted: those that may pass when tried again, and those that cannot get better."""

from __future__ import annotations

import sys
from typing import Any

import openai
from agents import exceptions as sdk

from agentcore.errors import AgentCoreError, Transient

_CODES: dict[type[BaseException], str] = {
    sdk.InputGuardrailTripwireTriggered: "guardrail_tripped",
    sdk.OutputGuardrailTripwireTriggered: "guardrail_tripped",
    sdk.ToolInputGuardrailTripwireTriggered: "guardrail_tripped",
    sdk.ToolOutputGuardrailTripwireTriggered: "guardrail_tripped",
    sdk.MaxTurnsExceeded: "max_turns_exceeded",
    sdk.ModelBehaviorError: "model_behavior",
    sdk.ModelRefusalError: "model_refused",
    sdk.ToolTimeoutError: "tool_timeout",
    sdk.UserError: "agent_error",
    openai.APIStatusError: "model_refused_request",
}


def transient(error: BaseException) -> bool:
    """Whether trying again later may help: a service that is away, slow, overloaded or limits our rate."""
    if isinstance(error, openai.APIStatusError):
        spent = getattr(error, "code", None) == "insufficient_quota"  # a 429 that no waiting cures
        return not spent and (error.status_code in (408, 409, 425, 429) or error.status_code >= 500)
    kinds = (Transient, openai.APIConnectionError, sdk.ModelTimeoutError, ConnectionError, TimeoutError)
    return isinstance(error, (*kinds, *_transport_errors()))


def _transport_errors() -> list[type[BaseException]]:
    """Of the HTTP clients in use: openai has httpx2 from its version 3 on, and tools bring their own."""
    return [module.TransportError for name in ("httpx", "httpx2") if (module := sys.modules.get(name))]


def retry_after(error: BaseException) -> float | None:
    """How long the failing service asked us to wait, in seconds."""
    if isinstance(error, Transient):
        return error.retry_after
    response = getattr(error, "response", None)
    value = response.headers.get("retry-after", "") if response is not None else ""
    return float(value) if value.replace(".", "", 1).isdigit() else None


def describe(error: BaseException) -> dict[str, Any]:
    """What is stored of an error and shown: a stable code, and words."""
    if isinstance(error, AgentCoreError):
        return {"code": error.code, "message": error.message}
    code = next((code for kind, code in _CODES.items() if isinstance(error, kind)), "agent_error")
    words = str(error) or type(error).__name__
    guardrail = getattr(getattr(error, "guardrail_result", None), "guardrail", None)
    if guardrail is not None and hasattr(guardrail, "get_name"):
        words = f"{words} ({guardrail.get_name()})"
    return {"code": code, "message": f"{type(error).__name__}: {words}"[:2000]}
