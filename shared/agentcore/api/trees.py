"""The tree of agents in a run, and the commands that read a thread: `agent.getTree`, `state.*`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from agentcore.api import state
from agentcore.api.bodies import Body
from agentcore.api.commands import Desk, Result, checked, command
from agentcore.api.frames import CommandError, Frame, Namespace, seq_after
from agentcore.api.mapping import RunFrames
from agentcore.api.messages import run_input
from agentcore.api.run_create import RunCreate, accept
from agentcore.checkpoints import checkpoint_id, position_of
from agentcore.errors import NotFound
from agentcore.records import Checkpoint, Run, Status

Path = tuple[str, ...]
_STATUS: Mapping[Status, str] = {
    "queued": "started", "running": "running", "sleeping": "running", "waiting": "interrupted",
    "succeeded": "completed", "failed": "failed", "cancelled": "interrupted", "expired": "failed",
}  # fmt: skip


class GetTree(Body):
    runId: Annotated[str, Field(max_length=100)] | None = None


class GetState(Body):
    namespace: Namespace
    keys: Annotated[list[str], Field(max_length=100)] | None = None


class ListCheckpoints(Body):
    namespace: Namespace = Field(default_factory=list)
    limit: Annotated[int, Field(ge=0, le=1000)] = 10
    before: Annotated[str, Field(max_length=100)] | None = None


class Fork(Body):
    checkpointId: Annotated[str, Field(max_length=100)]
    input: Any = None
    config: dict[str, Any] = Field(default_factory=dict)


@command("agent.getTree", "threads:read", GetTree)
async def get_tree(desk: Desk, params: GetTree) -> Result:
    """The agents of a run (the one at work, else the last), as far as they have been heard of."""
    run = await desk.run(params.runId)
    nodes = await nodes_of(desk, run)
    return Result({"tree": _node((), nodes, {"runId": run.id, "status": run.status})})


@command("state.get", "threads:read", GetState)
async def get_state(desk: Desk, params: GetState) -> Result:
    """A thread's state, or what an agent inside the run has said. A stream since `appliedThroughSeq` goes on there."""
    if params.namespace:
        run = await desk.run()
        await look_up(desk, run, params.namespace)
        return Result({"values": _chosen(await _said(desk, run, tuple(params.namespace)), params.keys)})
    values, last = await state.values(desk.verbs, desk.tenant, desk.thread_id)
    chosen = {"values": _chosen(values, params.keys)}
    if last is None:
        return Result(chosen)
    where = {"checkpoint": {"id": checkpoint_id(desk.thread_id, last.position)}}
    return Result({**chosen, **where}, {"appliedThroughSeq": seq_after(last.position)})


@command("state.listCheckpoints", "threads:read", ListCheckpoints)
async def list_checkpoints(desk: Desk, params: ListCheckpoints) -> Result:
    """What the thread was, newest first. Agents inside a run have no checkpoints of their own."""
    if params.namespace:
        await look_up(desk, await desk.run(), params.namespace)
        return Result({"checkpoints": []})
    before = (await _named(desk, params.before)).position if params.before is not None else None
    found = await desk.verbs.store.checkpoints(desk.tenant, desk.thread_id, limit=params.limit, before=before)
    return Result({"checkpoints": [_summary(desk, one) for one in found]})


@command("state.fork", "threads:write", Fork)
async def fork(desk: Desk, params: Fork) -> Result:
    """A new thread from a checkpoint on, and a run there if there is an input (else `runId` is empty)."""
    found = await _named(desk, params.checkpointId)
    body = None
    if params.input is not None:
        desk.who.need("runs:write")
        agent = (await _run_of(desk, found)).agent
        desk.verbs.registry.get(agent)
        run_input(params.input, None)  # Invalid: then nothing is forked
        body = checked(RunCreate, {"agent_id": agent, "input": params.input, "config": params.config})
    thread = await desk.verbs.copy_thread(desk.tenant, desk.thread_id, checkpoint_id=params.checkpointId)
    if body is None:
        return Result({"runId": "", "threadId": thread.id})
    body = body.model_copy(update={"thread_id": thread.id})
    run = await accept(desk.verbs, desk.tenant, body, None, here=desk.here)
    return Result({"runId": run.id, "threadId": thread.id})


