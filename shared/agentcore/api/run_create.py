"""The body that starts a run (Agent Protocol: RunCreate, RunStream)."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Header
from pydantic import BaseModel, ConfigDict, Field

from agentcore.api.bodies import Body, text_id
from agentcore.api.messages import run_input
from agentcore.errors import Invalid
from agentcore.records import Multitask, Run
from agentcore.service import Service

IdempotencyKey = Annotated[str | None, Header(alias="Idempotency-Key", min_length=1, max_length=255)]
_LATER = {  # in the protocol, and not here yet: refused, because a client that asks for it relies on it
    "webhook": None,
    "on_completion": "keep",
    "on_disconnect": "continue",
}


class RunConfig(BaseModel):
    model_config = ConfigDict(extra="allow")

    tags: list[str] = []
    recursion_limit: Annotated[int, Field(ge=1, le=10_000)] | None = None
    configurable: dict[str, Any] = {}


class RunCreate(Body):
    agent_id: Annotated[str, Field(min_length=1, max_length=200)]
    thread_id: UUID | None = None
    input: Any = None
    messages: list[dict[str, Any]] | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)
    config: RunConfig = RunConfig()
    multitask_strategy: Multitask | None = None
    if_not_exists: Literal["create", "reject"] = "reject"
    stream_mode: str | list[str] | None = None  # one stream has it all: clients pick by event name
    webhook: str | None = None
    on_completion: Literal["delete", "keep"] | None = None
    on_disconnect: Literal["cancel", "continue"] | None = None

    def check(self) -> None:
        for field, only in _LATER.items():
            given = getattr(self, field)
            if given not in (None, only):
                raise Invalid(f"{field}: {given!r} is not supported yet.", field=field)


async def accept(
    verbs: Service, tenant: str, body: RunCreate, key: str | None, *, here: bool = False, deltas: bool = True
) -> Run:
    """Take on the run that a body asks for."""
    body.check()
    thread_id = text_id(body.thread_id)
    if thread_id is not None and body.if_not_exists == "reject":
        await verbs.store.thread(tenant, thread_id)
    config: dict[str, Any] = body.config.model_dump(exclude_unset=True)
    if (limit := config.pop("recursion_limit", None)) is not None:
        config["max_turns"] = limit
    return await verbs.accept(
        tenant, agent=body.agent_id, input=run_input(body.input, body.messages), thread_id=thread_id,
        metadata=body.metadata, config=config, idempotency_key=key, multitask=body.multitask_strategy,
        here=here, deltas=deltas,
    )  # fmt: skip
