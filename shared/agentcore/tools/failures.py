"""What a model reads when one of these tools fails."""

from __future__ import annotations

from typing import Any

from agents import RunContextWrapper, default_tool_error_function

from agentcore.errors import AgentCoreError, Transient


def say_the_fix(context: RunContextWrapper[Any], error: Exception) -> str:
    """Our own errors in their words, which name the fix; of others no more than the SDK says. Transient goes on up."""
    if isinstance(error, Transient):
        raise error
    if isinstance(error, AgentCoreError):
        return f"Error: {error.message}"
    return default_tool_error_function(context, error)
