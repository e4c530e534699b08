"""What `agentcore chat` shows of a run's events."""

from __future__ import annotations

from io import StringIO
from typing import Any

from agentcore.commands.client import Client, Event
from agentcore.commands.conversation import Conversation
from agentcore.commands.screen import Screen


def shown(*events: tuple[str, dict[str, Any]]) -> str:
    written = StringIO()
    with Client("http://127.0.0.1:9") as client:
        conversation = Conversation(client, Screen(StringIO(), written), agent="main", thread="t")
        for kind, data in events:
            conversation._show(Event(kind, data, ""))
    return written.getvalue()


def said(step: str, text: str, *calls: str) -> dict[str, Any]:
    return {"step": step, "text": text, "tool_calls": [{"name": name, "arguments": "{}"} for name in calls]}


def test_only_the_agents_own_words_are_shown_and_all_calls() -> None:
    text = shown(
        ("message", said("model:0/0/0", "", "ask_expert")),
        ("inner_message", {**said("model:0/0/c/0/0", "between ourselves", "look"), "within": ["c"]}),
        ("tool_result", {"name": "look", "output": "seen", "within": ["c"]}),
        ("message", said("model:0/0/1", "Here it is.")),
    )
    assert text == "→ ask_expert({})\n→ look({})\n← look: seen\nHere it is.\n"


def test_text_that_came_in_pieces_is_shown_once() -> None:
    step = "model:0/0/0"
    assert shown(("delta", {"step": step, "text": "Hel"}), ("delta", {"step": step, "text": "lo"}),
                 ("message", said(step, "Hello"))) == "Hello\n"  # fmt: skip
