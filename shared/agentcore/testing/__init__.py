"""What tests of durable agents need: models that say what they are told, time travel, and a crash kit."""

from agentcore.testing.script import Script, SideTable, call, say
from agentcore.testing.travel import advance

__all__ = ["Script", "SideTable", "advance", "call", "say"]
