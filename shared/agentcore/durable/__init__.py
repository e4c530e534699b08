"""The SDK's seams: models, tools, guardrails and nested runs, made to record and replay. Agents are changed in place,
once, and pass through where no journal is in scope."""

from agentcore.durable.agent import instrument
from agentcore.durable.codec import told
from agentcore.durable.model import DurableProvider
from agentcore.durable.runner import install
from agentcore.durable.scope import Scope, Slice, enter, no_exit
from agentcore.durable.servers import Servers

__all__ = ["DurableProvider", "Scope", "Servers", "Slice", "enter", "install", "instrument", "no_exit", "told"]
