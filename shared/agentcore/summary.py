"""The rolling summary: what falls out of a thread's window is told by the model, once, as a step of the run."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agents import Agent, Runner

from agentcore import durable, outcomes
from agentcore.history import bare, tokens, window
from agentcore.journal import ALWAYS
from agentcore.records import Entry

if TYPE_CHECKING:
    from agentcore.engine import Execution

log = logging.getLogger("agentcore.summary")
PROMPT = (
    "Summarize this conversation for the assistant who will continue it. Keep names, numbers, dates, decisions, "
    "promises and open questions. Leave out greetings. Write at most 300 words."
)


@dataclass(frozen=True, kw_only=True)
class Past:
    """What the model is told of a thread: a summary of all before `start`, and the items from there."""

    start: int
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
        return Past(start=noted["from"], summary=noted["summary"], items=items)
    found = await _decide(execution, agent, options, scope)
    if not execution.frozen:
        data = {"from": found.start, "to": execution.run.history_end, "summary": found.summary}
        execution.journal.add(Entry(key="input", kind="input", data=data), linger=ALWAYS)
    return found


async def _decide(execution: Execution, agent: Agent[Any], options: Mapping[str, Any], scope: durable.Scope) -> Past:
    claim, most = execution.claim, execution.settings.history_tokens
    start = claim.summary_until
    if not execution.settings.summarize:
        # Nothing tells of what is left out, so only what was loaded anyway can be in.
        start = max(start, claim.items[0].position if claim.items else 0)
    items = await _items(execution, start, execution.run.history_end)
    if sum(tokens(item) for item in items) <= most:
        return Past(start=start, summary=claim.summary, items=items)
    if not execution.settings.summarize:
        cut = window(items, most)
        return Past(start=start + cut, summary=claim.summary, items=items[cut:])
    # Half of the window is left free, so that the next summary is many turns away.
    cut = window(items, most // 2)
    summary = await _tell(agent, options, scope, claim.summary, items[:cut])
    return Past(start=start + cut, summary=summary or claim.summary, items=items[cut:])


async def _items(execution: Execution, start: int, end: int) -> list[dict[str, Any]]:
    """History by position; mostly it came with the claim."""
    loaded, run = execution.claim.items, execution.run
    first = min(loaded[0].position if loaded else run.history_end, end)
    older = await execution.store.items(run.tenant, run.thread_id, start=start, end=first) if start < first else []
    return [bare(item.data) for item in [*older, *loaded] if start <= item.position < end]


async def _tell(
    agent: Agent[Any], options: Mapping[str, Any], scope: durable.Scope, before: str | None,
    items: Sequence[Mapping[str, Any]],
) -> str | None:  # fmt: skip
    teller = Agent(name="summary", instructions=PROMPT, model=agent.model)
    text = "\n".join(json.dumps(item, ensure_ascii=False, default=str) for item in items)
    told = f"Summary so far:\n{before}\n\n{text}" if before else text
    try:
        with durable.enter(scope.within("summary")):
            result = await Runner.run(teller, told, run_config=options["run_config"], max_turns=1)
    except Exception as error:
        if outcomes.transient(error):
            raise
        log.warning("no summary was made: %s", error)
        return None
    return str(result.final_output)
