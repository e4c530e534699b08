"""Agents: what is registered here, and what it takes and gives."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import Field

from agentcore.api import schemas
from agentcore.api.bodies import Body, Limit, Metadata, Offset
from agentcore.api.caller import Verbs
from agentcore.api.scopes import needs
from agentcore.matching import contains
from agentcore.registry import AgentSpec

routes = APIRouter(prefix="/agents", tags=["Agents"])
AgentId = Annotated[str, Path(pattern=r"^[^\x00]{1,200}$")]

_MESSAGES = {"type": "array", "items": {"type": "object", "required": ["role", "content"]}}
_INPUT = {
    "description": "A text, a list of messages (or of the SDK's input items), or an object, which the agent is told as "
    "JSON. An object's `messages` are messages. null, on a thread: the agent goes on from what is there.",
    "anyOf": [
        {"type": ["string", "number", "boolean", "null"]}, _MESSAGES,
        {"type": "object", "properties": {"messages": _MESSAGES}},
    ],
}  # fmt: skip
_ANY = {"description": "A text, or what the agent's output_type makes."}
_CONFIG = {
    "type": "object",
    "properties": {
        "tags": {"type": "array", "items": {"type": "string"}},
        "recursion_limit": {"type": "integer", "minimum": 1, "description": "Most model calls of the run."},
        "configurable": {"type": "object", "description": "For the agent's own code: `run.config` in its context."},
    },
    "additionalProperties": False,
}


class AgentSearch(Body):
    name: Annotated[str, Field(max_length=200)] | None = None
    metadata: Metadata = Field(default_factory=dict)
    limit: Limit = 10
    offset: Offset = 0


@routes.post("/search", **schemas.answers(list[schemas.Agent]))
@needs("agents:read")
async def search_agents(body: AgentSearch, verbs: Verbs) -> list[dict[str, Any]]:
    """Agents whose name has this in it, in any case, and whose metadata contain these."""
    part = (body.name or "").casefold()
    specs = [verbs.registry.specs[name] for name in sorted(verbs.registry.specs)]
    found = [s for s in specs if part in s.name.casefold() and contains(dict(s.metadata), body.metadata)]
    return [_agent(spec) for spec in found[body.offset : body.offset + body.limit]]


@routes.get("/{agent_id}", **schemas.answers(schemas.Agent, 404))
@needs("agents:read")
async def get_agent(agent_id: AgentId, verbs: Verbs) -> dict[str, Any]:
    return _agent(verbs.registry.get(agent_id))


@routes.get("/{agent_id}/schemas", **schemas.answers(schemas.AgentSchema, 404))
@needs("agents:read")
async def get_agent_schemas(agent_id: AgentId, verbs: Verbs) -> dict[str, Any]:
    """JSON Schemas. That of the output is known where the agent was registered with `output_schema`."""
    spec = verbs.registry.get(agent_id)
    output = dict(spec.output_schema or _ANY)
    return {
        "agent_id": spec.name, "input_schema": _INPUT, "output_schema": output, "state_schema": _state(output),
        "config_schema": _CONFIG,
    }  # fmt: skip


def _agent(spec: AgentSpec) -> dict[str, Any]:
    return {
        "agent_id": spec.name, "name": spec.name, "description": spec.description, "metadata": dict(spec.metadata),
        "capabilities": {"ap.io.messages": True, "ap.io.streaming": True}, "version": spec.version,
    }  # fmt: skip


def _state(output: dict[str, Any]) -> dict[str, Any]:
    described = {
        "input": {"description": "The last run's input, where it was given as an object."},
        "output": {**output, "description": "What the last run that succeeded came to."},
        "messages": {**_MESSAGES, "description": "The conversation. Shown beside the other values, never among them."},
    }
    return {
        "type": "object",
        "description": "A thread's values: what runs write, and whatever clients set with PATCH.",
        "properties": described,
        "additionalProperties": True,
    }
