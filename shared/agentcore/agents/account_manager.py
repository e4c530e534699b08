"""Account manager: a long-term agent that follows a customer for weeks and keeps what it promised."""

from __future__ import annotations

import asyncio

from agents import Agent, function_tool

from agentcore import current, effect
from agentcore.agents import orders
from agentcore.tools import cancel_schedule, list_schedules, schedule, sleep_until, wait_for_event
from agentcore.tools.failures import say_the_fix


@effect("idempotent")
@function_tool(failure_error_function=say_the_fix)
async def note_promise(promise: str, due: str = "") -> str:
    """Note a promise made to the customer, so that it is kept.

    Args:
        promise: What was promised.
        due: When it is due: an ISO 8601 time or a duration. Empty: no date was named.
    """
    now = current()
    await asyncio.to_thread(orders.note_promise, now.tenant, now.thread_id, promise, due, key=now.idempotency_key)
    return f"Noted: {promise}" + (f" (due {due})" if due else "")


@effect("read")
@function_tool(failure_error_function=say_the_fix)
async def list_promises() -> str:
    """List the promises made to this customer."""
    now = current()
    found = await asyncio.to_thread(orders.promises, now.tenant, now.thread_id)
    return "\n".join(f"- {p}" + (f" (due {d})" if d else "") for p, d in found) or "Nothing was promised."


@effect("idempotent")
@function_tool(failure_error_function=say_the_fix)
async def send_message_to_customer(message: str) -> str:
    """Send the customer a message, to tell or ask them something.

    Args:
        message: What to write.
    """
    now = current()
    await asyncio.to_thread(orders.send, now.tenant, now.thread_id, message, key=now.idempotency_key)
    return f"Sent: {message}"


account_manager = Agent(
    name="account_manager",
    instructions=(
        "You look after one customer of a shop for weeks. Keep your promises: note each one when you make it "
        "(note_promise), and in the same turn set the alarm that lets you keep it (schedule), with a message to "
        "yourself that says all you need to know. Use sleep_until only for minutes or hours within one task, and "
        "wait_for_event when something outside decides, such as order.delivered. When you are woken, look at "
        "list_promises, do what is due, and tell the customer with send_message_to_customer; nobody reads your answer "
        "at that time. If a promise cannot be kept, say so before it is due. Cancel schedules that are not needed now."
    ),
    tools=[
        note_promise,
        list_promises,
        send_message_to_customer,
        sleep_until,
        wait_for_event,
        schedule,
        list_schedules,
        cancel_schedule,
    ],
)
