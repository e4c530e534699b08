"""Approvals: what runs ask of people, and the answers."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field

from agentcore.api import problems, schemas, views
from agentcore.api.bodies import Body
from agentcore.api.caller import Caller, Tenant, Verbs
from agentcore.api.scopes import needs
from agentcore.errors import AgentCoreError
from agentcore.records import Decision, Question, QuestionStatus
from agentcore.service import Service

routes = APIRouter(prefix="/approvals", tags=["Approvals"])


class ApprovalDecision(Body):
    """approve or reject; for a call of unknown outcome: happened (with its result), again, or give_up."""

    decision: Decision
    note: Annotated[str, Field(max_length=10_000)] | None = None
    result: Any = None
    arguments_hash: str | None = None  # given: the decision holds for these arguments only


class NamedDecision(ApprovalDecision):
    approval_id: UUID


class ApprovalDecisions(Body):
    answers: Annotated[list[NamedDecision], Field(min_length=1, max_length=100)]


@routes.get("", **schemas.answers(list[schemas.Approval]))
@needs("approvals:read")
async def list_approvals(
    tenant: Tenant, verbs: Verbs, status: QuestionStatus | None = "pending", run_id: UUID | None = None,
    thread_id: UUID | None = None, limit: Annotated[int, Query(ge=1, le=1000)] = 50,
    offset: Annotated[int, Query(ge=0, le=2**31)] = 0,
) -> list[dict[str, Any]]:  # fmt: skip
    found = await verbs.store.questions(
        tenant, status=status, run_id=str(run_id) if run_id else None, thread_id=str(thread_id) if thread_id else None,
        limit=limit, offset=offset,
    )  # fmt: skip
    return [views.question(q) for q in found]


@routes.get("/{approval_id}", **schemas.answers(schemas.Approval, 404))
@needs("approvals:read")
async def get_approval(approval_id: UUID, tenant: Tenant, verbs: Verbs) -> dict[str, Any]:
    return views.question(await verbs.store.question(tenant, str(approval_id)))


@routes.post("/{approval_id}", **schemas.answers(schemas.Approval, 404, 409))
@needs("approvals:decide")
async def decide(
    approval_id: UUID, body: ApprovalDecision, tenant: Tenant, verbs: Verbs, caller: Caller
) -> dict[str, Any]:
    """Answer one question. The run goes on once all of its questions are answered."""
    return views.question(await _decide(verbs, tenant, caller, str(approval_id), body))


@routes.post("", **schemas.answers(list[schemas.Approval | schemas.NotDecided]))
@needs("approvals:decide")
async def decide_many(body: ApprovalDecisions, tenant: Tenant, verbs: Verbs, caller: Caller) -> list[dict[str, Any]]:
    """Answer several questions; each has its own outcome: the approval, or a problem beside its id."""
    return [await _tried(verbs, tenant, caller, answer) for answer in body.answers]


async def _tried(verbs: Service, tenant: str, caller: str, answer: NamedDecision) -> dict[str, Any]:
    approval_id = str(answer.approval_id)
    try:
        return views.question(await _decide(verbs, tenant, caller, approval_id, answer))
    except AgentCoreError as error:
        return {"approval_id": approval_id, "problem": problems.describe(error)}


async def _decide(verbs: Service, tenant: str, caller: str, approval_id: str, answer: ApprovalDecision) -> Question:
    return await verbs.decide(
        tenant, approval_id, answer.decision, by=caller, note=answer.note, result=answer.result,
        arguments_hash=answer.arguments_hash,
    )  # fmt: skip
