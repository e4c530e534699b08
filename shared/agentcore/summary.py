"""The rolling summary: what falls out of a thread's window is told by the model, once, as a step of the run.

What a turn costs does not grow with its thread: at most `history_items` are loaded, and what is to be told goes to the
model in chunks of at most `history_tokens`, a few a turn; the rest is told by later turns. A chunk that cannot be told
is left out, as asking again would fail again.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agents import Agent, Runner

from agentcore import durable, outcomes
from agentcore.events import SUMMARY
from agentcore.history import Before, bare, begin, tokens, window
from agentcore.journal import ALWAYS
from agentcore.records import Entry, Item

if TYPE_CHECKING:
    from agentcore.engine import Execution

log = logging.getLogger("agentcore.summary")
PROMPT = (
    "Summarize this conversation for the assistant who will continue it. Keep names, numbers, dates, decisions, "
    "promises and open questions. Leave out greetings. Write at most 300 words."
)
CHUNKS = 4  # that one turn tells at most


@dataclass(frozen=True, kw_only=True)
class Past:
    """What the model is told of a thread: a summary of all before `told`, and the items from `start` on."""

    start: int
    told: int
    summary: str | None
    items: list[dict[str, Any]]

    def messages(self) -> list[dict[str, Any]]:
        if not self.summary:
            return self.items
        return [{"role": "system", "content": f"The conversation before, summarized:\n{self.summary}"}, *self.items]


async def past(execution: Execution, agent: Agent[Any], options: Mapping[str, Any], scope: durable.Scope) -> Past:
    """The thread's history for this run: decided once, noted as `input`, the same in each replay."""
    noted = execution.journal.get("input")
    if noted is not None:
        items = await _items(execution, noted["from"], noted["to"])  # a redriven run has come further since
        return Past(start=noted["from"], told=noted["told"], summary=noted["summary"], items=_data(items))
    found = await _decide(execution, agent, options, scope)
    if not execution.frozen:
        end = execution.run.history_end
        data = {"from": found.start, "to": end, "told": found.told, "summary": found.summary}
        execution.journal.add(Entry(key="input", kind="input", data=data), linger=ALWAYS)
    return found


async def _decide(execution: Execution, agent: Agent[Any], options: Mapping[str, Any], scope: durable.Scope) -> Past:
    claim, settings, end = execution.claim, execution.settings, execution.run.history_end
    told, summary, most = claim.summary_until, claim.summary, settings.history_tokens
    # Nothing older than what the claim has loaded is shown.
    start = max(told, claim.items[0].position if claim.items else end)
    items = await _items(execution, start, end)
    whole, data = start == told, _data(items)
    if whole and sum(map(tokens, data)) <= most:
        return Past(start=start, told=told, summary=summary, items=data)
    if settings.summarize:
        # Half of the window is left free, so that the next summary is many turns away.
        half = 0 if whole else len(items) // 2
        most, items, data = most // 2, items[half:], data[half:]
    cut = window(data, most) or (0 if whole else begin(data))
    start = items[cut].position if cut < len(items) else end
    if settings.summarize:
        told, summary = await _catch_up(execution, agent, options, scope, upto=start)
    return Past(start=start, told=told, summary=summary, items=data[cut:])


async def _catch_up(
    execution: Execution, agent: Agent[Any], options: Mapping[str, Any], scope: durable.Scope, *, upto: int
) -> tuple[int, str | None]:
    """Tell what is older than the window, chunk by chunk: up to where it is told now, and the summary."""
    claim, settings = execution.claim, execution.settings
    told, summary = claim.summary_until, claim.summary
    for _ in range(CHUNKS):
        if told >= upto:
            break
        items = await _items(execution, told, min(upto, told + settings.history_items))
        size = _chunk(items, settings.history_tokens)
        told = items[size].position if size < len(items) else min(upto, told + settings.history_items)
        if size:
            summary = await _tell(agent, options, scope, summary, items[:size], settings.history_tokens) or summary
    return told, summary


def _chunk(items: Sequence[Item], most: int) -> int:
    """How many of the oldest items go into one prompt: those that fit, and at least one."""
    used = 0
    for number, item in enumerate(items):
        used += tokens(bare(item.data))
        if used > most and number:
            return number
    return len(items)


async def _items(execution: Execution, start: int, end: int) -> list[Item]:
    """History by position; mostly it came with the claim. What a redriven run itself left there is its own work."""
    loaded, run, before = execution.claim.items, execution.run, Before.read(execution.claim.entries)
    first = min(loaded[0].position if loaded else run.history_end, end)
    older = await execution.store.items(run.tenant, run.thread_id, start=start, end=first) if start < first else []
    return [i for i in [*older, *loaded] if start <= i.position < end and not before.has(i.position)]


def _data(items: Sequence[Item]) -> list[dict[str, Any]]:
    return [bare(item.data) for item in items]


async def _tell(
    agent: Agent[Any], options: Mapping[str, Any], scope: durable.Scope, before: str | None, items: Sequence[Item],
    most: int,
) -> str | None:  # fmt: skip
    """The summary of these items, at most `most` tokens of them, and of what came before. None: it cannot be made."""
    teller = Agent(name="summary", instructions=PROMPT, model=agent.model)
    text = "\n".join(json.dumps(bare(item.data), ensure_ascii=False, default=str) for item in items)
    text = text[: 4 * most]  # a single item may be larger than that
    told = f"Summary so far:\n{before}\n\n{text}" if before else text
    try:
        with durable.enter(scope.within(SUMMARY)):
            result = await Runner.run(teller, told, run_config=options["run_config"], max_turns=1)
    except Exception as error:
        if outcomes.transient(error):
            raise
        log.warning("%d messages are left out of the summary, as it was not made: %s", len(items), error)
        return None
    return str(result.final_output)[: 2 * most]  # half a window, whatever the model thought of the words it was given
