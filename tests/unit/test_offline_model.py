from __future__ import annotations

import asyncio
import json
from enum import Enum
from typing import Any, Literal

import pytest
from agents import (
    Agent,
    Model,
    ModelSettings,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    RunConfig,
    Runner,
    RunResult,
    function_tool,
)
from agents.models import get_default_model_settings
from pydantic import BaseModel, Field

from agentcore.models import provider
from agentcore.models.arguments import fill
from agentcore.models.named import DefaultModel, implied_by
from agentcore.models.offline import OfflineModel, OfflineProvider
from agentcore.settings import Settings

OFFLINE = RunConfig(model_provider=OfflineProvider(), tracing_disabled=True)


@function_tool
def look_up_order(order_id: str) -> str:
    """Look up an order and its status."""
    return f"order {order_id} is shipped"


@function_tool
def refund_order(order_id: str, amount: float, reason: str = "") -> str:
    """Refund money for an order."""
    return f"refunded {amount} of {order_id}"


@function_tool
def weather(city: str, unit: Literal["celsius", "fahrenheit"] = "celsius") -> str:
    """The weather forecast of a city."""
    raise RuntimeError("the service is down")


SHOP = Agent(name="shop", tools=[look_up_order, refund_order, weather])


def run(agent: Agent[Any], input: Any) -> RunResult:
    return asyncio.run(Runner.run(agent, input, run_config=OFFLINE))


def calls(result: RunResult) -> list[tuple[str, dict[str, Any]]]:
    raw: list[Any] = [item.raw_item for item in result.new_items]
    return [(r.name, json.loads(r.arguments)) for r in raw if getattr(r, "type", "") == "function_call"]


def schema(tool: Any) -> dict[str, Any]:
    found: dict[str, Any] = tool.params_json_schema
    return found


async def streamed(agent: Agent[Any], input: str) -> tuple[list[Any], str]:
    result = Runner.run_streamed(agent, input, run_config=OFFLINE)
    events = [e.data async for e in result.stream_events() if e.type == "raw_response_event"]
    return events, str(result.final_output)


def test_it_says_what_it_is_and_what_it_can_use() -> None:
    answer = run(SHOP, "hello").final_output
    assert answer == "(offline model) You said: 'hello'. I can use: look_up_order, refund_order, weather."


def test_its_answers_have_no_field_that_the_sdk_does_not_know() -> None:
    answers = run(SHOP, "look up 1001 and 1002").raw_responses
    assert [item.model_extra for answer in answers for item in answer.output] == [{}, {}, {}]


def test_the_same_input_gives_the_same_output_ids_included() -> None:
    first, second = (run(SHOP, "look up 1001 and 1002").raw_responses for _ in range(2))
    assert first == second
    assert len({item.id for response in first for item in response.output}) == 3


def test_two_things_asked_for_are_called_side_by_side() -> None:
    result = run(SHOP, "Look up 1001 and 1002, please")
    assert len(result.raw_responses[0].output) == 2
    assert calls(result) == [("look_up_order", {"order_id": "1001"}), ("look_up_order", {"order_id": "1002"})]


def test_then_waits_for_what_stands_before_it() -> None:
    result = run(SHOP, "Look up 1001, then refund it 5.50")
    assert [len(response.output) for response in result.raw_responses] == [1, 1, 1]
    assert calls(result)[1] == ("refund_order", {"order_id": "1001", "amount": 5.5})


def test_different_tools_can_be_asked_for_at_once() -> None:
    result = run(SHOP, "refund 20 EUR of order 1001 and look up 1002")
    assert [name for name, _ in calls(result)] == ["refund_order", "look_up_order"]


def test_the_answer_quotes_what_the_tools_said() -> None:
    assert run(SHOP, "look up 1001").final_output == "(offline model) look_up_order says: order 1001 is shipped"


def test_a_failure_is_reported_and_not_retried() -> None:
    result = run(SHOP, "what is the weather in Oslo?")
    assert calls(result) == [("weather", {"city": "Oslo"})]
    assert "weather did not work: An error occurred" in result.final_output


def test_nothing_follows_after_a_failure() -> None:
    assert len(calls(run(SHOP, "check the weather in Oslo, then look up 1001"))) == 1


def test_a_missing_argument_is_asked_for_by_name() -> None:
    assert run(SHOP, "I want a refund").final_output == "(offline model) To call refund_order I need: order_id, amount."


def test_an_id_said_before_is_remembered() -> None:
    history = [
        {"role": "user", "content": "where is order 1003?"},
        {"role": "assistant", "content": "shipped"},
        {"role": "user", "content": [{"type": "input_text", "text": "refund it, 20 dollars"}]},
    ]
    assert calls(run(SHOP, history)) == [("refund_order", {"order_id": "1003", "amount": 20})]


