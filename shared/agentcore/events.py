"""Journal entry → public event. Version 1: fields are added, never renamed or removed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from agentcore.errors import Invalid
from agentcore.records import Entry, Run

KINDS: Mapping[str, str] = {
    "accepted": "The run is taken on.",
    "status": "Somebody works on the run now. Of this moment only: it has no id and is in no replay.",
    "delta": "A piece of the model's text.",
    "reset": "A new attempt: forget the deltas since the last message.",
    "message": "A model response is complete.",
    "inner_message": "One inside a tool call or a guardrail is complete: no words of the run's own agent.",
    "handoff": "Another agent takes over.",
    "tool_started": "A tool that must not be repeated begins.",
    "tool_result": "A tool call has its result.",
    "input_required": "The run waits for a person.",
    "decided": "A person, or a question's expiry, has answered.",
    "slept": "The run sleeps until a time or an event.",
    "woke": "The run is awake again.",
    "yielded": "The time of this worker was up; another goes on.",
    "retried": "It failed for now and is tried again.",
    "custom": "What a tool emitted.",
    "finished": "The run succeeded.",
    "failed": "The run failed, or its time to live has passed.",
    "cancelled": "The run was stopped.",
}
"""The types of public events, and what each means. docs/streams.md has their fields."""

RUN_ENTRIES = 10**6
"""How many entries of one run a thread's cursor can tell apart: position · 10⁶ + seq."""

SUMMARY = "summary"
"""Where in a run the thread's summary is made."""

_AFTER: Mapping[str, str] = {
    "accepted": "queued", "asked": "waiting", "slept": "sleeping", "woke": "queued", "yielded": "queued",
    "retried": "queued", "finished": "succeeded", "failed": "failed", "cancelled": "cancelled",
}  # fmt: skip
_LAST_POSITION = 2**31 - 1


@dataclass(frozen=True, kw_only=True)
class PublicEvent:
    """What a client sees. `id` is the cursor to give back after a lost connection."""

    id: str  # empty: of this moment only, and not to be told again
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


@dataclass(frozen=True, kw_only=True)
class Begun:
    """A worker of this process has taken a run; `attempt` is its fence."""

    attempt: int


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
    begun: int = 0  # the last attempt whose begin was told; not in the id

    @classmethod
    def parse(cls, text: str | None) -> Cursor:
        """Read what `str` wrote. Raises Invalid for anything else."""
        if not text:
            return cls()
        if not re.fullmatch(r"\d{1,16}(\.\d{1,15}\.\d{1,15}(\.1)?)?", text):
            raise Invalid(f"cursor: {text[:40]!r} is not an event id of this stream.", field="Last-Event-ID")
        parts = [int(part) for part in text.split(".")]
        if len(parts) == 1:
            return cls(parts[0])
        return cls(parts[0], parts[1], parts[2], streaming=len(parts) == 4)

    def __str__(self) -> str:
        shown = f".{self.attempt}.{self.index}" if self.index >= 0 else ""
        return f"{self.seq}{shown}{'.1' if self.streaming else ''}"

    def follows(self, news: Entry | Delta | Begun) -> bool:
        """Whether nothing is missing between this cursor and a piece of live news. If not, read the database."""
        if isinstance(news, Begun):
            return True
        if isinstance(news, Entry):
            return news.seq <= self.seq + 1
        return news.index <= (self.index + 1 if news.attempt == self.attempt else 0) or news.attempt < self.attempt

    def take(self, news: Entry | Delta | Begun) -> Iterator[PublicEvent]:
        """Move on over a piece of news; the events it means for this reader (none when it was seen before)."""
        if isinstance(news, Begun):
            if news.attempt > self.begun:
                self.begun = news.attempt
                # Nobody gives this one back: the journal has no entry for it, as a claim is one statement.
                yield PublicEvent(
                    id="", type="status", data={"status": "running", "attempt": news.attempt}, seq=self.seq
                )
        elif isinstance(news, Delta):
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
        if entry.kind == "model" and not within(entry.key):  # those within others have no deltas
            self.streaming = False
        name, data = public(entry)
        if name:
            after = _status(entry)
            data = {**data, "status": after} if after else data
            stamp = {"at": entry.created_at.isoformat()} if entry.created_at else {}
            yield self._event(name, {**data, **stamp})

    def _event(self, name: str, data: Mapping[str, Any]) -> PublicEvent:
        return PublicEvent(id=str(self), type=name, data=data, seq=self.seq)


