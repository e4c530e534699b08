from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from agents import FunctionTool
from agents.tool_context import ToolContext

from agentcore import tools
from agentcore.context import Parked, Woke
from agentcore.effects import effect_of
from agentcore.errors import Transient
from agentcore.tools.failures import say_the_fix
from tests.unit.fake_host import FakeHost, inside_a_call


@pytest.fixture
def host() -> FakeHost:
    return FakeHost()


def call(tool: FunctionTool, host: FakeHost, *, woke: Woke | None = None, key: str = "k1", **arguments: Any) -> str:
    context: ToolContext[None] = ToolContext(
        context=None, tool_name=tool.name, tool_call_id="c1", tool_arguments=json.dumps(arguments)
    )
    with inside_a_call(host, woke=woke, key=key):
        return str(asyncio.run(_invoke(tool, context, arguments)))


async def _invoke(tool: FunctionTool, context: ToolContext[None], arguments: dict[str, Any]) -> Any:
    return await tool.on_invoke_tool(context, json.dumps(arguments))


def test_sleeping_parks_the_run_until_the_given_time(host: FakeHost) -> None:
    with pytest.raises(Parked):
        call(tools.sleep_until, host, when="2h")
    assert host.sleeps == [("tool:k1", timedelta(hours=2), None, "")]


def test_a_sleep_that_is_over_says_why_it_ended(host: FakeHost) -> None:
    assert "time to go on" in call(tools.sleep_until, host, woke=Woke(by="time"), when="2h")
    assert "new message" in call(tools.sleep_until, host, woke=Woke(by="message"), when="2h")


def test_waiting_names_the_event_its_correlation_and_the_time_out(host: FakeHost) -> None:
    with pytest.raises(Parked):
        call(tools.wait_for_event, host, name="order.delivered", timeout="2027-03-01", correlation="1003")
    assert host.sleeps == [("tool:k1", datetime(2027, 3, 1, tzinfo=UTC), "order.delivered", "1003")]


def test_an_event_that_came_is_told_with_its_data(host: FakeHost) -> None:
    came = call(tools.wait_for_event, host, woke=Woke(by="event", data={"at": "dør"}), name="order.delivered")
    assert came == 'Event order.delivered came: {"at": "dør"}'


def test_an_event_that_did_not_come_is_told_with_the_time_out(host: FakeHost) -> None:
    assert "not come within 3d" in call(tools.wait_for_event, host, woke=Woke(by="time"), name="x.y", timeout="3d")


def test_a_time_that_is_none_is_answered_with_the_forms_that_are(host: FakeHost) -> None:
    answer = call(tools.sleep_until, host, when="soon")
    assert answer.startswith("Error: when: 'soon'")
    assert "2h or 3d" in answer


def test_a_schedule_is_told_with_its_id_and_time(host: FakeHost) -> None:
    answer = call(tools.schedule, host, name="call", input="call Ada", when="3d")
    assert answer == "Scheduled. sch_k1 'call': rings at 2027-01-04T00:00:00+00:00. Message: call Ada"


def test_the_same_schedule_call_again_makes_no_second_schedule(host: FakeHost) -> None:
    for _ in range(2):
        call(tools.schedule, host, name="call", input="call Ada", when="3d")
    assert len(host.kept) == 1


def test_a_cron_schedule_is_told_in_its_own_zone(host: FakeHost) -> None:
    answer = call(tools.schedule, host, name="w", input="go", cron="0 1 * * *", timezone="Europe/Oslo")
    assert "2027-01-01T01:00:00+01:00, then by cron 0 1 * * * (Europe/Oslo)" in answer


@pytest.mark.parametrize("times", [{}, {"when": "2h", "cron": "0 9 * * *"}])
def test_a_schedule_needs_one_kind_of_time(host: FakeHost, times: dict[str, Any]) -> None:
    answer = call(tools.schedule, host, name="w", input="go", **times)
    assert answer == "Error: Give either when (once) or cron (again and again)."
    assert host.kept == {}


def test_schedules_are_listed_and_cancelled_by_id(host: FakeHost) -> None:
    assert call(tools.list_schedules, host) == "There are no schedules."
    call(tools.schedule, host, name="a", input="x", when="1d", key="k1")
    call(tools.schedule, host, name="b", input="y", when="2d", key="k2")
    assert "cancelled" in call(tools.cancel_schedule, host, schedule_id="sch_k1")
    assert call(tools.list_schedules, host).startswith("sch_k2 'b'")


def test_an_unknown_schedule_is_answered_in_words(host: FakeHost) -> None:
    assert call(tools.cancel_schedule, host, schedule_id="sch_9") == "Error: There is no schedule 'sch_9'."


def test_each_tool_says_what_a_repeat_would_mean() -> None:
    effects = {name: effect_of(getattr(tools, name)) for name in tools.__all__}
    assert effects.pop("list_schedules") == "read"
    assert set(effects.values()) == {"idempotent"}


def test_a_name_that_is_no_tool_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'shout'"):
        _ = tools.shout


def test_a_transient_failure_is_for_the_run_and_not_for_the_model() -> None:
    context: Any = None
    with pytest.raises(Transient):
        say_the_fix(context, Transient())
    assert "boom" not in say_the_fix(context, RuntimeError("boom"))
