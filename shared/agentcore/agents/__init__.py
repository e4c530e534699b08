"""The agents that ship. Importing this registers them and imports no SDK: each is imported when a run needs it."""

from __future__ import annotations

from typing import Any

from agentcore.records import Event
from agentcore.registry import EventRule, register


def _customer_thread(event: Event) -> str:
    """One lasting conversation a customer, or a new one an order where the event names no customer."""
    return f"customer-{_data(event).get('customer_id') or event.correlation or event.id}"


def _delayed(event: Event) -> str:
    order = _data(event).get("order_id") or event.correlation
    return f'Send the customer a message: "Your order {order} is delayed. We will tell you when it ships."'


def _data(event: Event) -> dict[str, Any]:
    return event.data if isinstance(event.data, dict) else {}


register(
    "support",
    "agentcore.agents.support:support",
    version="1",
    description="Answers questions about orders, refunds them with a person's approval, hands invoices to billing.",
)
register(
    "account_manager",
    "agentcore.agents.account_manager:account_manager",
    version="1",
    description="Follows a customer for weeks: keeps promises, sleeps, waits for events, rings on schedules.",
    events=[EventRule(name="order.delayed", thread=_customer_thread, input=_delayed)],
)
