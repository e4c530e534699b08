"""Brokers for the hosts, one of each kind a session."""

from __future__ import annotations

from tests.contracts.conftest import brokers

__all__ = ["brokers"]
