"""Journal entry → public event. Version 1: fields are added, never renamed or removed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from agentcore.errors import Invalid
from agentcore.records import Entry, Run


@dataclass(frozen=True, kw_only=True)
class PublicEvent:
    """What a client sees. `id` is the cursor to give back after a lost connection."""

    id: str
    type: str
    data: Mapping[str, Any]
    seq: int


@dataclass(frozen=True, kw_only=True)
class Delta:
    """A piece of text on its way from the model; `index` counts within one attempt (fence) of a run."""

    attempt: int
    index: int
    step: str
    text: str


@dataclass
class Cursor:
    """How far a reader has come: all entries up to `seq`, and of the attempt's deltas those up to `index`.

    Live deltas come before the entry that stores them, so the cursor has both; a reader that comes back with it
    gets each event once, in order, wherever it reads from.
    """

    seq: int = 0
    attempt: int = 0
    index: int = -1
    streaming: bool = False  # deltas were shown whose message has not come: a new attempt must reset them

    @classmethod
    def parse(cls, text: str | None) -> Cursor:
        """Read what `str` wrote. Raises Invalid for anything else."""
        if not text:
            return cls()
        if not re.fullmatch(r"\d{1,15}(\.\d{1,15}\.\d{1,15}(\.1)?)?", text):
            raise Invalid(f"cursor: {text[:40]!r} is not an event id of this stream.", field="Last-Event-ID")
        parts = [int(part) for part in text.split(".")]
        if len(parts) == 1:
            return cls(parts[0])
        return cls(parts[0], parts[1], parts[2], streaming=len(parts) == 4)

    def __str__(self) -> str:
        shown = f".{self.attempt}.{self.index}" if self.index >= 0 else ""
        return f"{self.seq}{shown}{'.1' if self.streaming else ''}"

    def follows(self, news: Entry | Delta) -> bool:
        """Whether nothing is missing between this cursor and a piece of live news. If not, read the database."""
        if isinstance(news, Entry):
            return news.seq <= self.seq + 1
        return news.index <= (self.index + 1 if news.attempt == self.attempt else 0) or news.attempt < self.attempt

    def take(self, news: Entry | Delta) -> Iterator[PublicEvent]:
        """Move on over a piece of news; the events it means for this reader (none when it was seen before)."""
        if isinstance(news, Delta):
            yield from self._delta(news)
        elif news.seq > self.seq:
            if news.kind == "delta":
                for offset, part in enumerate(news.data["parts"]):
                    index = news.data["first"] + offset
                    yield from self._delta(Delta(attempt=news.data["attempt"], index=index, **part))
                self.seq = news.seq
            else:
                self.seq = news.seq
                yield from self._entry(news)

    def _delta(self, delta: Delta) -> Iterator[PublicEvent]:
        if (delta.attempt, delta.index) <= (self.attempt, self.index):
            return
        if delta.attempt > self.attempt and self.streaming:
            yield self._event("reset", {"attempt": delta.attempt})
        self.attempt, self.index, self.streaming = delta.attempt, delta.index, True
        yield self._event("delta", {"step": delta.step, "attempt": delta.attempt, "text": delta.text})

    def _entry(self, entry: Entry) -> Iterator[PublicEvent]:
        if entry.kind == "model" and entry.key.count("/") == 2:  # the run's own: those within others have no deltas
            self.streaming = False
        name, data = public(entry)
        if name:
            stamp = {"at": entry.created_at.isoformat()} if entry.created_at else {}
            yield self._event(name, {**data, **stamp})

    def _event(self, name: str, data: Mapping[str, Any]) -> PublicEvent:
        return PublicEvent(id=str(self), type=name, data=data, seq=self.seq)


def public(entry: Entry) -> tuple[str, Mapping[str, Any]]:
    """The public name and data of a journal entry; an empty name for what is the product's own business."""
    data = entry.data or {}
    match entry.kind:
        case "model":
            return "message", {"step": entry.key, **_message(data)}
        case "tool":
            return "tool_result", {k: data.get(k) for k in ("call_id", "name", "output", "error") if k in data}
        case "tool_started":
            return "tool_started", {k: data.get(k) for k in ("call_id", "name")}
        case "asked":
            return "input_required", {"questions": data["questions"]}
        case "decided":
            return "decided", {k: data.get(k) for k in ("question", "tool", "decision", "by", "note")}
        case "input":
            return "", {}
        case _:
            return entry.kind, data


def _message(data: Mapping[str, Any]) -> Mapping[str, Any]:
    output = data.get("output", [])
    calls = [
        {"call_id": item.get("call_id"), "name": item.get("name"), "arguments": item.get("arguments")}
        for item in output
        if item.get("type") == "function_call"
    ]
    return {"agent": data.get("agent"), "text": text_of(output), "tool_calls": calls, "usage": data.get("usage", {})}


def text_of(output: list[Mapping[str, Any]]) -> str:
    """The text of a model response's messages."""
    parts = (p for item in output if item.get("type") == "message" for p in item.get("content") or ())
    return "".join(p.get("text") or p.get("refusal") or "" for p in parts)


def ends(run: Run) -> bool:
    """Whether a reader that only waits for an answer has one: the run ended, or needs a person, a time or an event."""
    return run.terminal or run.status in ("waiting", "sleeping")
