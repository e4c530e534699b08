"""Support: a short-term agent that looks orders up, refunds them once a person approved, and hands over to billing."""

from __future__ import annotations

import asyncio

from agents import Agent, function_tool

from agentcore import current, effect
from agentcore.agents import orders
from agentcore.agents.billing import billing
from agentcore.agents.guardrails import no_card_number_in_answers, no_card_numbers
from agentcore.tools.failures import say_the_fix


@effect("read")
@function_tool(failure_error_function=say_the_fix)
async def look_up_order(order_id: str) -> str:
    """Look up an order: where it is, its status, item, price and what was refunded.

    Args:
        order_id: The order's number, such as 1001.
    """
    order = await asyncio.to_thread(orders.get_order, current().tenant, order_id)
    return (
        f"Order {order.id}: {order.item}, {order.status}, {order.money(order.total_cents)}, "
        f"of which refunded {order.money(order.refunded_cents)}."
    )


@effect("once")
@function_tool(needs_approval=True, failure_error_function=say_the_fix)
async def refund_order(order_id: str, amount: float, reason: str) -> str:
    """Refund money for an order, paying the customer back. A person approves it first.

    Args:
        order_id: The order's number, such as 1001.
        amount: How much to pay back, in the order's currency.
        reason: Why, in the customer's words.
    """
    now = current()
    order = await asyncio.to_thread(orders.refund, now.tenant, order_id, amount, reason, key=now.idempotency_key)
    total = order.money(order.refunded_cents)
    return f"Refunded {amount:.2f} {order.currency} of order {order.id}. Refunded in all: {total}."


support = Agent(
    name="support",
    instructions=(
        "You help the customers of a shop. Look an order up before you talk about it. Refund only what the customer "
        "asks for; a person approves each refund, and when it is rejected say so and do not try again. "
        "Hand invoices and other billing questions over to billing."
    ),
    tools=[look_up_order, refund_order],
    handoffs=[billing],
    input_guardrails=[no_card_numbers],
    output_guardrails=[no_card_number_in_answers],
)
