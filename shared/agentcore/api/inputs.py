"""The commands that give a thread something: `run.start`, `input.respond`, `input.inject`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from agentcore.api.bodies import Body, Metadata
from agentcore.api.commands import Desk, Result, checked, command
from agentcore.api.frames import CommandError, Namespace
from agentcore.api.run_create import RunCreate, accept
from agentcore.api.trees import interrupts, look_up
from agentcore.errors import InputRequired, NotFound
from agentcore.records import Question, Run

_DECISIONS = {
    True: "approve", False: "reject", "accept": "approve", "approve": "approve", "reject": "reject",
    "ignore": "reject", "happened": "happened", "again": "again", "give_up": "give_up",
}  # fmt: skip
_TRIES = 3


class Response(Body):
    """What a person says to a question, in full."""

    decision: Literal["approve", "reject", "happened", "again", "give_up"]
    note: Annotated[str, Field(max_length=10_000)] | None = None
    result: Any = None
    arguments_hash: str | None = None

    @classmethod
    def read(cls, given: Any, name: str = "response") -> Response:
        """From a truth value, a decision, or an object with `decision` (or `type`), `note` (or `message`), `result`
        and `arguments_hash`. CommandError."""
        told = dict(given) if isinstance(given, Mapping) else {"decision": given}
        for alias, field in (("type", "decision"), ("message", "note")):
            if alias in told:
                told.setdefault(field, told.pop(alias))
        wanted = told.get("decision")
        if not isinstance(wanted, bool | str) or wanted not in _DECISIONS:
            words = "true, false, approve, reject; of a call of unknown outcome happened, again, give_up"
            raise CommandError("invalid_argument", f"{name}: its decision is none of {words}.", {"field": name})
        answer: Response = checked(cls, {**told, "decision": _DECISIONS[wanted]})
        return answer


class RunStart(Body):
    assistantId: Annotated[str, Field(min_length=1, max_length=200)]
    input: Any
    config: dict[str, Any] = Field(default_factory=dict)
    metadata: Metadata = Field(default_factory=dict)


class Responded(Body):
    namespace: Namespace
    interruptId: Annotated[str, Field(max_length=100)]
    response: Any


class Respond(Body):
    """One response, or several to questions of one moment."""

    responses: Annotated[list[Responded], Field(min_length=1, max_length=100)]

    @model_validator(mode="before")
    @classmethod
    def _one(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        # What would change a run in other ways than a decision does: our agents have no state of their own to update,
        # and no nodes to go to.
        beside = {name: given.get(name) for name in ("update", "goto", "config", "metadata")}
        if refused := next((name for name, value in beside.items() if value), None):
            words = "a response to a question is a decision, and changes nothing else"
            raise PydanticCustomError("refused", "{reason}", {"reason": words, "field": refused})
        rest = {name: value for name, value in given.items() if name not in beside}
        return rest if "responses" in rest else {"responses": [rest]}


class InputMessage(Body):
    role: Literal["user", "system"]
    content: Annotated[str, Field(min_length=1)]
    name: Annotated[str, Field(max_length=200)] | None = None


class Inject(Body):
    namespace: Namespace
    message: InputMessage


@command("run.start", "runs:write", RunStart)
async def start(desk: Desk, params: RunStart) -> Result:
    """Start a run; resume one that waits for a person; or put the input behind the one at work (it wakes a sleeper)."""
    for _ in range(_TRIES):
        head = await _head(desk)
        if head is not None and head.status == "waiting":
            return await _resume(desk, head, params.input)
        try:
            return await _accept(desk, params.assistantId, params.input, params.config, params.metadata)
        except InputRequired:  # it has come to a question just now
            continue
    raise CommandError("invalid_argument", "This thread waits for a person's decision: answer with input.respond.")


@command("input.respond", "approvals:decide", Respond)
async def respond(desk: Desk, params: Respond) -> Result:
    """Answer questions. All are looked at before the first is decided; the run goes on when none is left."""
    told = [(await _question(desk, one), Response.read(one.response)) for one in params.responses]
    for question, response in told:
        await _decide(desk, question, response)
    return Result()


@command("input.inject", "runs:write", Inject)
async def inject(desk: Desk, params: Inject) -> Result:
    """Say something to the thread while a run is at work: its agent hears it when that run is done, or at once if it
    sleeps."""
    head = await desk.head()
    if head is None:
        raise CommandError("no_such_run", "No run of this thread is at work. Start one with run.start.")
    await look_up(desk, head, params.namespace)
    said = [params.message.model_dump(exclude_none=True)]
    return await _accept(desk, head.agent, {"messages": said}, {}, {}, multitask_strategy="enqueue")


async def _head(desk: Desk) -> Run | None:
    try:
        return await desk.head()
    except NotFound:
        return None  # the thread begins with this run


async def _accept(
    desk: Desk, agent: str, input: Any, config: Mapping[str, Any], metadata: Mapping[str, Any], **more: Any
) -> Result:
    asked = {"agent_id": agent, "thread_id": desk.thread_id, "input": input, "config": config, "metadata": metadata}
    body: RunCreate = checked(RunCreate, {**asked, "if_not_exists": "create", **more})
    run = await accept(desk.verbs, desk.tenant, body, None, here=desk.here)
    return Result({"runId": run.id})


async def _resume(desk: Desk, head: Run, input: Any) -> Result:
    """The input is the answer to what is asked; where several things are, an object of answers by interrupt id."""
    desk.who.need("approvals:decide")
    asked = {q.id: q for q in await desk.verbs.store.questions(desk.tenant, run_id=head.id, limit=100)}
    if len(asked) == 1:
        (question,) = asked.values()
        named = isinstance(input, Mapping) and set(input) == {question.id}
        told = [(question, Response.read(input[question.id] if named else input, "input"))]
    elif not isinstance(input, Mapping) or not input or not set(input) <= set(asked):
        words = f"The run asks {len(asked)} things: give an object of responses by interruptId ({', '.join(asked)})."
        raise CommandError("invalid_argument", words, {"field": "input"})
    else:
        told = [(asked[id], Response.read(given, f"input.{id}")) for id, given in input.items()]
    for question, response in told:
        await _decide(desk, question, response)
    return Result({"runId": head.id})


async def _question(desk: Desk, told: Responded) -> Question:
    missing = CommandError("no_such_interrupt", f"Nothing is asked under {told.interruptId!r} in this thread.")
    try:
        question = await desk.verbs.store.question(desk.tenant, str(UUID(told.interruptId)))
    except (ValueError, NotFound):
        raise missing from None
    if question.thread_id != desk.thread_id:
        raise missing
    if question.status != "pending":
        raise CommandError("no_such_interrupt", f"{told.interruptId} is {question.status} already.")
    if (await interrupts(desk, question.run_id)).get(question.id, ()) != tuple(told.namespace):
        raise CommandError("no_such_namespace", f"{told.interruptId} was not asked in {told.namespace}.")
    return question


async def _decide(desk: Desk, question: Question, response: Response) -> None:
    await desk.verbs.decide(
        desk.tenant, question.id, response.decision, by=desk.who.subject, note=response.note, result=response.result,
        arguments_hash=response.arguments_hash,
    )  # fmt: skip
