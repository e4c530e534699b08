"""What an agent can ask of its own run. Each name imports the SDK when it is first used, not before."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agentcore.tools.schedules import cancel_schedule, list_schedules, schedule
    from agentcore.tools.waiting import sleep_until, wait_for_event

__all__ = ["cancel_schedule", "list_schedules", "schedule", "sleep_until", "wait_for_event"]

_MODULES = {
    "sleep_until": "waiting",
    "wait_for_event": "waiting",
    "schedule": "schedules",
    "list_schedules": "schedules",
    "cancel_schedule": "schedules",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
