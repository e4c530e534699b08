from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from agents import (
    Agent,
    InputGuardrailTripwireTriggered,
    OutputGuardrailTripwireTriggered,
    RunConfig,
    Runner,
    RunResult,
)
from agents.testing import ScriptedModel, assistant_message

from agentcore.agents import orders
from agentcore.agents.account_manager import account_manager
from agentcore.agents.billing import billing
from agentcore.agents.guardrails import has_card_number
from agentcore.agents.support import refund_order, support
from agentcore.context import Parked
from agentcore.effects import effect_of
from agentcore.errors import Invalid, NotFound
from agentcore.models import provider
from agentcore.settings import Settings
from tests.unit.fake_host import FakeHost, inside_a_call

OFFLINE = RunConfig(model_provider=provider(Settings()), tracing_disabled=True)
CARD = "4111 1111 1111 1111"


@pytest.fixture(autouse=True)
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def host() -> Iterator[FakeHost]:
    host = FakeHost()
    with inside_a_call(host):
        yield host


def run(agent: Agent[Any], input: Any) -> RunResult:
    return asyncio.run(Runner.run(agent, input, run_config=OFFLINE))


def calls(result: RunResult) -> list[str]:
    raw: list[Any] = [item.raw_item for item in result.new_items]
    return [r.name for r in raw if getattr(r, "type", "") == "function_call"]


def decided(result: RunResult, *, approve: bool) -> RunResult:
    state = result.to_state()
    for question in result.interruptions:
        state.approve(question) if approve else state.reject(question)
    return asyncio.run(Runner.run(support, state, run_config=OFFLINE))


def test_support_looks_up_what_it_is_asked_about(host: FakeHost) -> None:
    answer = run(support, "Where are my orders 1002 and 1003?").final_output
    assert "office chair, shipped, 189.00 EUR" in answer
    assert "standing desk, delayed" in answer


def test_support_says_that_an_order_does_not_exist(host: FakeHost) -> None:
    assert "There is no order '9999'" in run(support, "Where is order 9999?").final_output


def test_a_refund_waits_for_approval_and_then_happens(host: FakeHost) -> None:
    asked = run(support, "Refund 20 EUR of order 1001, because it broke")
    assert [q.name for q in asked.interruptions] == ["refund_order"]
    assert orders.get_order("t", "1001").refunded_cents == 0
    assert "Refunded 20.00 EUR of order 1001" in decided(asked, approve=True).final_output
    assert orders.get_order("t", "1001").refunded_cents == 2000


def test_a_rejected_refund_is_reported_and_not_tried_again(host: FakeHost) -> None:
    result = decided(run(support, "Refund 20 EUR of order 1001, because it broke"), approve=False)
    assert "refund_order did not work: Tool execution was not approved." in result.final_output
    assert result.interruptions == []
    assert orders.get_order("t", "1001").refunded_cents == 0


def test_a_refund_is_never_repeated_on_a_guess() -> None:
    assert effect_of(refund_order) == "once"
    assert refund_order.needs_approval is True


def test_the_same_refund_again_is_not_a_second_refund() -> None:
    for _ in range(2):
        assert orders.refund("t", "1001", 20.0, "broke", key="k").refunded_cents == 2000
    assert orders.refund("t", "1001", 20.0, "broke", key="other").refunded_cents == 4000


def test_the_shop_works_where_the_working_directory_is_read_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    assert orders.get_order("t", "1001").item == "desk lamp"
    assert (tmp_path / "temporary" / "agentcore" / "orders.db").exists()


@pytest.mark.parametrize("amount", [0.0, -1.0, 49.01])
def test_no_more_is_refunded_than_was_paid(amount: float) -> None:
    with pytest.raises(Invalid, match=r"between 0.01 and 49.00 EUR"):
        orders.refund("t", "1001", amount, "broke", key="k")


def test_support_hands_invoices_over_to_billing(host: FakeHost) -> None:
    result = run(support, "I have a question about the invoice of order 1004")
    assert calls(result) == ["transfer_to_billing", "invoice"]
    assert result.last_agent is billing
    assert "INV-1004: monitor arm 99.00 EUR" in result.final_output


