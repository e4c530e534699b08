"""The body that starts a run (Agent Protocol: RunCreate, RunStream)."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Header
from pydantic import BaseModel, ConfigDict, Field

from agentcore.api.bodies import Body, Metadata, text_id
from agentcore.api.messages import run_input
from agentcore.api.schemas import StreamMode
from agentcore.errors import Invalid
from agentcore.records import Multitask, Run
from agentcore.service import Service

IdempotencyKey = Annotated[str | None, Header(alias="Idempotency-Key", min_length=1, max_length=255)]
_ECHOED = ("on_disconnect", "if_not_exists", "stream_mode", "multitask_strategy")


class RunCreateConfig(BaseModel):
    model_config = ConfigDict(extra="forbid")

    tags: Annotated[list[Annotated[str, Field(max_length=200)]], Field(max_length=100)] = []
    recursion_limit: Annotated[int, Field(strict=True, ge=1, le=10_000)] | None = None
    configurable: Metadata = {}


class RunCreate(Body):
    """What clients say of a run. Without a thread it gets one of its own, which goes when the run has ended."""

    thread_id: UUID | None = None
    agent_id: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    input: Any = None
    messages: Annotated[list[dict[str, Any]], Field(max_length=1000)] | None = None
    metadata: Metadata = Field(default_factory=dict)
    config: RunCreateConfig = RunCreateConfig()
    webhook: Annotated[str, Field(min_length=1, max_length=65_536)] | None = None
    on_completion: Literal["delete", "keep"] | None = None
    on_disconnect: Literal["cancel", "continue"] = "continue"
    if_not_exists: Literal["create", "reject"] = "reject"
    multitask_strategy: Multitask | None = None

    @property
    def creates(self) -> bool:
        """Whether its thread is begun where there is none."""
        return self.thread_id is None or self.if_not_exists == "create"

    def request(self, taken: Any) -> dict[str, Any]:
        """What is kept beside the run, to be shown back. Defaults are not: they are most of what comes."""
        said = {name: getattr(self, name) for name in _ECHOED if name in self.model_fields_set}
        said |= self._given(taken)
        if (self.on_completion or ("keep" if self.thread_id else "delete")) == "delete":
            said["on_completion"] = "delete"
        return said

    def _given(self, taken: Any) -> dict[str, Any]:
        if self.messages:
            return {"as": "messages", **({"given": self.messages} if taken != self.messages else {})}
        if isinstance(self.input, dict):
            values = {name: value for name, value in self.input.items() if name != "messages"}
            return {**({"values": values} if values else {}), **({"given": self.input} if values != self.input else {})}
        return {} if self.input is None or self.input == taken else {"given": self.input}


class RunStream(RunCreate):
    stream_mode: StreamMode | Annotated[list[StreamMode], Field(min_length=1, max_length=4)] = "values"


async def accept(
    verbs: Service, tenant: str, body: RunCreate, key: str | None, *, here: bool = False, deltas: bool = True
) -> Run:
    """Take on the run that a body asks for."""
    thread_id = text_id(body.thread_id)
    taken = await _input(verbs, tenant, body)
    config: dict[str, Any] = body.config.model_dump(exclude_unset=True)
    if (limit := config.pop("recursion_limit", None)) is not None:
        config["max_turns"] = limit
    return await verbs.accept(
        tenant, agent=await _agent(verbs, tenant, body), input=taken, thread_id=thread_id, metadata=body.metadata,
        config=config, request=body.request(taken) or None, webhook=body.webhook, idempotency_key=key,
        multitask=body.multitask_strategy, here=here, deltas=deltas,
        creates=body.creates,
    )  # fmt: skip


async def _input(verbs: Service, tenant: str, body: RunCreate) -> Any:
    """What the agent is told; nothing, where it is to go on from what its thread has."""
    if body.input is None and not body.messages and body.thread_id is not None:
        thread = await verbs.store.thread(tenant, str(body.thread_id))
        if thread.item_count > (thread.branch_start or 0):
            return []
    return run_input(body.input, body.messages)


async def _agent(verbs: Service, tenant: str, body: RunCreate) -> str:
    """The agent that is named; else the thread's; else the only one there is."""
    if body.agent_id is not None:
        return body.agent_id
    if body.thread_id is not None and (last := await verbs.store.runs(tenant, thread_id=str(body.thread_id), limit=1)):
        return last[0].agent
    if not body.creates:
        await verbs.store.thread(tenant, str(body.thread_id))  # NotFound says more than what is asked for below
    if len(verbs.registry.specs) == 1:
        return next(iter(verbs.registry.specs))
    raise Invalid("agent_id: say which agent, as there are several and the thread has none yet.", field="agent_id")