@dataclass
class ThreadCursor:
    """How far a reader of a thread has come: all of the runs before `position`, and of the one there up to `run`.

    It never passes an unfinished run, so that what an earlier run has yet to say is not missed.
    """

    position: int = 0
    run: Cursor = field(default_factory=Cursor)

    @classmethod
    def parse(cls, text: str | None) -> ThreadCursor:
        """Read an id of a thread's stream. Raises Invalid for anything else."""
        run = Cursor.parse(text)
        position, run.seq = divmod(run.seq, RUN_ENTRIES)
        if position > _LAST_POSITION:
            raise Invalid(f"cursor: {text!r} is not an event id of this stream.", field="Last-Event-ID")
        return cls(position, run)

    def enter(self, position: int) -> Cursor:
        """Go on to the run at a position; the place in it, if it is the one where the reader was."""
        if position != self.position:
            self.position, self.run = position, Cursor()
        return self.run

    def placed(self, event: PublicEvent, run: Run) -> PublicEvent:
        """An event of a run as one of its thread: with a number of the thread, and the run's id."""
        # A run with more entries than there are numbers repeats its last ones to a reader that comes back.
        number = self.position * RUN_ENTRIES + min(event.seq, RUN_ENTRIES - 1)
        rest = "".join(event.id.partition(".")[1:])
        id = f"{number}{rest}" if event.id else ""
        return replace(event, id=id, seq=number, data={**event.data, "run_id": run.id})


def _status(entry: Entry) -> str | None:
    """The run's status after an entry, where it follows from that."""
    if entry.kind == "failed" and (entry.data.get("error") or {}).get("code") == "expired":
        return "expired"
    return _AFTER.get(entry.kind)


def public(entry: Entry) -> tuple[str, Mapping[str, Any]]:
    """The public name and data of a journal entry; an empty name for what is the product's own business."""
    data = entry.data or {}
    if _path(entry.key)[:1] == [SUMMARY]:
        return "", {}
    match entry.kind:
        case "model":
            return "inner_message" if within(entry.key) else "message", {**_placed(entry.key), **_message(data)}
        case "tool":
            told = {k: data.get(k) for k in ("call_id", "name", "output", "error") if k in data}
            return "tool_result", {**_placed(entry.key), **told}
        case "tool_started":
            return "tool_started", {**_placed(data.get("key", "")), **{k: data.get(k) for k in ("call_id", "name")}}
        case "asked":
            return "input_required", {"questions": data["questions"]}
        case "decided":
            return "decided", {k: data.get(k) for k in ("question", "tool", "decision", "by", "note")}
        case "handoff":
            return "handoff", {**_placed(entry.key), **data}
        case "input":
            return "", {}
        case "custom":
            return "custom", data if isinstance(data, Mapping) else {"payload": data}
        case _:
            return entry.kind, data


def within(step: str) -> tuple[str, ...]:
    """What a step was taken inside of: tool calls by their ids, and guardrails. Empty: the run's own agent took it."""
    return tuple(_path(step)[1::2])


def _path(step: str) -> list[str]:
    """Steps are `model:SEGMENT/PATH/n` and `tool:PATH/CALL`; paths `0`, or `0/CALL/0` inside a call of it."""
    kind, _, rest = step.partition(":")
    return rest.split("/")[1:-1] if kind == "model" else rest.split("/")[:-1]


def _placed(step: str) -> Mapping[str, Any]:
    return {"step": step, **({"within": list(inside)} if (inside := within(step)) else {})}


def _message(data: Mapping[str, Any]) -> Mapping[str, Any]:
    output, effects, asks = data.get("output", []), data.get("effects") or {}, data.get("approvals") or ()
    calls = [
        {
            "call_id": item.get("call_id"), "name": item.get("name"), "arguments": item.get("arguments"),
            "effect": effects.get(item.get("call_id")), "needs_approval": item.get("call_id") in asks,
        }
        for item in output
        if item.get("type") == "function_call"
    ]  # fmt: skip
    return {"agent": data.get("agent"), "text": text_of(output), "tool_calls": calls, "usage": data.get("usage", {})}


def text_of(output: list[Mapping[str, Any]]) -> str:
    """The text of a model response's messages."""
    parts = (p for item in output if item.get("type") == "message" for p in item.get("content") or ())
    return "".join(p.get("text") or p.get("refusal") or "" for p in parts)


def ends(run: Run) -> bool:
    """Whether a reader that only waits for an answer has one: the run ended, or needs a person, a time or an event."""
    return run.terminal or run.status in ("waiting", "sleeping")
