"""What each agent of the soak does when nobody stops it."""

from __future__ import annotations

CALLS = {
    "text": 0, "tool": 1, "parallel": 5, "handoff": 2, "nested": 3, "asks": 3, "asks_within": 2, "blocks": 2,
    "sleeps": 2, "waits": 1, "alarm": 1, "guarded": 1, "slices": 20, "rung": 1,
}  # fmt: skip
"""How many tool calls each makes: the journal of a run that succeeded has so many."""

ONCE = frozenset({"pay", "refund"})  # tools that must not be repeated
SILENT = frozenset({"rung"})  # nobody talks to those: alarms start their runs
LONG = frozenset({"slices", "parallel", "asks", "sleeps"})  # their runs are those that people stop, if there are any