def test_an_old_message_is_not_acted_on_again() -> None:
    before = run(SHOP, "look up 1001").to_input_list()
    assert calls(run(SHOP, [*before, {"role": "user", "content": "thanks"}])) == []


def test_what_is_asked_not_to_be_done_is_not_done() -> None:
    assert calls(run(SHOP, "do not refund 20 EUR of order 1001")) == []


def test_a_handoff_is_taken_by_its_name_or_description() -> None:
    other = Agent(name="billing", handoff_description="Invoices and payments.")
    front = Agent(name="front", tools=[look_up_order], handoffs=[other])
    for message in ("ask billing", "my invoice is wrong", "look up 1001 and send me an invoice"):
        assert run(front, message).last_agent is other
    assert run(front, "look up 1001").last_agent is front


def test_an_agent_used_as_a_tool_gets_its_input() -> None:
    inner = Agent(name="inner", tools=[look_up_order])
    outer = Agent(name="outer", tools=[inner.as_tool("research", "Research a question.")])
    result = run(outer, 'research "look up 1004"')
    assert calls(result) == [("research", {"input": "look up 1004"})]
    assert "order 1004 is shipped" in result.final_output


def test_tool_choice_is_obeyed() -> None:
    def choosing(choice: str) -> Agent[Any]:
        return SHOP.clone(model_settings=ModelSettings(tool_choice=choice))

    assert calls(run(choosing("none"), "look up 1001")) == []
    assert calls(run(choosing("weather"), "Oslo")) == [("weather", {"city": "Oslo"})]
    assert [name for name, _ in calls(run(choosing("required"), "1001"))] == ["look_up_order"]


def test_parallel_calls_can_be_switched_off() -> None:
    one = SHOP.clone(model_settings=ModelSettings(parallel_tool_calls=False))
    assert [len(r.output) for r in run(one, "look up 1001 and 1002").raw_responses] == [1, 1, 1]


class Mood(Enum):
    happy = "happy"
    angry = "angry"


class Step(BaseModel):
    title: str = Field(max_length=20)
    days: int = Field(ge=1, le=5)


class Report(BaseModel):
    order_id: str
    mood: Mood
    urgent: bool
    score: float = Field(gt=0, le=10)
    note: str | None
    steps: list[Step] = Field(min_length=2)


def test_a_structured_output_fits_its_schema_and_uses_what_was_said() -> None:
    agent = Agent(name="reporter", output_type=Report, tools=[look_up_order])
    report = run(agent, "The customer of order 1003 is angry").final_output
    assert isinstance(report, Report)
    assert (report.order_id, report.mood, report.urgent) == ("1003", Mood.angry, False)


@pytest.mark.parametrize("kind", [list[str], dict[str, int], int, bool, Literal["a", "b"]])
def test_any_output_type_gets_a_value_that_validates(kind: Any) -> None:
    from agents import AgentOutputSchema

    agent = Agent(name="a", output_type=AgentOutputSchema(kind, strict_json_schema=False))
    run(agent, "go")


def test_a_stream_has_the_events_of_the_responses_api_in_order() -> None:
    events, _ = asyncio.run(streamed(SHOP, "look up 1001"))
    kinds = [e.type.removeprefix("response.") for e in events]
    call = kinds[: kinds.index("completed") + 1]
    assert [k for i, k in enumerate(call) if k not in call[:i]] == [
        "created", "in_progress", "output_item.added", "function_call_arguments.delta",
        "function_call_arguments.done", "output_item.done", "completed",
    ]  # fmt: skip
    text = kinds[len(call) :]
    assert [k for i, k in enumerate(text) if k not in text[:i]] == [
        "created", "in_progress", "output_item.added", "content_part.added", "output_text.delta",
        "output_text.done", "content_part.done", "output_item.done", "completed",
    ]  # fmt: skip
    assert text.count("output_text.delta") > 1
    assert [e.sequence_number for e in events[: len(call)]] == list(range(len(call)))


def test_the_deltas_of_a_stream_are_the_answer() -> None:
    events, answer = asyncio.run(streamed(SHOP, "look up 1001 and 1002"))
    assert "".join(e.delta for e in events if e.type == "response.output_text.delta") == answer
    assert answer == run(SHOP, "look up 1001 and 1002").final_output


def test_usage_is_an_estimate_that_grows_with_the_input() -> None:
    small, large = (run(SHOP, text).context_wrapper.usage for text in ("hi", "hi " * 500))
    assert 0 < small.input_tokens < large.input_tokens
    assert small.total_tokens == small.input_tokens + small.output_tokens


