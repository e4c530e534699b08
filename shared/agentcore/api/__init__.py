"""The HTTP API: routes ↔ verbs. Importing it imports no SDK."""

from agentcore.api.application import create_app

__all__ = ["create_app"]
