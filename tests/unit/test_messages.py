"""Messages of the Agent Protocol, turned into what the SDK takes and back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentcore.api.messages import items_of, message_of, run_input
from agentcore.errors import Invalid
from agentcore.history import SHOWN, bare

TEXT = st.text(max_size=10)
JSON = st.recursive(st.none() | st.booleans() | st.integers() | TEXT, lambda part: st.lists(part, max_size=2))
BESIDE = st.fixed_dictionaries(
    {},
    optional={"id": st.text(min_size=1, max_size=9), "metadata": st.dictionaries(TEXT, JSON, max_size=2), "name": TEXT},
)
TEXT_PART = st.builds(
    lambda text, more: {"type": "text", "text": text, **more},
    TEXT, st.fixed_dictionaries({}, optional={"metadata": st.dictionaries(TEXT, JSON, max_size=2)}),
)  # fmt: skip
IMAGE = st.builds(lambda url: {"type": "input_image", "image_url": url}, TEXT)
CALL = st.builds(lambda id, name: {"type": "tool_call", "call_id": id, "name": name, "arguments": "{}"}, TEXT, TEXT)
RESULT = st.builds(lambda id, output: {"type": "tool_result", "call_id": id, "output": output}, TEXT, TEXT)
REASONING = st.just({"type": "reasoning", "summary": []})
MESSAGE = st.builds(
    lambda said, beside: {**said, **beside},
    st.builds(lambda role, content: {"role": role, "content": content},
              st.sampled_from(["user", "system", "developer"]),
              TEXT | st.lists(TEXT_PART | IMAGE, min_size=1, max_size=3))
    | st.builds(lambda content: {"role": "assistant", "content": content},
                TEXT | st.lists(TEXT_PART, min_size=1, max_size=3) | st.lists(CALL | REASONING, min_size=1, max_size=1))
    | st.builds(lambda result: {"role": "tool", "content": [result]}, RESULT),
    BESIDE,
)  # fmt: skip


@given(MESSAGE)
def test_a_message_that_is_one_item_comes_back_as_it_was(message: dict[str, Any]) -> None:
    (item,) = items_of([message], "messages")
    assert message_of(item) == message
    assert SHOWN not in bare(item)
    assert set(bare(item)) <= {"role", "content", "type", "call_id", "name", "arguments", "output", "summary"}


def test_a_message_that_calls_tools_is_several_items() -> None:
    message = {
        "role": "assistant", "id": "m1",
        "content": [
            {"type": "text", "text": "I look"},
            {"type": "tool_call", "call_id": "a", "name": "look", "arguments": "{}"},
            {"type": "tool_call", "call_id": "b", "name": "look", "arguments": "{}"},
        ],
    }  # fmt: skip
    said, *calls = items_of([message], "messages")
    assert said == {"role": "assistant", "content": "I look", SHOWN: {"id": "m1"}}
    assert [(one["type"], one["call_id"]) for one in calls] == [("function_call", "a"), ("function_call", "b")]


def test_what_the_sdk_adds_is_shown_as_messages() -> None:
    text = {"type": "output_text", "text": "hi", "annotations": []}
    said = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [text]}
    assert message_of(said) == {"role": "assistant", "content": "hi", "id": "msg_1"}
    refusal = {"type": "refusal", "refusal": "no"}
    assert message_of({**said, "content": [refusal]})["content"] == [refusal]
    called = {"type": "function_call", "call_id": "c", "name": "look", "arguments": "{}", "id": "fc_1", "status": "x"}
    block = {"type": "tool_call", "call_id": "c", "name": "look", "arguments": "{}"}
    assert message_of(called) == {"role": "assistant", "content": [block], "id": "fc_1"}
    hosted = {"type": "web_search_call", "id": "ws_1", "action": {"q": "x"}}
    assert message_of(hosted) == {
        "role": "assistant", "id": "ws_1", "content": [{"type": "web_search_call", "action": {"q": "x"}}],
    }  # fmt: skip
    assert message_of({"type": "computer_call_output", "call_id": "c", "output": {}})["role"] == "tool"


@pytest.mark.parametrize(
    ("message", "field"),
    [
        ("hello", "m.0"),
        ({"role": "user"}, "m.0.content"),
        ({"role": "wizard", "content": "a"}, "m.0.role"),
        ({"role": ["user"], "content": "a"}, "m.0.role"),
        ({"role": "user", "content": []}, "m.0.content"),
        ({"role": "user", "content": ["a"]}, "m.0.content.0"),
        ({"role": "user", "content": [{"type": "text"}]}, "m.0.content.0.text"),
        ({"role": "assistant", "content": [{"type": "input_image"}]}, "m.0.content.0"),
        ({"role": "assistant", "content": [{"type": "tool_call", "name": "a", "call_id": 7}]}, "m.0.content.0.call_id"),
        ({"role": "tool", "content": "seen"}, "m.0.content"),
        ({"role": "tool", "content": [{"type": "text", "text": "seen"}]}, "m.0.content"),
        ({"role": "tool", "content": [{"type": "tool_result", "output": "seen"}]}, "m.0.content.0.call_id"),
    ],
)
def test_what_is_no_message_is_refused_and_named(message: Any, field: str) -> None:
    with pytest.raises(Invalid) as caught:
        items_of([message], "m")
    assert caught.value.details["field"] == field


@pytest.mark.parametrize(("given", "text"), [(7, "7"), (1.5, "1.5"), (True, "true"), ({"a": 1}, '{"a": 1}')])
def test_what_is_no_text_is_told_as_json(given: Any, text: str) -> None:
    assert run_input(given, None) == text
