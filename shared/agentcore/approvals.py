"""Questions to a person: the SDK's approvals, and what became of a call whose outcome nobody knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from agentcore.errors import IncompatibleVersion
from agentcore.journal import FATAL, Journal, Suspension
from agentcore.records import Entry, Question, Wait
from agentcore.settle import arguments_hash, parsed

if TYPE_CHECKING:
    from agentcore.engine import Execution, Outcome


async def ask(execution: Execution, interruptions: Sequence[Any]) -> Outcome:
    """Pause a run on its interruptions, one question each."""
    questions = [
        _question(execution, "approval", item.agent.name, item.tool_name or item.name, item.call_id, item.arguments)
        for item in interruptions
    ]
    return await _ask(execution, f"asked:{len(asked(execution.journal))}", questions)


async def ask_outcomes(execution: Execution, unknown: Sequence[Mapping[str, Any]]) -> Outcome:
    """Pause a run on calls that may or may not have happened."""
    questions = [
        _question(execution, "outcome", s["agent"], s["name"], s["call_id"], s["arguments"], key=s["key"])
        for s in unknown
    ]
    return await _ask(execution, f"asked:outcome:{execution.run.fence}", questions)


def asked(journal: Journal) -> list[Entry]:
    """The interruptions that people were asked about, in order."""
    return [e for e in journal.entries if e.kind == "asked" and e.data["kind"] == "approval"]


async def _ask(execution: Execution, key: str, questions: list[Question]) -> Outcome:
    now = await execution.journal.patiently(lambda repeat: execution.store.now())
    until = now + timedelta(seconds=execution.settings.question_ttl)
    questions = [replace(question, expires_at=until) for question in questions]
    shown = [
        {
            "id": q.id, "key": q.key, "call_id": q.call_id, "kind": q.kind, "agent": q.agent, "tool": q.tool,
            "arguments": q.arguments, "arguments_hash": q.arguments_hash, "expires_at": until.isoformat(),
        }
        for q in questions
    ]  # fmt: skip
    entry = Entry(key=key, kind="asked", data={"kind": questions[0].kind, "questions": shown})
    return [entry], Wait(questions=questions)


def _question(
    execution: Execution, kind: Any, agent: str, tool: str, call_id: str, arguments: Any, key: str = ""
) -> Question:
    shown = parsed(arguments)
    return Question(
        id=execution.store.new_id(), tenant=execution.run.tenant, run_id=execution.run.id,
        thread_id=execution.run.thread_id, kind=kind,
        on_expiry="fail" if execution.settings.question_expiry_fails else "reject", key=key, call_id=call_id,
        agent=agent, tool=tool, arguments=shown, arguments_hash=arguments_hash(tool, shown),
    )  # fmt: skip


Decided = list[tuple[Any, Mapping[str, Any]]]


def decisions(journal: Journal, segment: int, interruptions: Sequence[Any]) -> Decided | None:
    """Each interruption of a replay with what was decided on it; None where one has no answer yet.

    An interruption that shows other arguments than the person saw makes the run fail: the code has changed.
    """
    if segment >= len(asked(journal)):
        return None
    open_questions = list(asked(journal)[segment].data["questions"])
    questions = [_question_of(journal, open_questions, item) for item in interruptions]
    answers = [journal.get(f"decided:{question['id']}") for question in questions]
    return None if None in answers else list(zip(interruptions, answers, strict=True))


def _question_of(journal: Journal, open_questions: list[Any], item: Any) -> Mapping[str, Any]:
    tool = item.tool_name or item.name
    wanted = arguments_hash(tool, parsed(item.arguments))
    for question in open_questions:
        if question["call_id"] == item.call_id and question["arguments_hash"] == wanted:
            open_questions.remove(question)
            return dict(question)
    error = IncompatibleVersion(
        f"The run waits at {tool!r} ({item.call_id}) with other arguments than a person was shown: its code has "
        f"changed since version {journal.run.agent_version}.",
        key=item.call_id,
    )
    journal.suspend(Suspension(rank=FATAL, error=error))
    return journal.stop()


def apply(result: Any, decided: Decided) -> Any:
    """The state to go on from. It lives for this moment only: nothing of it is ever stored."""
    state = result.to_state()
    for item, decision in decided:
        if decision["decision"] == "approve":
            state.approve(item)
        else:
            state.reject(item, rejection_message=_told(decision))
    return state


def _told(decision: Mapping[str, Any]) -> str | None:
    note = decision.get("note")
    return f"The call was not approved: {note}" if note else None
