"""Registers the agents of the soak. Imports no SDK."""

from __future__ import annotations

from agentcore import register
from tests.soak.roles import CALLS

for _name in CALLS:
    register(_name, f"tests.soak.cast:{_name}")
