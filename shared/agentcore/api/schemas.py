"""What answers look like: the Agent Protocol's schemas, and our fields beside them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from agentcore.records import (
    DeliveryStatus,
    Misfire,
    Multitask,
    Overlap,
    QuestionKind,
    QuestionStatus,
    Status,
    ThreadStatus,
)

RunStatus = Literal["pending", "error", "success", "timeout", "interrupted"]
StreamMode = Literal["values", "messages", "updates", "custom"]


class Answer(BaseModel):
    model_config = ConfigDict(extra="allow")  # fields are added, so clients must bear new ones


class Capabilities(Answer):
    messages: bool = Field(alias="ap.io.messages")
    streaming: bool = Field(alias="ap.io.streaming")


class Agent(Answer):
    agent_id: str
    name: str
    description: str
    metadata: dict[str, Any]
    capabilities: Capabilities
    version: str


class AgentSchema(Answer):
    agent_id: str
    input_schema: dict[str, Any]
    output_schema: dict[str, Any]
    state_schema: dict[str, Any]
    config_schema: dict[str, Any]


class MessageBlock(Answer):
    type: str


class Message(Answer):
    role: str
    content: str | list[MessageBlock]


class Thread(Answer):
    thread_id: UUID
    created_at: datetime
    updated_at: datetime
    metadata: dict[str, Any]
    status: ThreadStatus
    values: dict[str, Any]
    messages: list[Message]
    agent_id: str | None = None
    item_count: int
    active_run_id: UUID | None = None
    summary: str | None = None


class ThreadCheckpoint(Answer):
    checkpoint_id: UUID
    thread_id: UUID
    position: int


class ThreadState(Answer):
    checkpoint: ThreadCheckpoint
    values: dict[str, Any]
    messages: list[Message]
    metadata: dict[str, Any]


class HistoryItem(Answer):
    position: int
    run_id: UUID | None
    item: dict[str, Any]


class Run(Answer):
    run_id: UUID
    thread_id: UUID
    agent_id: str
    agent_version: str
    status: RunStatus
    state: Status
    input: Any = None
    messages: list[dict[str, Any]]
    metadata: dict[str, Any]
    config: dict[str, Any]
    on_completion: Literal["delete", "keep"]
    on_disconnect: Literal["cancel", "continue"]
    if_not_exists: Literal["create", "reject"]
    stream_mode: StreamMode | list[StreamMode]
    webhook: str | None = None
    multitask_strategy: Multitask | None = None
    output: Any = None
    error: dict[str, Any] | None = None
    usage: dict[str, int]
    trigger: str
    root_id: UUID
    position: int
    cancel_requested: str | None = None
    wake_at: datetime | None = None
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    expires_at: datetime | None = None


class Item(Answer):
    namespace: list[str]
    key: str
    value: dict[str, Any]
    created_at: datetime
    updated_at: datetime


class SearchItems(Answer):
    items: list[Item]


class Delivery(Answer):
    """How far the telling of a run's end to its webhook got."""

    delivery_id: UUID
    run_id: UUID
    type: str
    url: str
    status: DeliveryStatus
    attempts: int
    last_attempt_at: datetime | None
    last_status: int | None
    last_error: str | None
    next_attempt_at: datetime | None
    created_at: datetime
    finished_at: datetime | None


class Schedule(Answer):
    schedule_id: UUID
    agent_id: str
    thread_id: UUID | None
    name: str
    input: Any
    due_at: datetime
    cron: str | None
    timezone: str
    overlap: Overlap
    misfire: Misfire
    enabled: bool
    last_run_id: UUID | None
    registered: bool
    metadata: dict[str, Any]
    created_at: datetime


class Usage(Answer):
    """What an agent's runs of one day (UTC) have used."""

    agent: str
    day: date
    runs: int
    requests: int
    input_tokens: int
    output_tokens: int
    total_tokens: int
    cached_tokens: int
    reasoning_tokens: int


class Ticked(Answer):
    """How much was due: schedules that rang, runs that were sent, what retention deleted, attempts at webhooks."""

    rang: int
    swept: int
    pruned: int
    delivered: int


class Approval(Answer):
    """What a run asks of a person: whether a tool may be called, or what became of a call."""

    approval_id: UUID
    run_id: UUID
    thread_id: UUID
    kind: QuestionKind
    agent_id: str
    tool: str
    call_id: str
    arguments: Any
    arguments_hash: str
    status: QuestionStatus
    decided_by: str | None
    decided_at: datetime | None
    note: str | None
    result: Any
    on_expiry: Literal["reject", "fail"]
    expires_at: datetime | None
    created_at: datetime


class RunWait(Answer):
    run: Run
    values: dict[str, Any]
    messages: list[Message]
    questions: list[Approval]


class Event(Answer):
    """docs/streams.md has the types, and what data each has."""

    id: str
    type: str
    data: dict[str, Any]


class Events(Answer):
    """One long poll. Give `after` back with the next one."""

    events: list[Event]
    after: str | None


class RunEvents(Events):
    run: Run


class CloudEvent(Answer):
    """CloudEvents 1.0, structured. `subject` says which of the waiting runs it is for."""

    specversion: Literal["1.0"]
    id: str = Field(min_length=1, max_length=1000)
    source: str = Field(min_length=1, max_length=1000)
    type: str = Field(min_length=1, max_length=1000)
    subject: str | None = Field(default=None, max_length=1000)
    data: Any = None


class Signalled(Answer):
    """What an event did: the runs that it woke, and those that rules started."""

    duplicate: bool
    woken: list[UUID]
    started: list[UUID]


class Health(Answer):
    status: Literal["ok"]


class CommandAnswer(Answer):
    """What came of a command to a thread: success with a result, or error with a code and a message."""

    type: Literal["success", "error"]
    id: int | None
    result: dict[str, Any] | None = None
    error: str | None = None
    message: str | None = None
    meta: dict[str, Any] | None = None


class FieldProblem(Answer):
    field: str
    message: str


class Problem(Answer):
    """RFC 9457, with the Agent Protocol's code, message and metadata. What the metadata have stands on top, too."""

    type: str
    title: str
    status: int
    detail: str
    code: str = Field(description="Stable: the one thing to tell errors apart by.")
    message: str
    metadata: dict[str, Any]
    field: str = Field(default="", description="What is wrong, where that is one field or parameter.")
    errors: list[FieldProblem] = Field(default=[], description="All of them, where there are several.")


class NotDecided(Answer):
    """What stands in the place of an approval whose decision was refused."""

    approval_id: UUID
    problem: Problem


def answers(model: Any, *statuses: int) -> dict[str, Any]:
    """What a route's decorator is told of an operation: its answer, and the problems it has instead."""
    # What has no value is left out: the protocol's optional fields are absent, never null.
    return {"response_model": model, "response_model_exclude_unset": True, "responses": refusals(*statuses)}


def nothing(*statuses: int) -> dict[str, Any]:
    """The same for an operation that answers with 204: no body, and no word of what kind that would be."""
    return {"status_code": 204, "response_class": Response, "responses": refusals(*statuses)}


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems of one operation that not every operation has; `openapi` adds the others, and describes them all."""
    return {status: {"description": ""} for status in statuses}
