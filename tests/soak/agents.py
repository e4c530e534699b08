"""The agents of the soak by name, with what each of them does when nobody stops it. Imports no SDK."""

from __future__ import annotations

from agentcore import register

CALLS = {
    "text": 0, "tool": 1, "parallel": 5, "handoff": 2, "nested": 3, "asks": 3, "asks_within": 2, "sleeps": 2,
    "waits": 1, "alarm": 1, "guarded": 1, "slices": 12, "rung": 1,
}  # fmt: skip
"""How many tool calls each makes: the journal of a run that succeeded has so many."""

ONCE = frozenset({"pay", "refund"})
SPOKEN_TO = tuple(name for name in CALLS if name != "rung")  # that one is for schedules

for _name in CALLS:
    register(_name, f"tests.soak.cast:{_name}")
