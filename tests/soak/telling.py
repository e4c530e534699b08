"""What must hold of the events that a client was told over many connections: all of them, in order, each once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from tests.soak.facts import Entry, Facts
from tests.soak.readers import Stream, Told

RUN = 10**6  # a thread's events are numbered by the position of their run, times this, plus their seq
_TYPES = {"model": "message", "tool": "tool_result", "asked": "input_required"}  # the others are called as entries are
_PASSING = frozenset({"delta", "reset", "status"})  # they are not in the journal of a run that has ended


def told(facts: Facts, streams: Sequence[Stream]) -> Iterator[str]:
    """Each client was told what the journal has, and the words of each message as often as they were written."""
    threads = _threads(facts)
    for stream in streams:
        wanted = threads.get(stream.of, []) if stream.kind == "thread" else _events(facts, stream.of)
        wrong = [*_gaps(wanted, stream), *_words(stream.told)]
        yield from (f"a reader of {stream.kind} {stream.of}: {words}" for words in wrong)


def ends(facts: Facts) -> Mapping[str, int]:
    """Of each thread, the number of its last event."""
    return {thread: events[-1][0] for thread, events in _threads(facts).items() if events}


def _events(facts: Facts, run: str, first: int = 0) -> list[tuple[int, str]]:
    return [(first + e.seq, _type(e)) for e in facts.journal.get(run, ()) if e.kind != "input"]


def _type(entry: Entry) -> str:
    """`model:SEGMENT/PATH/n`: the path of a call inside another one has more than one part."""
    inner = entry.kind == "model" and entry.key.count("/") > 2
    return "inner_message" if inner else _TYPES.get(entry.kind, entry.kind)


def _threads(facts: Facts) -> dict[str, list[tuple[int, str]]]:
    found: dict[str, list[tuple[int, str]]] = {}
    for run in facts.runs:  # by thread and position
        found.setdefault(run.thread, []).extend(_events(facts, run.id, run.position * RUN))
    return found


def _gaps(wanted: Sequence[tuple[int, str]], stream: Stream) -> Iterator[str]:
    got = [(one.seq, one.type) for one in stream.told if one.type not in _PASSING]
    if not stream.whole:
        yield "it never came to the end"
    elif got != wanted:
        pairs = enumerate(zip(got, wanted, strict=False))
        same = next((n for n, (a, b) in pairs if a != b), min(len(got), len(wanted)))
        yield f"it was told {got[same:][:3]} where the journal has {wanted[same:][:3]}"


def _words(events: Sequence[Told]) -> Iterator[str]:
    """Pieces of text are numbered within an attempt, and join to what the message says as far as they came."""
    run, attempt, index, texts = "", 0, -1, dict[str, str]()
    for event in events:
        if (now := event.data.get("run_id", run)) != run:  # only a thread's events name their run
            run, attempt, index, texts = now, 0, -1, {}
        if event.type == "reset":
            texts.clear()
        elif event.type == "delta":
            place = [int(part) for part in event.id.split(".")[1:3]]
            if place not in ([attempt, index + 1], [max(place[0], attempt + 1), 0]):
                yield f"piece {place} came after {[attempt, index]}"
            attempt, index = place
            step = event.data["step"]
            texts[step] = texts.get(step, "") + event.data["text"]
        elif event.type == "message":
            text = texts.pop(event.data["step"], "")
            if not event.data["text"].startswith(text.strip()):
                yield f"it read {text!r} of {event.data['text']!r}"