async def look_up(desk: Desk, run: Run, namespace: Sequence[str]) -> None:
    """Raises CommandError (no_such_namespace) for a place that the run does not have."""
    if namespace and tuple(namespace) not in await nodes_of(desk, run):
        raise CommandError("no_such_namespace", f"The run has no agent at {list(namespace)}.")


async def interrupts(desk: Desk, run_id: str) -> dict[str, Path]:
    """Where each question of a run was asked."""
    frames = await _frames(desk, run_id)
    return {f.data["interruptId"]: f.namespace for f in frames if f.method == "input.requested"}


async def nodes_of(desk: Desk, run: Run) -> dict[Path, dict[str, Any]]:
    """The agents of a run by their place, with status and name."""
    nodes: dict[Path, dict[str, Any]] = {(): {"status": "", "graphName": run.agent}}
    for frame in await _frames(desk, run.id):
        if frame.method == "lifecycle":
            node = nodes.setdefault(frame.namespace, {"graphName": ""})
            node["status"] = frame.data["event"]
            node["graphName"] = frame.data.get("graphName") or node["graphName"]
    nodes[()]["status"] = _STATUS[run.status]
    return nodes


async def _frames(desk: Desk, run_id: str) -> list[Frame]:
    run, events = await desk.verbs.whole(desk.tenant, run_id)
    frames = RunFrames(run)
    return [frame for event in events for frame in frames.take(event)]


def _node(where: Path, nodes: Mapping[Path, Mapping[str, Any]], metadata: Mapping[str, Any]) -> dict[str, Any]:
    children = [_node(path, nodes, {}) for path in nodes if path and _parent(path, nodes) == where]
    told = {"children": children} if children else {}
    return {"namespace": list(where), **nodes[where], **told, **({"metadata": dict(metadata)} if metadata else {})}


def _parent(path: Path, nodes: Mapping[Path, Any]) -> Path:
    """The nearest that was heard of: one whose guardrail speaks first has said nothing itself."""
    return next(path[:n] for n in range(len(path) - 1, -1, -1) if path[:n] in nodes)


async def _said(desk: Desk, run: Run, where: Path) -> dict[str, Any]:
    updates = [f.data for f in await _frames(desk, run.id) if f.method == "updates" and f.namespace == where]
    return {"messages": [message for update in updates for message in update["values"].get("messages", ())]}


def _chosen(values: Mapping[str, Any], keys: Sequence[str] | None) -> dict[str, Any]:
    return {name: value for name, value in values.items() if keys is None or name in keys}


async def _named(desk: Desk, id: str) -> Checkpoint:
    missing = CommandError("no_such_checkpoint", f"This thread has no checkpoint {id!r}.")
    try:
        position = position_of(desk.thread_id, id)
    except (NotFound, ValueError):
        raise missing from None
    found = await desk.verbs.store.checkpoint_at(desk.tenant, desk.thread_id, position)
    if found is None or found.position != position:
        raise missing
    return found


async def _run_of(desk: Desk, found: Checkpoint) -> Run:
    """The run that a checkpoint comes from; a change by a client comes from none, and runs may be deleted."""
    try:
        return await desk.run(found.run_id)
    except CommandError:
        return await desk.run()


def _summary(desk: Desk, one: Checkpoint) -> dict[str, Any]:
    at = one.created_at.isoformat() if isinstance(one.created_at, datetime) else ""
    id = checkpoint_id(desk.thread_id, one.position)
    return {"id": id, "timestamp": at, "step": one.position, "metadata": {"runId": one.run_id, "source": one.source}}
