"""Rows as clients see them: Agent Protocol's fields, and ours beside them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from agentcore.api.messages import message_of
from agentcore.api.schemas import RunStatus
from agentcore.checkpoints import checkpoint_id
from agentcore.events import PublicEvent
from agentcore.history import bare
from agentcore.records import Checkpoint, Delivery, Item, Question, Run, Schedule, State, Status, StoreItem
from agentcore.views import STATUS
from agentcore.views import run as run


def states_of(status: RunStatus | None) -> list[Status]:
    """Our states behind one of the protocol's."""
    return [state for state, projected in STATUS.items() if projected == status]


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


def event(found: PublicEvent) -> dict[str, Any]:
    return {"id": found.id, "type": found.type, "data": found.data}


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
        "last_run_id": found.last_run_id, "registered": found.origin is not None, "metadata": found.metadata,
        "created_at": found.created_at,
    }  # fmt: skip


def delivery(found: Delivery, of: Run) -> dict[str, Any]:
    return {
        "delivery_id": found.id, "run_id": found.run_id, "type": f"run.{of.status}", "url": of.webhook,
        "status": found.status, "attempts": found.attempts, "last_attempt_at": found.attempted_at,
        "last_status": found.last_status, "last_error": found.last_error, "next_attempt_at": found.due_at,
        "created_at": found.created_at, "finished_at": found.finished_at,
    }  # fmt: skip


def store_item(found: StoreItem) -> dict[str, Any]:
    return {
        "namespace": list(found.namespace), "key": found.key, "value": found.value,
        "created_at": found.created_at, "updated_at": found.updated_at,
    }  # fmt: skip