def test_a_card_number_is_refused_before_any_model_sees_it() -> None:
    with pytest.raises(InputGuardrailTripwireTriggered) as caught:
        run(support, f"refund 1001 to my card {CARD}")
    assert caught.value.run_data is not None
    assert caught.value.run_data.raw_responses == []


def test_a_card_number_refused_once_does_not_refuse_the_conversation_for_ever(host: FakeHost) -> None:
    history = [{"role": "user", "content": f"my card is {CARD}"}, {"role": "user", "content": "where is order 1001?"}]
    assert "desk lamp" in run(support, history).final_output


def test_an_answer_with_a_card_number_is_held_back() -> None:
    leaky = support.clone(model=ScriptedModel([[assistant_message(f"It was {CARD}")]]))
    with pytest.raises(OutputGuardrailTripwireTriggered):
        run(leaky, "hello")


@pytest.mark.parametrize(
    ("text", "found"),
    [(CARD, True), ("4111-1111-1111-1111", True), ("4111 1111 1111 1112", False), ("orders 1001, 1002, 1003", False)],
)
def test_card_numbers_are_told_from_other_numbers(text: str, found: bool) -> None:
    assert has_card_number(text) is found


def test_an_unknown_order_is_named() -> None:
    with pytest.raises(NotFound, match="9999"):
        orders.get_order("t", "9999")


def test_the_shop_is_opened_first_by_many_threads_at_once() -> None:
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda n: orders.refund("t", "1003", 1.0, "late", key=f"k{n % 20}"), range(60)))
    assert len(found) == 60
    assert orders.get_order("t", "1003").refunded_cents == 2000


def test_the_shop_is_opened_first_by_many_processes_at_once() -> None:
    code = (
        "from agentcore.agents import orders\nfor n in range(10): orders.refund('t', '1003', 1.0, 'late', key=f'k{n}')"
    )
    path = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    started = [subprocess.Popen([sys.executable, "-c", code], env=path) for _ in range(6)]
    assert [process.wait(60) for process in started] == [0] * 6
    assert orders.get_order("t", "1003").refunded_cents == 1000


def test_a_promise_is_noted_and_listed_in_its_own_thread(host: FakeHost) -> None:
    run(account_manager, "Note a promise: ship 1003 by Friday")
    assert "- ship 1003 by Friday" in run(account_manager, "What did we promise?").final_output
    with inside_a_call(FakeHost(), thread="another"):
        assert "Nothing was promised" in run(account_manager, "What did we promise?").final_output


def test_a_message_to_the_customer_is_sent_once_by_its_key(host: FakeHost) -> None:
    for _ in range(2):
        run(account_manager, 'Send the customer a message: "Your order 1003 is late. Sorry!"')
    assert orders.sent("t", "th") == ["Your order 1003 is late. Sorry!"]


def test_one_tenant_does_not_see_what_another_did() -> None:
    orders.refund("a", "1001", 20.0, "broke", key="k")
    assert orders.get_order("b", "1001").refunded_cents == 0
    orders.note_promise("a", "th", "a desk", "", key="k")
    assert orders.promises("b", "th") == []
    assert orders.promises("a", "th") == [("a desk", "")]


@pytest.mark.parametrize(
    ("message", "event", "correlation"),
    [("Sleep for 2h", None, ""), ("Wait for order.delivered of 1003 for 5 days", "order.delivered", "1003")],
)
def test_the_account_manager_parks_when_it_has_to_wait(
    host: FakeHost, message: str, event: str | None, correlation: str
) -> None:
    with pytest.raises(Parked):
        run(account_manager, message)
    ((_, _, slept_for, which),) = host.sleeps
    assert (slept_for, which) == (event, correlation)


def test_the_account_manager_makes_lists_and_cancels_schedules(host: FakeHost) -> None:
    run(account_manager, "Remind me in 3 days to call Ada")
    (made,) = host.kept.values()
    assert made.input == "call Ada"
    assert made.id in run(account_manager, "List my schedules").final_output
    run(account_manager, f"Cancel schedule {made.id}")
    assert host.kept == {}


def test_agents_name_no_model_so_that_the_setting_decides() -> None:
    assert [agent.model for agent in (support, billing, account_manager)] == [None, None, None]
