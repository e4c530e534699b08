"""Billing: the agent that support hands invoices over to."""

from __future__ import annotations

import asyncio

from agents import Agent, function_tool

from agentcore import current, effect
from agentcore.agents import orders
from agentcore.agents.guardrails import no_card_number_in_answers
from agentcore.tools.failures import say_the_fix


@effect("read")
@function_tool(failure_error_function=say_the_fix)
async def invoice(order_id: str) -> str:
    """The invoice of an order: what was charged, paid back and is left.

    Args:
        order_id: The order's number.
    """
    order = await asyncio.to_thread(orders.get_order, current().tenant, order_id)
    left = order.total_cents - order.refunded_cents
    return (
        f"Invoice INV-{order.id}: {order.item} {order.money(order.total_cents)}, "
        f"refunded {order.money(order.refunded_cents)}, balance {order.money(left)}."
    )


billing = Agent(
    name="billing",
    handoff_description="Invoices, payments, charges and other billing questions.",
    instructions="You answer billing questions of a shop's customers. Look at the invoice before you state a sum.",
    tools=[invoice],
    output_guardrails=[no_card_number_in_answers],
)
