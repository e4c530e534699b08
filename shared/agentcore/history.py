"""What of a thread the model sees, and what a run adds to it: pure functions over the SDK's input items."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agentcore.records import Entry

Item = Mapping[str, Any]
SHOWN = "agentcore"  # key of an item: what only clients see of a message, such as its id and metadata
TOP_MODEL = re.compile(r"model:\d+/0/\d+")
UNFINISHED = "(not finished: the run was stopped)"


def input_items(input: Any) -> list[dict[str, Any]]:
    """A run's input as messages."""
    if isinstance(input, str):
        return [{"role": "user", "content": input}]
    if isinstance(input, list):
        return [dict(item) for item in input]
    return [{"role": "user", "content": json.dumps(input)}]


def bare(item: Item) -> dict[str, Any]:
    """An item as the model gets it."""
    return {name: value for name, value in item.items() if name != SHOWN}


def tokens(item: Item) -> int:
    """An estimate: four characters a token, and a few for the frame."""
    return len(str(item)) // 4 + 4


def window(items: Sequence[Item], most: int) -> int:
    """Where the newest items that fit into `most` tokens begin, without cutting a group apart.

    A group is a tool call with its output, or reasoning with what it led to. A user's message always starts one.
    """
    used, start = 0, len(items)
    while start and used + (cost := tokens(items[start - 1])) <= most:
        used, start = used + cost, start - 1
    if start == 0:
        return 0
    return begin(items, start)


def begin(items: Sequence[Item], start: int = 0) -> int:
    """Where a history may begin, from `start` on. For items that may begin in the middle of a group."""
    for index in range(start, len(items)):
        if items[index].get("role") == "user":
            return index
    start = max(start, 1)  # nobody knows what stood before the first
    while start < len(items) and not _whole(items, start):
        start += 1
    return start


def _whole(items: Sequence[Item], start: int) -> bool:
    """Whether a history may begin here: no output without its call, and not in the middle of one response."""
    if start and _by_model(items[start - 1]) and _by_model(items[start]):
        return False  # servers refuse what followed a reasoning item and comes without it
    calls = {i.get("call_id") for i in items[start:] if i.get("type") == "function_call"}
    return all(i.get("call_id") in calls for i in items[start:] if i.get("type") == "function_call_output")


def _by_model(item: Item) -> bool:
    return item.get("role") in (None, "assistant") and not str(item.get("type") or "").endswith("_output")


def trim(items: list[Any], most: int) -> list[Any]:
    """What a long run sends to the model once its own steps outgrow the window: its question, and the newest groups.

    A system message at the very front, such as the thread's summary, stays too.
    """
    if len(items) < 4 or not all(isinstance(item, Mapping) for item in items):
        return items
    start = window(items, most)
    if start == 0:
        return items
    if start == len(items):  # not even the last group fits: the model must see it all the same
        start = next((i for i in reversed(range(len(items))) if _whole(items, i)), 0)
    front = [0] if start and items[0].get("role") == "system" else []
    question = [i for i in range(start) if items[i].get("role") == "user"][-1:]
    return [*(items[i] for i in (*front, *question)), *items[start:]]


def items_of(input: Any, entries: Sequence[Entry], told: Callable[[Any], Any] = str) -> list[dict[str, Any]]:
    """The messages of a run that was stopped, out of its journal: what is open gets a synthetic output.

    `told` makes of a recorded result what the model was told of it.
    """
    kinds = ("tool", "handoff")
    outputs = {e.key.partition(":")[2]: e.data["output"] for e in entries if e.kind in kinds}
    items = input_items(input)
    for entry in entries:
        if entry.kind == "model" and TOP_MODEL.fullmatch(entry.key):
            items += [dict(item) for item in entry.data["output"]]
            for call in entry.data["output"]:
                if call.get("type") == "function_call":
                    output = told(outputs.get(f"0/{call['call_id']}", _nested(entries, call["call_id"])))
                    items.append({"type": "function_call_output", "call_id": call["call_id"], "output": output})
    return items


def _nested(entries: Sequence[Entry], call_id: str) -> str:
    """The last words of an agent that was used as a tool: its call is no step, so its result is in none."""
    from agentcore.events import text_of

    of_call = re.compile(rf"model:\d+/0/{re.escape(call_id)}/0/\d+")
    texts = [text_of(e.data["output"]) for e in entries if e.kind == "model" and of_call.fullmatch(e.key)]
    return texts[-1] if texts and texts[-1] else UNFINISHED


@dataclass(frozen=True)
class Before:
    """What a redriven run has from the one it takes the place of; of any other run, nothing."""

    steps: int = 0  # lines of its journal, behind the first, that were copied
    kept: tuple[tuple[int, int], ...] = ()  # positions (end excluded) of its work in the history, where it had to stay

    @classmethod
    def read(cls, entries: Sequence[Entry]) -> Before:
        told = entries[0].data if entries and entries[0].kind == "accepted" else {}
        return cls(told.get("steps", 0), tuple((start, end) for start, end in told.get("kept", ())))

    @property
    def items(self) -> int:
        """How many messages of the run are in the history: its first ones."""
        return sum(end - start for start, end in self.kept)

    def has(self, position: int) -> bool:
        return any(start <= position < end for start, end in self.kept)


def usage_of(entries: Sequence[Entry]) -> dict[str, int]:
    """Tokens of all model calls, nested ones included."""
    total: dict[str, int] = {}
    for entry in entries:
        if entry.kind == "model":
            for name, count in entry.data.get("usage", {}).items():
                total[name] = total.get(name, 0) + count
    return total
