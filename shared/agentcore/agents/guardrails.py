"""Guardrails: card numbers neither reach a model nor leave in an answer."""

from __future__ import annotations

import re
from typing import Any

from agents import (
    Agent,
    GuardrailFunctionOutput,
    RunContextWrapper,
    TResponseInputItem,
    input_guardrail,
    output_guardrail,
)

_CARD = re.compile(r"(?<![\w-])\d(?:[ -]?\d){12,18}(?![\w-])")


@input_guardrail(run_in_parallel=False)
async def no_card_numbers(
    context: RunContextWrapper[Any], agent: Agent[Any], input: str | list[TResponseInputItem]
) -> GuardrailFunctionOutput:
    """Refuses a message with a card number before any model sees it."""
    found = has_card_number(_last_message(input))
    return GuardrailFunctionOutput(output_info={"reason": "card number"} if found else None, tripwire_triggered=found)


@output_guardrail
async def no_card_number_in_answers(
    context: RunContextWrapper[Any], agent: Agent[Any], output: Any
) -> GuardrailFunctionOutput:
    """Holds back an answer with a card number in it."""
    found = has_card_number(str(output))
    return GuardrailFunctionOutput(output_info={"reason": "card number"} if found else None, tripwire_triggered=found)


def has_card_number(text: str) -> bool:
    """Whether 13 to 19 digits in it pass the check that card numbers pass (Luhn)."""
    return any(_luhn([int(d) for d in re.sub(r"\D", "", found)]) for found in _CARD.findall(text))


def _luhn(digits: list[int]) -> bool:
    doubled = [d * 2 - 9 if d > 4 else d * 2 for d in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _last_message(input: str | list[TResponseInputItem]) -> str:
    """What the user just said: a number refused once must not refuse the whole conversation for ever."""
    if isinstance(input, str):
        return input
    return str(next((item.get("content") for item in reversed(input) if item.get("role") == "user"), ""))