@pytest.mark.parametrize(
    ("name", "part", "text", "value"),
    [
        ("order_id", {"type": "string"}, "refund $1500 of order 17", "17"),
        ("order_id", {"type": "integer"}, "order #1001", 1001),
        ("schedule_id", {"type": "string"}, "cancel sch_a9f3", "sch_a9f3"),
        ("run_id", {"type": "string"}, "0190b1c2-0000-7000-8000-000000000001", "0190b1c2-0000-7000-8000-000000000001"),
        ("amount", {"type": "number"}, "20,50 EUR for order 1001", 20.5),
        ("count", {"type": "integer"}, "roll 3 dice", 3),
        ("when", {"type": "string"}, "in two hours", "2h"),
        ("when", {"type": "string"}, "tomorrow", "1d"),
        ("until", {"type": "string"}, "until 2027-03-01T09:00:00Z", "2027-03-01T09:00:00Z"),
        ("cron", {"type": "string"}, "run it at 0 9 * * 1-5", "0 9 * * 1-5"),
        ("cron", {"type": "string"}, "every monday at 8:30", "30 8 * * 1"),
        ("cron", {"type": "string"}, "every 15 minutes", "*/15 * * * *"),
        ("cron", {"type": "string"}, "every day", "0 9 * * *"),
        ("timezone", {"type": "string"}, "at nine in America/New_York", "America/New_York"),
        ("email", {"type": "string"}, "write to ada@example.com.", "ada@example.com"),
        ("url", {"type": "string"}, "see https://example.com/a.", "https://example.com/a"),
        ("unit", {"enum": ["celsius", "fahrenheit"]}, "in Fahrenheit please", "fahrenheit"),
        ("urgent", {"type": "boolean"}, "it is urgent", True),
        ("urgent", {"type": "boolean"}, "it is not urgent", False),
        ("order_ids", {"type": "array", "items": {"type": "string"}}, "1001 1002", ["1001", "1002"]),
        ("tags", {"type": "array", "items": {"type": "string"}}, 'tag it "a" and "b"', ["a", "b"]),
        ("reason", {"type": "string"}, "refund it because it broke", "it broke"),
        ("message", {"type": "string"}, "tell them: we are late", "we are late"),
        ("event", {"type": "string"}, "wait for payment.received", "payment.received"),
        ("city", {"type": "string"}, "city=Bergen, not Oslo", "Bergen"),
    ],
)
def test_an_argument_is_found_by_its_type_and_name(name: str, part: dict[str, Any], text: str, value: Any) -> None:
    assert fill({"properties": {name: part}, "required": [name]}, text) == ({name: value}, [])


def test_an_order_number_is_not_taken_for_an_amount() -> None:
    found, missing = fill(schema(refund_order), "refund order 1001")
    assert found == {"order_id": "1001"}
    assert missing == ["amount"]


def test_the_setting_offline_makes_every_name_offline() -> None:
    for name in (None, "gpt-5", "offline"):
        assert isinstance(provider(Settings(model="offline", openai_api_key="k")).get_model(name), OfflineModel)


def models(settings: Settings, *names: str | None) -> list[Model]:
    found = provider(settings)
    return [found.get_model(name) for name in names]


def test_with_a_key_the_setting_names_the_model_and_offline_still_resolves() -> None:
    default, named, offline = models(Settings(model="gpt-4.1", openai_api_key="k"), None, "gpt-5", "offline")
    assert isinstance(default, DefaultModel)
    assert isinstance(default.inner, OpenAIResponsesModel)
    assert (default.inner.model, default.name) == ("gpt-4.1", "gpt-4.1")
    assert isinstance(named, OpenAIResponsesModel)
    assert isinstance(offline, OfflineModel)


def test_a_compatible_server_is_spoken_to_in_chat_completions_by_its_own_model_names() -> None:
    settings = Settings(model="google/gemma-3", openai_base_url="http://localhost:1/v1")
    default, slashed = models(settings, None, "openai/gpt-oss-20b")
    assert isinstance(default, DefaultModel)
    assert isinstance(default.inner, OpenAIChatCompletionsModel)
    assert default.inner.model == "google/gemma-3"
    assert isinstance(slashed, OpenAIChatCompletionsModel)
    assert slashed.model == "openai/gpt-oss-20b"


def test_what_the_sdk_implies_for_its_own_default_model_is_not_sent_to_another() -> None:
    filled = get_default_model_settings()
    assert filled.reasoning is not None
    assert implied_by("gpt-4.1", filled).reasoning is None
    assert implied_by("gpt-4.1", ModelSettings(temperature=0.5)) == ModelSettings(temperature=0.5)


def test_the_default_model_passes_settings_on_in_either_way() -> None:
    class Recorder(OfflineModel):
        seen: list[ModelSettings] = []  # noqa: RUF012 - a test's notebook

        async def get_response(self, *args: Any, **kwargs: Any) -> Any:
            self.seen.append(kwargs.get("model_settings") or args[2])

    model, filled = DefaultModel(Recorder(), "gpt-4.1"), get_default_model_settings()
    asyncio.run(model.get_response(None, "hi", filled, [], None, [], None))
    asyncio.run(model.get_response(system_instructions=None, input="hi", model_settings=filled))
    assert [s.reasoning for s in Recorder.seen] == [None, None]
