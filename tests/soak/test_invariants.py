"""Each invariant of the soak sees what it is there to see: a history without a flaw, and with one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from signal import SIGKILL, SIGTERM, Signals
from typing import Any

import pytest

from tests.soak import ends, invariants, recovery, telling
from tests.soak.ends import End, Outage
from tests.soak.facts import Alarm, Delivery, Entry, Facts, Item, Run, Thread
from tests.soak.fleet import Loss
from tests.soak.readers import Stream, Told
from tests.soak.side import Line


def run(id: str, position: int, **changes: Any) -> Run:
    """A run of the agent `tool`, which calls one."""
    about: dict[str, Any] = {
        "thread": "t", "agent": "tool", "trigger": "message", "status": "succeeded", "key": f"key {id}", "stop": None,
        "error": None, "webhook": None, "wake_at": None, "last_seq": 6, "kept": 1, "fence": 1,
        "finished_at": position * 100.0 + 6,
    }  # fmt: skip
    return Run(id=id, position=position, **{**about, **changes})


def journal(id: str, position: int) -> list[Entry]:
    steps = [
        ("accepted", "accepted", {}),
        ("input", "input", {}),
        ("model:0/0/0", "model", {"response_id": "1", "output": []}),
        ("tool:0/c", "tool", {"output": "store done (attempt 1)"}),
        ("model:0/0/1", "model", {"response_id": "1", "output": []}),
        ("finished", "finished", {"output": "done"}),
    ]
    return [
        Entry(run=id, seq=n, key=key, kind=kind, data=data, at=position * 100.0 + n)
        for n, (key, kind, data) in enumerate(steps, 1)
    ]


def did(id: str, position: int, **changes: Any) -> list[Line]:
    at = position * 100.0
    model = Line(what="model", run=id, key="model:0/0/0", fence=1, name="tool", pid=1, at=at + 2.5)
    begin = Line(what="begin", run=id, key="tool:0/c", fence=1, name="store", idempotency=f"i {id}", pid=1, at=at + 3.1)
    return [
        model, begin, replace(begin, what="effect", at=at + 3.2), replace(model, key="model:0/0/1", at=at + 4.5)
    ]  # fmt: skip


HISTORY = [
    {"role": "user"}, {"type": "function_call", "call_id": "c"}, {"type": "function_call_output", "call_id": "c"},
    {"role": "assistant"},
]  # fmt: skip
ITEMS = [Item(thread="t", position=n, data=data) for n, data in enumerate(HISTORY)]
FACTS = Facts(
    runs=[run("a", 1, webhook="http://hook"), run("b", 2, trigger="schedule", key=None)],
    entries=[*journal("a", 1), *journal("b", 2)], threads=[Thread(id="t", head=None, item_count=4)], items=ITEMS,
    alarms=[Alarm(id="s", enabled=False, run="b")], deliveries=[Delivery(id="d", run="a", status="delivered")],
)  # fmt: skip
LINES = [*did("a", 1), *did("b", 2)]
ACCEPTED = {"key a": "a"}
CONNECTED = {"worker 0": 12, "api": 3}
TOLD = [
    Told(id="1", type="accepted", data={}),
    Told(id="", type="status", data={}),
    Told(id="1.1.0.1", type="delta", data={"step": "m", "text": "all "}),
    Told(id="3.1.0", type="message", data={"step": "m", "text": "all is well"}),
    Told(id="4.1.0", type="tool_result", data={}),
    Told(id="4.1.1.1", type="delta", data={"step": "n", "text": "all "}),
    Told(id="4.2.0.1", type="reset", data={"attempt": 2}),
    Told(id="4.2.0.1", type="delta", data={"step": "n", "text": "all "}),
    Told(id="4.2.1.1", type="delta", data={"step": "n", "text": "is "}),
    Told(id="5.2.1", type="message", data={"step": "n", "text": "all is well"}),
    Told(id="6.2.1", type="finished", data={}),
]


def thread(told: list[Told]) -> list[Told]:
    """What a reader of the thread is told: of the first run as its own reader is, of the second without words."""
    runs = [(1, "a", told), (2, "b", [one for one in TOLD if one.type not in ("delta", "reset", "status")])]
    return [
        replace(one, id=f"{position * 10**6 + one.seq}{one.id[1:]}", data={**one.data, "run_id": run})
        for position, run, events in runs
        for one in events
        if one.id
    ]


def judged(
    facts: Facts = FACTS, lines: list[Line] = LINES, accepted: dict[str, str] = ACCEPTED, told: list[Told] = TOLD,
    received: tuple[str, ...] = ("d",), whole: bool = True, ended: Sequence[End] = (), log: str = "",
    connected: Mapping[str, int] = CONNECTED,
) -> list[str]:  # fmt: skip
    """What all invariants together find."""
    found: list[Iterable[str]] = [
        invariants.ended(facts), invariants.kept(facts, accepted), invariants.ordered(facts),
        invariants.journaled(facts), invariants.replayed(facts, lines), invariants.once(lines),
        invariants.keyed(lines), invariants.agreed(facts, lines), invariants.spoken(facts), invariants.rang(facts),
        invariants.heard(facts, received), invariants.cleaned(facts),
        telling.told(facts, [Stream("run", "a", told, 1, whole=whole), Stream("thread", "t", thread(told), 9, True)]),
        ends.ended(ended, OUTAGES), ends.complained(log), invariants.spared(connected),
    ]  # fmt: skip
    return [sentence for sentences in found for sentence in sentences]


OUTAGES = [Outage(name="api", since=100.0, until=103.0), Outage(name="", since=200.0, until=203.0)]
LOST = "ERROR asyncio Task exception was never retrieved"
FAILED = "ERROR api: agentcore.service background work failed: KeyError: 'x'"
DOWN = "ERROR api: agentcore.service background work failed: Unavailable: The database cannot be reached."


def end(code: int, began: float, at: float, asked: Signals | None = None, name: str = "api") -> End:
    return End(name=name, code=code, asked=asked, began=began, at=at)


LAWFUL = [
    end(2, 90, 102),  # its way to the database was cut as it started
    end(2, 201, 213, name="clock"),  # nobody had one
    end(2, 195, 201, SIGTERM),
    end(0, 0, 150, SIGTERM),
    end(-15, 149, 150, SIGTERM),  # before it could listen for that
    end(-9, 0, 150, SIGKILL),
]


def test_a_lawful_history_has_no_flaw() -> None:
    assert judged(ended=LAWFUL, log=DOWN) == []


def first(**changes: Any) -> Facts:
    """The history with another first run."""
    return replace(FACTS, runs=[replace(FACTS.runs[0], **changes), FACTS.runs[1]])


def without(seq: int) -> Facts:
    """The history without one line of the first journal."""
    return replace(FACTS, entries=[e for e in FACTS.entries if (e.run, e.seq) != ("a", seq)])


def again(line: Line, **changes: Any) -> list[Line]:
    return [*LINES, replace(line, **changes)]


PAY = [replace(line, name="pay") for line in LINES]
EARLY = [replace(e, at=e.at - 150) if e.run == "b" else e for e in FACTS.entries]
FLAWS: dict[str, tuple[str, Callable[[], list[str]]]] = {
    "a run is stuck": ("is still queued", lambda: judged(first(status="queued"))),
    "a run fails": ("has failed", lambda: judged(first(status="failed", error={"code": "x"}))),
    "a run is cancelled unasked": ("nobody had asked", lambda: judged(first(status="cancelled"))),
    "an accepted run is lost": ("was answered with run", lambda: judged(accepted={**ACCEPTED, "key c": "c"})),
    "a message is two runs": (
        "was answered with run", lambda: judged(replace(FACTS, runs=[*FACTS.runs, run("c", 3, key="key a")])),
    ),
    "a run comes from nowhere": ("nobody was told of", lambda: judged(accepted={})),
    "a run overtakes": ("was begun before an earlier one", lambda: judged(replace(FACTS, entries=EARLY))),
    "a journal loses its beginning": ("lost its beginning", lambda: judged(without(1))),
    "a journal loses its end": ("its journal ends with", lambda: judged(without(6))),
    "a journal loses a tool call": ("made 0 tool calls", lambda: judged(without(4))),
    "a key stands there twice": (
        "has two entries", lambda: judged(replace(FACTS, entries=sorted([*FACTS.entries, FACTS.entries[2]],
                                                                       key=lambda e: (e.run, e.seq)))),
    ),
    "a model call is repeated": ("executed again", lambda: judged(lines=again(LINES[0], fence=2, at=103.5))),
    "a tool call is repeated": ("executed again", lambda: judged(lines=again(LINES[1], fence=2, at=104.5))),
    "an attempt does a step twice": ("2 times", lambda: judged(lines=again(LINES[1], at=103.15))),
    "a once tool happens twice": (
        "pay happened 2 times", lambda: judged(lines=[*PAY, replace(PAY[2], fence=2, at=103.3)]),
    ),
    "an idempotency key changes": ("had the keys", lambda: judged(lines=again(LINES[1], fence=0, idempotency="other"))),
    "two calls share a key": ("share the key", lambda: judged(lines=again(LINES[1], key="tool:0/d"))),
    "the journal invents a call": ("never happened", lambda: judged(lines=[e for e in LINES if e.what != "effect"])),
    "a call is not recorded": (
        "does not have it", lambda: judged(lines=again(LINES[2], key="tool:0/d", idempotency="d")),
    ),
    "history has a hole": ("has no message 1", lambda: judged(replace(FACTS, items=[*ITEMS[:1], *ITEMS[2:]]))),
    "history is miscounted": ("and counts 4", lambda: judged(replace(FACTS, items=ITEMS[:3]))),
    "a call is never answered": (
        "calls without answers",
        lambda: judged(replace(FACTS, items=[*ITEMS[:2], replace(ITEMS[2], data={}), ITEMS[3]])),
    ),
    "an alarm does not ring": (
        "has not rung", lambda: judged(replace(FACTS, alarms=[*FACTS.alarms, Alarm(id="x", enabled=True, run=None)])),
    ),
    "an alarm rings twice": (
        "rang twice", lambda: judged(replace(FACTS, runs=[*FACTS.runs, run("c", 3, trigger="schedule", key=None)])),
    ),
    "a webhook is never told": ("was not told", lambda: judged(received=())),
    "a delivery is forgotten": ("was not told", lambda: judged(replace(FACTS, deliveries=[]))),
    "rows are left": ("are left", lambda: judged(replace(FACTS, left={"subscriptions": 1}))),
    "a thread is held": ("is held", lambda: judged(replace(FACTS, threads=[Thread(id="t", head="a", item_count=4)]))),
    "a reader misses an event": ("where the journal has", lambda: judged(told=[*TOLD[:4], *TOLD[5:]])),
    "a reader hears an event twice": ("where the journal has", lambda: judged(told=[*TOLD[:5], *TOLD[4:]])),
    "a reader misses the last event": ("where the journal has", lambda: judged(told=TOLD[:-1])),
    "a reader never ends": ("never came to the end", lambda: judged(whole=False)),
    "a piece of text is missing": ("came after", lambda: judged(told=[*TOLD[:7], *TOLD[8:]])),
    "a piece of text comes twice": ("came after", lambda: judged(told=[*TOLD[:8], *TOLD[7:]])),
    "a process ends by itself": ("ended by itself with 0", lambda: judged(ended=[end(0, 90, 102)])),
    "it ends as others are cut off": ("by itself with 2", lambda: judged(ended=[end(2, 90, 102, name="clock")])),
    "it ends once the database is back": ("by itself with 2", lambda: judged(ended=[end(2, 104, 110)])),
    "it ends of an outage long after its start": ("by itself with 2", lambda: judged(ended=[end(2, 0, 201)])),
    "it crashes in an outage": ("by itself with 1", lambda: judged(ended=[end(1, 90, 102)])),
    "it ends badly when asked": ("SIGTERM, and ended with 1", lambda: judged(ended=[end(1, 0, 150, SIGTERM)])),
    "it does not listen for SIGTERM": ("ended with -15", lambda: judged(ended=[end(-15, 0, 150, SIGTERM)])),
    "a process leaks connections": ("api has 13 connections", lambda: judged(connected={**CONNECTED, "api": 13})),
    "an error is lost": ("never retrieved", lambda: judged(log=f"one\n{LOST}\ntwo")),
    "work fails in the background": ("KeyError", lambda: judged(log=f"{DOWN}\n{FAILED}\n")),
    "a lost attempt is not taken back": ("it read", lambda: judged(told=[*TOLD[:6], *TOLD[7:]])),
}  # fmt: skip


@pytest.mark.parametrize("flaw", FLAWS)
def test_a_flaw_is_seen(flaw: str) -> None:
    words, planted = FLAWS[flaw]
    assert any(words in sentence for sentence in planted()), planted()


def test_an_earlier_attempt_that_stood_still_may_repeat_what_is_harmless() -> None:
    late = [replace(line, fence=0, at=line.at + 50) for line in LINES[1:3]]
    assert judged(lines=[*LINES, *late]) == []


def test_takeovers_and_recoveries_are_told_from_handing_over() -> None:
    lines = [*LINES[:3], replace(LINES[3], pid=2), *LINES[4:]]
    assert recovery.takeovers(FACTS, lines) == 1
    let_go = Entry(run="a", seq=4, key="yielded:1", kind="yielded", data={}, at=104.2)
    handed = replace(FACTS, entries=[*FACTS.entries[:4], let_go, *FACTS.entries[4:]])
    assert recovery.takeovers(handed, lines) == 0
    loss = Loss(how="SIGKILL", pid=1, at=104.25)
    assert [(round(seconds, 2), id) for seconds, _, id in recovery.recoveries(FACTS, lines, [loss])] == [(0.75, "a")]
    assert list(recovery.recoveries(handed, lines, [loss])) == []
