"""What our public events mean in the Agent Protocol's streams."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import pytest

from agentcore.api.following import Gate
from agentcore.api.frames import Frame, Place, Since, Wanted
from agentcore.api.mapping import RunFrames
from agentcore.errors import Invalid
from agentcore.events import KINDS, Cursor, Delta, PublicEvent, ThreadCursor, within
from agentcore.records import Entry, Run

THREAD = "0190f5c2-0000-7000-8000-000000000001"
RUN = Run(
    id="0190f5c2-0000-7000-8000-000000000002", tenant="t", thread_id=THREAD, agent="main", position=3,
    input=[{"role": "user", "content": "hi"}, {"role": "user", "content": [{"type": "input_image", "image_url": "u"}]}],
)  # fmt: skip
GIVEN = 9  # frames of the messages that it was given


def model(step: str, text: str = "", calls: Sequence[tuple[str, str]] = (), **more: Any) -> Entry:
    output: list[Any] = [{"type": "message", "content": [{"type": "output_text", "text": text}]}] if text else []
    output += [{"type": "function_call", "call_id": id, "name": name, "arguments": '{"a": 1}'} for id, name in calls]
    effects = {id: "idempotent" for id, name in calls if not name.startswith("ask_")}
    data = {"agent": "main", "output": output, "usage": {"input_tokens": 3, "output_tokens": 4}, "effects": effects}
    return Entry(key=step, kind="model", data={**data, **more})


def entry(kind: Any, key: str = "", /, **data: Any) -> Entry:
    return Entry(key=key or kind, kind=kind, data=data)


ACCEPTED = entry("accepted", agent="main", trigger="message")
FINISHED = entry("finished", output="bye")


def events(*news: Entry | Delta) -> list[PublicEvent]:
    cursor, found, seq = Cursor(), list[PublicEvent](), 0
    for one in news:
        if isinstance(one, Entry):
            seq += 1
            one = Entry(key=one.key, kind=one.kind, data=one.data, seq=seq)
        found += cursor.take(one)
    return found


def frames(*news: Entry | Delta) -> list[Frame]:
    mapping = RunFrames(RUN, clock=lambda: 1.5)
    return [frame for event in events(*news) for frame in mapping.take(event)]


def told(found: Sequence[Frame], method: str) -> list[Any]:
    return [frame.data for frame in found if frame.method == method]


def steps(found: Sequence[Frame], where: tuple[str, ...] = ()) -> list[str]:
    return [f.data["event"] for f in found if f.method == "messages" and f.namespace == where]


def delta(n: int, text: str, *, attempt: int = 1, step: str = "model:0/0/0") -> Delta:
    return Delta(attempt=attempt, index=n, step=step, text=text)


def test_a_message_that_streams_has_one_block_of_text_and_then_its_calls() -> None:
    found = frames(ACCEPTED, delta(0, "he"), delta(1, "llo"), model("model:0/0/0", "hello", [("c", "look")]))
    assert steps(found)[GIVEN:] == [
        "message-start", "content-block-start", "content-block-delta", "content-block-delta", "content-block-finish",
        "content-block-start", "content-block-delta", "content-block-finish", "message-finish",
    ]  # fmt: skip
    parts = told(found, "messages")[GIVEN:]
    assert parts[0] == {
        "event": "message-start", "role": "ai", "id": f"{RUN.id}/model:0/0/0", "metadata": {"runId": RUN.id}
    }  # fmt: skip
    assert [p["delta"] for p in parts[2:4]] == [{"type": "text-delta", "text": t} for t in ("he", "llo")]
    assert parts[4] == {"event": "content-block-finish", "index": 0, "content": {"type": "text", "text": "hello"}}
    assert parts[7]["content"] == {"type": "tool_call", "id": "c", "name": "look", "args": {"a": 1}}
    assert [p["index"] for p in parts[5:8]] == [1, 1, 1]
    assert parts[8]["usage"] == {"inputTokens": 3, "outputTokens": 4}


def test_a_message_without_deltas_is_told_whole() -> None:
    found = frames(model("model:0/0/0", "hello"))
    parts = told(found, "messages")
    assert [p["event"].removeprefix("content-block-") for p in parts] == [
        "message-start", "start", "delta", "finish", "message-finish",
    ]  # fmt: skip
    assert parts[2]["delta"]["text"] == parts[3]["content"]["text"] == "hello"


def test_what_the_run_was_given_is_told_first() -> None:
    found = frames(ACCEPTED)
    assert told(found, "lifecycle") == [{"event": "started", "graphName": "main"}]
    parts = told(found, "messages")
    assert [p["role"] for p in parts if p["event"] == "message-start"] == ["human", "human"]
    assert parts[3]["content"] == {"type": "text", "text": "hi"}
    assert parts[-2]["content"] == {"type": "non_standard", "value": {"type": "input_image", "image_url": "u"}}


def test_arguments_that_are_no_object_make_an_invalid_call() -> None:
    bad = {"type": "function_call", "call_id": "c", "name": "look", "arguments": "{"}
    found = frames(Entry(key="model:0/0/0", kind="model", data={"agent": "main", "output": [bad]}))
    block = told(found, "messages")[-2]["content"]
    assert (block["type"], block["args"]) == ("invalid_tool_call", "{")
    assert block["error"]


def test_a_tool_starts_with_its_call_and_ends_with_its_result() -> None:
    found = frames(
        model("model:0/0/0", calls=[("c", "look")]), entry("tool", "tool:0/c", call_id="c", name="look", output="seen")
    )
    assert told(found, "tools") == [
        {"event": "tool-started", "toolCallId": "c", "toolName": "look", "input": {"a": 1}},
        {"event": "tool-finished", "toolCallId": "c", "output": "seen"},
    ]
    assert told(found, "tasks")[1] == {"id": "c", "name": "look", "result": "seen"}
    result = {"type": "tool_result", "call_id": "c", "output": "seen"}
    assert told(found, "updates")[-1] == {
        "node": "look",
        "values": {"messages": [{"role": "tool", "content": [result]}]},
    }  # fmt: skip


QUESTION = {"id": "q", "call_id": "c", "tool": "pay", "kind": "approval"}
ASKED = entry("asked", "asked:0", kind="approval", questions=[QUESTION])


@pytest.mark.parametrize("decision", ["approve", "reject"])
def test_a_tool_that_needs_a_yes_starts_after_it(decision: str) -> None:
    decided = entry("decided", question="q", tool="pay", decision=decision, by="me", note="no" * (decision == "reject"))
    asks = model("model:0/0/0", calls=[("c", "pay")], approvals=["c"])
    began = entry("tool_started", "s", key="tool:0/c", call_id="c", name="pay")
    done = entry("tool", "tool:0/c", call_id="c", name="pay", output="paid")
    found = frames(asks, ASKED, decided, *((began, done) if decision == "approve" else ()))
    assert told(found, "input.requested") == [{"interruptId": "q", "payload": QUESTION}]
    assert [d["event"] for d in told(found, "lifecycle")][:2] == ["running", "interrupted"]
    expected = ["tool-started", "tool-finished"] if decision == "approve" else ["tool-error"]
    assert [d["event"] for d in told(found, "tools")] == expected
    if decision == "reject":
        assert told(found, "tools")[0] == {
            "event": "tool-error", "toolCallId": "c", "message": "no", "code": "rejected"
        }  # fmt: skip


def test_an_agent_inside_a_tool_call_has_a_place_of_its_own() -> None:
    found = frames(
        model("model:0/0/0", calls=[("c", "ask_expert")]),
        model("model:0/0/c/0/0", calls=[("d", "look")], agent="expert"),
        entry("tool", "tool:0/c/0/d", call_id="d", name="look", output="seen"),
        model("model:0/0/c/0/1", "I saw it", agent="expert"),
        model("model:0/0/1", "They saw it"),
        FINISHED,
    )
    assert steps(found, ("c",))[0] == "message-start"
    lifecycle = [(f.namespace, f.data["event"]) for f in found if f.method == "lifecycle"]
    assert lifecycle == [((), "running"), (("c",), "started"), (("c",), "completed"), ((), "completed")]
    began = next(f.data for f in found if f.method == "lifecycle" and f.namespace == ("c",))
    assert began == {"event": "started", "graphName": "expert", "cause": {"type": "toolCall", "toolCallId": "c"}}
    tools = [(f.namespace, f.data["event"], f.data["toolCallId"]) for f in found if f.method == "tools"]
    assert tools == [
        ((), "tool-started", "c"), (("c",), "tool-started", "d"), (("c",), "tool-finished", "d"),
        ((), "tool-finished", "c"),
    ]  # fmt: skip
    assert told(found, "tools")[-1]["output"] == "I saw it"


def test_places_in_the_tree_are_read_off_steps() -> None:
    assert within("model:0/0/4") == ()
    assert within("model:2/0/call_1/0/call_2/1/0") == ("call_1", "call_2")
    assert within("model:0/0/guardrail:rude/0/0") == ("guardrail:rude",)
    assert within("tool:0/call_1") == ()
    assert within("tool:0/call_1/0/call_2") == ("call_1",)


def test_a_handoff_is_an_edge() -> None:
    step = model("model:0/0/0", calls=[("h", "ask_transfer")])
    found = frames(step, Entry(key="handoff:0/h", kind="handoff", data={"call_id": "h", "from": "a", "to": "b"}))
    assert told(found, "updates")[-1] == {"node": "a", "values": {"agent": "b"}}
    assert told(found, "lifecycle")[-1] == {
        "event": "running", "graphName": "b", "cause": {"type": "edge", "fromNode": "a"}
    }  # fmt: skip


@pytest.mark.parametrize(
    ("end", "event", "left"),
    [
        (FINISHED, "completed", True),
        (entry("failed", error={"code": "agent_error", "message": "no"}), "failed", True),
        (entry("cancelled", kept=True), "interrupted", True),
        (entry("cancelled", kept=False), "interrupted", False),
    ],
)
def test_the_end_of_a_run_leaves_a_state_and_a_checkpoint(end: Entry, event: str, left: bool) -> None:
    found = frames(ACCEPTED, end)
    assert told(found, "lifecycle")[-1]["event"] == event
    assert len(told(found, "values")) == left
    marks = told(found, "checkpoints")
    assert [(m["step"], m["source"], m["parentId"] != m["id"]) for m in marks] == ([(3, "loop", True)] if left else [])
    if event == "failed":
        assert told(found, "lifecycle")[-1]["error"] == "agent_error: no"


def test_a_run_that_is_cut_closes_its_message() -> None:
    found = frames(ACCEPTED, delta(0, "he"), entry("cancelled", kept=True))
    assert told(found, "messages")[-1]["event"] == "error"


def test_what_a_tool_emits_is_custom_and_may_have_a_name() -> None:
    found = frames(
        entry("custom", "1", progress=1), entry("custom", "2", name="p", payload=2),
        Entry(key="3", kind="custom", data="words"), entry("custom", "4", name="p", more=1),
    )  # fmt: skip
    assert told(found, "custom") == [
        {"payload": {"progress": 1}}, {"name": "p", "payload": 2}, {"payload": "words"},
        {"name": "p", "payload": {"name": "p", "more": 1}},
    ]  # fmt: skip
    named = Wanted(channels=["custom:p"])
    assert [named.has(f) for f in found if f.method == "custom"] == [False, True, False, True]


def test_each_type_of_event_is_known_to_the_mapping() -> None:
    assert {name.removeprefix("on_") for name in dir(RunFrames) if name.startswith("on_")} == set(KINDS) - {"status"}


WHOLE: list[Entry | Delta] = [
    ACCEPTED, delta(0, "he"), delta(1, "llo"),
    model("model:0/0/0", "hello", [("c", "look"), ("d", "pay")], approvals=["d"]),
    entry("tool", "tool:0/c", call_id="c", name="look", output="seen"),
    entry("asked", "a", kind="approval", questions=[{"id": "q", "call_id": "d"}]),
    entry("decided", question="q", tool="pay", decision="approve"),
    entry("tool_started", "s", key="tool:0/d", call_id="d", name="pay"),
    entry("tool", "tool:0/d", call_id="d", name="pay", output="paid"),
    delta(2, "b", step="model:1/0/0"), delta(3, "ye", step="model:1/0/0"), model("model:1/0/0", "bye"), FINISHED,
]  # fmt: skip


def test_places_are_in_order_and_each_is_one() -> None:
    placed = [f for f in frames(*WHOLE) if f.place]
    places = [f.place for f in placed]
    assert places == sorted(set(places), key=lambda p: (p.number, p.attempt, p.part) if p else ())
    assert [f.seq for f in placed] == sorted({f.seq for f in placed})
    assert all(f.seq // 1000 == f.place.number for f in placed if f.place)
    for place in places:
        assert place is not None
        assert Place.parse(str(place)) == place


@pytest.mark.parametrize("by", ["seq", "eventId"])
def test_whoever_comes_back_anywhere_gets_exactly_the_rest(by: str) -> None:
    whole = [f for f in frames(*WHOLE) if f.place]
    for n, last in enumerate(whole):
        since = Since(seq=last.seq) if by == "seq" else Since(place=last.place)
        gate = Gate(
            Wanted(channels=["messages", "tools", "lifecycle", "values", "updates", "tasks", "input", "checkpoints"]),
            since,
        )
        assert since.cursor() == ThreadCursor(3, Cursor())
        assert [f for f in frames(*WHOLE) if gate.passes(f) and f.place] == whole[n + 1 :]


def test_after_pruning_who_comes_back_gets_the_message_whole() -> None:
    whole = [f for f in frames(*WHOLE) if f.place]
    stored = [one for one in WHOLE if isinstance(one, Entry)]
    last = [f for f in whole if f.method == "messages" and f.data["event"] == "content-block-delta"][2]  # of "hello"
    gate = Gate(Wanted(channels=["messages"]), Since(place=last.place))
    rest = [f.data for f in frames(*stored) if gate.passes(f)]
    assert rest[0]["event"] == "message-start"
    assert rest[3]["content"] == {"type": "text", "text": "hello"}


def test_a_new_attempt_begins_the_message_again_for_each_reader() -> None:
    """One has seen the lost attempt, another comes back and reads only what is stored: nothing is missed."""
    lost: list[Entry | Delta] = [ACCEPTED, delta(0, "lo")]
    again: list[Entry | Delta] = [delta(0, "hel", attempt=2), delta(1, "lo", attempt=2)]
    seen = frames(*lost, *again, model("model:0/0/0", "hello"))
    assert steps(seen)[GIVEN:] == [
        "message-start", "content-block-start", "content-block-delta", "error", "message-start", "content-block-start",
        "content-block-delta", "content-block-delta", "content-block-finish", "message-finish",
    ]  # fmt: skip
    whole = [f for f in seen if f.method == "messages" and f.place]
    fresh = [f for f in frames(ACCEPTED, *again, model("model:0/0/0", "hello")) if f.method == "messages"]
    for n, last in enumerate(whole[GIVEN:], GIVEN):
        gate = Gate(Wanted(channels=["messages"]), Since(place=last.place))
        rest = [f.place for f in fresh if gate.passes(f)]
        later = [f.place for f in whole[n + 1 :] if f.place and f.data["event"] != "error"]
        assert rest == [place for place in later if place.attempt != 1]  # nobody has those any more


@pytest.mark.parametrize(
    ("namespaces", "depth", "expected"),
    [
        (None, None, {(), ("a",), ("a", "b"), ("c",)}),
        ([], None, {(), ("a",), ("a", "b"), ("c",)}),
        (None, 0, {()}),
        ([[]], 1, {(), ("a",), ("c",)}),
        ([["a"]], None, {("a",), ("a", "b")}),
        ([["a"], ["c"]], 0, {("a",), ("c",)}),
        ([["x"]], None, set()),
    ],
)
def test_subscriptions_are_for_places(namespaces: Any, depth: Any, expected: set[tuple[str, ...]]) -> None:
    wanted = Wanted(channels=["updates"], namespaces=namespaces, depth=depth)
    places: list[tuple[str, ...]] = [(), ("a",), ("a", "b"), ("c",)]
    assert {p for p in places if wanted.has(Frame(method="updates", data={}, namespace=p))} == expected


@pytest.mark.parametrize("bad", ["", "1", "1.2", "a.b.c", "1.2.3.4", "9" * 30 + ".1.1"])
def test_an_event_id_that_is_none_is_refused(bad: str) -> None:
    with pytest.raises(Invalid):
        Place.parse(bad)


def test_blocks_of_one_message_do_not_interleave() -> None:
    for place, group in groupby((f for f in frames(*WHOLE) if f.method == "messages"), key=lambda f: f.namespace):
        open_block: int | None = None
        for frame in group:
            event, index = frame.data["event"], frame.data.get("index")
            if event == "content-block-start":
                assert open_block is None, place
                open_block = index
            elif event.startswith("content-block"):
                assert index == open_block
                open_block = None if event.endswith("finish") else open_block
            else:
                assert open_block is None
