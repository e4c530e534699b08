"""The handoff seam: that another agent takes over is recorded, and the agent is made durable."""

from __future__ import annotations

import functools
from typing import Any

from agents import Agent, Handoff

from agentcore.durable.scope import Scope, scope_now
from agentcore.journal import ALWAYS
from agentcore.records import Entry

_MARK = "_agentcore_durable"


def durable_handoff(handoff: Handoff[Any, Any]) -> None:
    """Make a handoff durable, in place, once. It says only when it is called which agent it leads to."""
    invoke = handoff.on_invoke_handoff
    if getattr(invoke, _MARK, False):
        return

    @functools.wraps(invoke)
    async def on_invoke_handoff(*args: Any, **kwargs: Any) -> Any:
        from agentcore.durable.agent import instrument_within  # which needs the model seam, which needs this

        agent, scope = await invoke(*args, **kwargs), scope_now()
        if scope is not None:
            instrument_within(scope, agent)
            _record(scope, handoff, agent)
        return agent

    setattr(on_invoke_handoff, _MARK, True)
    handoff.on_invoke_handoff = on_invoke_handoff


def _record(scope: Scope, handoff: Handoff[Any, Any], agent: Agent[Any]) -> None:
    """No step: a replay hands over again. It is stored with what follows, for readers and for a run that is stopped."""
    journal, call_id = scope.slice.journal, scope.slice.called.get(scope.path, {}).get(handoff.tool_name, "")
    key = f"handoff:{scope.path}/{call_id}"
    if journal.frozen or journal.get(key) is not None:
        return
    output = handoff.get_transfer_message(agent)
    data = {"call_id": call_id, "from": scope.agent[0], "to": agent.name, "output": output}
    journal.add(Entry(key=key, kind="handoff", data=data), linger=ALWAYS)
