"""What a journal leaves open when a worker takes its run: calls of unknown outcome, sleeps, questions. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from agentcore.records import Claim, Entry

GIVEN_UP = "The outcome of this call is unknown, and a person decided to go on without it. Treat it as failed."
_LET_GO = frozenset({"yielded", "retried", "slept", "asked"})  # what a worker's last entry says of an unfinished run
_SINCE = frozenset({"woke", "decided"})  # what others write after it
_CLOSE = timedelta(milliseconds=50)  # SQLite's clock has milliseconds


@dataclass
class Open:
    """The open ends of a journal."""

    settled: list[Entry] = field(default_factory=list)  # to be recorded: calls and sleeps that others settled
    unknown: list[Mapping[str, Any]] = field(default_factory=list)  # `tool_started` data of calls to ask about
    undecided: bool = False  # a question was asked and not answered


def open_ends(entries: Sequence[Entry]) -> Open:
    """Read them off the journal."""
    found, keys = Open(), {e.key for e in entries}
    decided = {e.data["question"] for e in entries if e.kind == "decided"}
    asked = [q for e in entries if e.kind == "asked" for q in e.data["questions"]]
    found.undecided = any(q["id"] not in decided for q in asked)
    for slept in (e for e in entries if e.kind == "slept"):
        woke = f"woke:{slept.data['key']}"
        if woke not in keys:
            found.settled.append(Entry(key=woke, kind="woke", data={"by": "time"}))
    for key, started in _started(entries).items():
        if key in keys:
            continue
        answer = _answer(entries, key, after=started)
        if answer is None:
            if not any(q["key"] == key and q["id"] not in decided for q in asked):
                found.unknown.append(started.data)
        elif answer["decision"] != "again":
            found.settled.append(_outcome(started.data, answer))
    return found


def taken_over(claim: Claim, lease: float) -> bool:
    """Whether the run had a worker before that left it without a word: it died, or was cut off.

    Not seen: one that died before its first step, right after another slice that had let go for itself.
    """
    run, last = claim.run, claim.entries[-1].kind if claim.entries else "accepted"
    if run.started_at is None or run.wake_at is None:
        return False
    if run.wake_at - timedelta(seconds=lease) - run.started_at < _CLOSE:
        return False  # both are of this claim: it is the first
    return last not in _LET_GO | _SINCE or (last in _SINCE and run.failures > 0)


def _started(entries: Sequence[Entry]) -> dict[str, Entry]:
    """The last start of each call that says it must not be repeated."""
    return {e.data["key"]: e for e in entries if e.kind == "tool_started"}


def _answer(entries: Sequence[Entry], key: str, *, after: Entry) -> Mapping[str, Any] | None:
    """What a person said became of a call, since it was last started."""
    later = entries[entries.index(after) + 1 :]
    answers = [e.data for e in later if e.kind == "decided" and e.data["key"] == key and e.data["kind"] == "outcome"]
    return answers[-1] if answers else None


def _outcome(started: Mapping[str, Any], answer: Mapping[str, Any]) -> Entry:
    output = answer.get("result") if answer["decision"] == "happened" else GIVEN_UP
    data = {"call_id": started["call_id"], "name": started["name"], "agent": started["agent"], "output": output}
    return Entry(key=started["key"], kind="tool", data=data)


def arguments_hash(tool: str, arguments: Any) -> str:
    """What a decision is bound to: the tool, and the arguments as they were shown."""
    return hashlib.sha256(json.dumps([tool, arguments], sort_keys=True, default=str).encode()).hexdigest()


def parsed(arguments: Any) -> Any:
    """A call's arguments as a person can read them."""
    try:
        return json.loads(arguments) if isinstance(arguments, str) and arguments else arguments or {}
    except ValueError:
        return arguments
