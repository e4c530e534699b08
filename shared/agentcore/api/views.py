"""Rows as clients see them: Agent Protocol's fields, and ours beside them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from agentcore.api.messages import message_of
from agentcore.api.schemas import RunStatus
from agentcore.checkpoints import checkpoint_id
from agentcore.history import bare
from agentcore.records import Checkpoint, Item, Question, Run, Schedule, State, Status

STATUS: Mapping[Status, RunStatus] = {
    "queued": "pending", "running": "pending", "sleeping": "pending", "waiting": "interrupted",
    "succeeded": "success", "failed": "error", "cancelled": "interrupted", "expired": "timeout",
}  # fmt: skip


def states_of(status: RunStatus | None) -> list[Status]:
    """Our states behind one of the protocol's."""
    return [state for state, projected in STATUS.items() if projected == status]


def run(found: Run) -> dict[str, Any]:
    updated = found.finished_at or found.started_at or found.created_at
    asked = found.request or {}
    config = dict(found.config)
    if "max_turns" in config:
        config["recursion_limit"] = config.pop("max_turns")
    return {
        "run_id": found.id, "thread_id": found.thread_id, "agent_id": found.agent,
        "agent_version": found.agent_version, "status": STATUS[found.status], "state": found.status,
        **_said(found), "output": found.output, "error": found.error, "usage": found.usage,
        "metadata": found.metadata, "config": config, **({"webhook": found.webhook} if found.webhook else {}),
        "on_completion": asked.get("on_completion", "keep"), "on_disconnect": asked.get("on_disconnect", "continue"),
        "if_not_exists": asked.get("if_not_exists", "reject"), "stream_mode": asked.get("stream_mode", "values"),
        "multitask_strategy": asked.get("multitask_strategy"), "trigger": found.trigger,
        "root_id": found.root_id or found.id, "position": found.position,
        "cancel_requested": found.cancel_requested, "wake_at": found.wake_at if found.status == "sleeping" else None,
        "created_at": found.created_at, "updated_at": updated, "started_at": found.started_at,
        "finished_at": found.finished_at, "expires_at": found.expires_at,
    }  # fmt: skip


def _said(found: Run) -> dict[str, Any]:
    """The input as the caller gave it: it is only kept beside the run where it differs from what the agent gets."""
    asked, kept = found.request or {}, found.input
    if isinstance(kept, list):
        kept = [bare(one) for one in kept] or None
    given = asked.get("given", asked.get("values", kept))
    return {"input": None, "messages": given} if asked.get("as") == "messages" else {"input": given, "messages": []}


def waited(found: Run, questions: Sequence[Question]) -> dict[str, Any]:
    """RunWaitResponse. `questions` are what the run waits for, if it waits for a person."""
    text = found.output if isinstance(found.output, str) else json.dumps(found.output)
    said = [{"role": "assistant", "content": text}] if found.status == "succeeded" else []
    values = {"output": found.output, "error": found.error}
    return {"run": run(found), "values": values, "messages": said, "questions": [question(q) for q in questions]}


def thread(state: State) -> dict[str, Any]:
    found = state.thread
    return {
        "thread_id": found.id, "agent_id": found.agent or None, "status": state.status, "metadata": found.metadata,
        "values": state.values, "messages": [message_of(one.data) for one in state.items],
        "item_count": found.item_count, "active_run_id": found.head_id, "summary": found.summary,
        "created_at": found.created_at, "updated_at": found.updated_at or found.created_at,
    }  # fmt: skip


def checkpoint(thread_id: str, found: Checkpoint, items: Sequence[Item]) -> dict[str, Any]:
    named = {"checkpoint_id": checkpoint_id(thread_id, found.position), "thread_id": thread_id}
    about = {"source": found.source, "run_id": found.run_id, "created_at": found.created_at}
    return {
        "checkpoint": {**named, "position": found.position}, "values": found.values,
        "messages": [message_of(one.data) for one in items], "metadata": about,
    }  # fmt: skip


def item(found: Item) -> dict[str, Any]:
    return {"position": found.position, "run_id": found.run_id, "item": bare(found.data)}


def question(found: Question) -> dict[str, Any]:
    return {
        "approval_id": found.id, "run_id": found.run_id, "thread_id": found.thread_id, "kind": found.kind,
        "agent_id": found.agent, "tool": found.tool, "call_id": found.call_id, "arguments": found.arguments,
        "arguments_hash": found.arguments_hash, "status": found.status, "decided_by": found.decided_by,
        "decided_at": found.decided_at, "note": found.note, "result": found.result,
        "on_expiry": found.on_expiry, "expires_at": found.expires_at, "created_at": found.created_at,
    }  # fmt: skip


def schedule(found: Schedule) -> dict[str, Any]:
    return {
        "schedule_id": found.id, "agent_id": found.agent, "thread_id": found.thread_id, "name": found.name,
        "input": found.input, "due_at": found.due_at, "cron": found.cron, "timezone": found.timezone,
        "overlap": found.overlap, "misfire": found.misfire, "enabled": found.enabled,
        "last_run_id": found.last_run_id, "metadata": found.metadata, "created_at": found.created_at,
    }  # fmt: skip
