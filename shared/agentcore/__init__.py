"""Durable, serverless OpenAI Agents SDK agents."""

from agentcore.context import Woke, current
from agentcore.effects import effect
from agentcore.errors import Transient
from agentcore.registry import EventRule, register

__all__ = ["EventRule", "Transient", "Woke", "current", "effect", "register"]
