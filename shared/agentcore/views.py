"""A run as clients see it: Agent Protocol's fields, and ours beside them. Here, as its webhook is told the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agentcore.history import bare
from agentcore.records import Run, Status

STATUS: Mapping[Status, str] = {
    "queued": "pending", "running": "pending", "sleeping": "pending", "waiting": "interrupted",
    "succeeded": "success", "failed": "error", "cancelled": "interrupted", "expired": "timeout",
}  # fmt: skip


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
