"""What must hold of the events that a client was told over many connections: all of them, in order, each once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.soak.facts import Entry, Facts
from tests.soak.readers import Stream, Told

_TYPES = {"model": "message", "tool": "tool_result", "asked": "input_required"}  # the others are called as entries are
_PASSING = frozenset({"delta", "reset", "status"})  # they are not in the journal of a run that has ended


def told(facts: Facts, streams: Sequence[Stream]) -> Iterator[str]:
    """Each client was told what the journal has, and the words of each message as often as it was written."""
    for stream in streams:
        wrong = [*_gaps(facts.journal.get(stream.run, []), stream), *_words(stream.told)]
        yield from (f"a reader of run {stream.run}: {words}" for words in wrong)


def _gaps(journal: Sequence[Entry], stream: Stream) -> Iterator[str]:
    wanted = [(e.seq, _TYPES.get(e.kind, e.kind)) for e in journal if e.kind != "input"]
    got = [(one.seq, one.type) for one in stream.told if one.type not in _PASSING]
    if not stream.whole:
        yield "it never came to the end"
    elif got != wanted:
        differing = next((n for n, (a, b) in enumerate(zip(got, wanted, strict=False)) if a != b), -1)
        yield f"it was told {got[differing:][:3]} where the journal has {wanted[differing:][:3]}"


def _words(events: Sequence[Told]) -> Iterator[str]:
    """Pieces of text are numbered within an attempt, and join to what the message says as far as they came."""
    attempt, index, texts = 0, -1, dict[str, str]()
    for event in events:
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
