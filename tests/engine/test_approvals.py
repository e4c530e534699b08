"""A run waits for a person as long as it takes, holding no worker, and goes on from its journal anywhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from agents import Agent, RunContextWrapper, function_tool, handoff
from openai.types.responses import ResponseFunctionToolCall

from agentcore.errors import AlreadyDecided, ArgumentsChanged, Invalid
from agentcore.records import Decision, Run
from agentcore.testing import call, say
from tests.engine.world import World, kinds, outputs, slices_of_one_step
from tests.harness import TENANT, Harness, on

DAY = 86400.0


def paying(world: World, *, calls: int = 1, more: Any = ()) -> Callable[[], Agent[Any]]:
    """An agent that wants to pay, as often, in one turn."""

    def build() -> Agent[Any]:
        wants = [call("pay", id=f"p{n}") for n in range(calls)]
        return world.agent(
            [*wants, *more], [say("done")], tools=[world.tool("pay", needs_approval=True), world.tool("look")]
        )

    return build


async def answer(it: Harness, tool_or_call: str, decision: Any = "approve", **options: Any) -> None:
    """Decide the one pending question about a call."""
    [question] = [q for q in await it.questions() if tool_or_call in (q.tool, q.call_id)]
    await it.service.decide(TENANT, question.id, decision, by="tester", **options)


def test_an_approved_call_runs_and_nothing_before_it_is_repeated(tmp_path: Path, world: World, streamed: bool) -> None:
    async def test(it: Harness) -> None:
        it.agent(paying(world, more=[call("look", id="l")]))
        run = await it.run(deltas=streamed)
        assert (run.status, world.side.count()) == ("waiting", {"model:0": 1, "look": 1})
        [question] = await it.questions()
        assert (question.kind, question.tool, question.call_id, question.agent) == ("approval", "pay", "p0", "main")
        await it.decide("approve")
        left = await it.get(run)
        assert (left.status, left.output, left.error) == ("succeeded", "done", None)
        assert world.side.count() == {"model:0": 1, "look": 1, "pay": 1, "model:1": 1}
        assert outputs(await it.history(run)) == {"p0": "pay done", "l": "look done"}

    on(tmp_path, test)


def test_a_rejected_call_never_runs_and_the_model_reads_the_note(tmp_path: Path, world: World, streamed: bool) -> None:
    async def test(it: Harness) -> None:
        it.agent(paying(world))
        run = await it.run(deltas=streamed)
        await it.decide("reject", note="too expensive")
        assert (await it.get(run)).status == "succeeded"
        assert world.count("pay") == 0
        assert outputs(await it.history(run)) == {"p0": "The call was not approved: too expensive"}
        [decided] = kinds(await it.journal(run), "decided")
        assert (decided["decision"], decided["by"], decided["note"]) == ("reject", "tester", "too expensive")

    on(tmp_path, test)


def test_several_at_once_go_on_only_when_all_are_decided(tmp_path: Path, world: World, streamed: bool) -> None:
    async def test(it: Harness) -> None:
        it.agent(paying(world, calls=3))
        run = await it.run(deltas=streamed)
        assert len(await it.questions()) == 3
        await answer(it, "p1", "reject", note="no")
        await answer(it, "p0")
        await it.work()
        assert ((await it.get(run)).status, world.count("pay")) == ("waiting", 0)
        await answer(it, "p2")
        await it.work()
        assert ((await it.get(run)).status, world.count("pay")) == ("succeeded", 2)
        found = outputs(await it.history(run))
        assert found == {"p0": "pay done", "p1": "The call was not approved: no", "p2": "pay done"}

    on(tmp_path, test)


def test_several_calls_of_a_model_that_fills_in_every_field(tmp_path: Path, world: World, streamed: bool) -> None:
    """Python cannot have a field named async: a call recorded under the name it has instead is unknown to the SDK."""

    def build() -> Agent[Any]:
        told = {"name": "pay", "arguments": "{}", "type": "function_call", "async": False}
        wants = [ResponseFunctionToolCall.model_validate({**told, "call_id": f"p{n}"}) for n in range(2)]
        return world.agent(wants, [say("done")], tools=[world.tool("pay", needs_approval=True)])

    async def test(it: Harness) -> None:
        it.agent(build)
        run = await it.run(deltas=streamed)
        await answer(it, "p0")
        await answer(it, "p1", "reject")
        await it.work()
        left = await it.get(run)
        assert (left.status, left.error, world.count("pay")) == ("succeeded", None, 1)
        [recorded, _] = kinds(await it.journal(run), "model")
        assert {"async", "async_"} & set(recorded["output"][0]) == {"async"}

    on(tmp_path, test)


def test_a_run_decided_in_part_that_is_looked_at_goes_on_waiting(tmp_path: Path, world: World) -> None:
    async def test(it: Harness) -> None:
        it.agent(paying(world, calls=2))
        run = await it.run()
        await answer(it, "p0")
        await it.service.work(run.id)  # a late or repeated message
        await it.later(3600)
        assert ((await it.get(run)).status, world.count("pay")) == ("waiting", 0)
        await it.decide("approve")
        assert ((await it.get(run)).status, world.count("pay")) == ("succeeded", 2)

    on(tmp_path, test)


def test_after_a_restart_weeks_later_it_goes_on(tmp_path: Path, world: World, streamed: bool) -> None:
    runs: list[Run] = []

    async def before(it: Harness) -> None:
        it.agent(paying(world))
        runs.append(await it.run(deltas=streamed))

    async def after(it: Harness) -> None:
        it.agent(paying(world))
        await it.later(21 * DAY)
        assert (await it.get(runs[0])).status == "waiting"
        await it.decide("approve")
        left = await it.get(runs[0])
        assert (left.status, left.output) == ("succeeded", "done")
        assert world.side.count() == {"model:0": 1, "pay": 1, "model:1": 1}

    on(tmp_path, before, question_ttl=30 * DAY)
    on(tmp_path, after, question_ttl=30 * DAY)


def test_a_question_nobody_decides_is_rejected_when_it_expires(tmp_path: Path, world: World, streamed: bool) -> None:
    async def test(it: Harness) -> None:
        it.agent(paying(world, calls=2))
        run = await it.run(deltas=streamed)
        [first, second] = await it.questions()
        await answer(it, first.call_id)
        await it.later(8 * DAY)
        left = await it.get(run)
        assert (left.status, left.output, world.count("pay")) == ("succeeded", "done", 1)
        assert outputs(await it.history(run))[second.call_id] == "The call was not approved: expired"
        assert (await it.store.question(TENANT, second.id)).status == "expired"
        with pytest.raises(AlreadyDecided):
            await it.service.decide(TENANT, second.id, "approve", by="late")

    on(tmp_path, test)


def test_too_late_is_too_late_even_before_anybody_has_noticed(tmp_path: Path, world: World) -> None:
    from agentcore.testing import advance

    async def test(it: Harness) -> None:
        it.agent(paying(world))
        await it.run()
        await advance(it.store, 8 * DAY)
        with pytest.raises(AlreadyDecided):
            await answer(it, "pay")

    on(tmp_path, test)


def test_where_the_policy_is_to_fail_an_expired_question_fails_the_run(tmp_path: Path, world: World) -> None:
    async def test(it: Harness) -> None:
        it.agent(paying(world))
        run = await it.run()
        await it.later(8 * DAY)
        left = await it.get(run)
        assert (left.status, world.count("pay")) == ("failed", 0)
        assert left.error == {"code": "question_expired", "message": "Nobody decided on pay."}
        assert outputs(await it.history(run)).keys() == {"p0"}

    on(tmp_path, test, question_expiry_fails=True)


def test_a_decision_on_other_arguments_is_refused(tmp_path: Path, world: World) -> None:
    async def test(it: Harness) -> None:
        it.agent(paying(world))
        run = await it.run()
        with pytest.raises(ArgumentsChanged):
            await answer(it, "pay", arguments_hash="0" * 64)
        assert (await it.get(run)).status == "waiting"
        [question] = await it.questions()
        await it.decide("approve", arguments_hash=question.arguments_hash)
        assert (await it.get(run)).status == "succeeded"

    on(tmp_path, test)


def test_deciding_twice_is_refused(tmp_path: Path, world: World) -> None:
    async def test(it: Harness) -> None:
        it.agent(paying(world))
        await it.run()
        [question] = await it.questions()
        await it.decide("approve")
        decisions: tuple[Decision, ...] = ("approve", "reject")
        for decision in decisions:
            with pytest.raises(AlreadyDecided):
                await it.service.decide(TENANT, question.id, decision, by="other")
        assert world.count("pay") == 1

    on(tmp_path, test)


def test_a_decision_must_answer_the_question(tmp_path: Path, world: World) -> None:
    async def test(it: Harness) -> None:
        it.agent(paying(world))
        await it.run()
        with pytest.raises(Invalid):
            await answer(it, "pay", "happened")

    on(tmp_path, test)


def test_a_cancelled_run_has_no_open_questions(tmp_path: Path, world: World) -> None:
    async def test(it: Harness) -> None:
        it.agent(paying(world))
        run = await it.run()
        [question] = await it.questions()
        await it.service.cancel(TENANT, run.id)
        assert await it.questions() == []
        with pytest.raises(AlreadyDecided):
            await it.service.decide(TENANT, question.id, "approve", by="tester")
        await it.work()
        assert ((await it.get(run)).status, world.count("pay")) == ("cancelled", 0)

    on(tmp_path, test)


# -- nested: an agent used as a tool has a tool that needs approval (openai-agents-python #2487, #2500, #2501, #4244,
# #4414: approved and asked again, approved and never run, one's decision leaking to another)


def outer(world: World, *calls: Any, inner: Agent[Any], **options: Any) -> Agent[Any]:
    return world.agent(list(calls), [say("done")], tools=[inner.as_tool("inner", "d", **options)])


def inner(world: World, *turns: Any) -> Agent[Any]:
    turns = turns or ([call("pay", id="p")], [say("paid")])
    return world.agent(*turns, name="inner", tools=[world.tool("pay", needs_approval=True)])


@pytest.mark.parametrize("decision", ["approve", "reject"])
def test_a_nested_approval_reaches_the_person_and_comes_back(
    tmp_path: Path, world: World, streamed: bool, decision: str
) -> None:
    async def test(it: Harness) -> None:
        it.agent(lambda: outer(world, call("inner", {"input": "q"}, id="i"), inner=inner(world)))
        run = await it.run(deltas=streamed)
        [question] = await it.questions()
        assert (question.agent, question.tool) == ("inner", "pay")
        await it.decide(decision, note="because")
        left = await it.get(run)
        assert (left.status, left.output, left.error) == ("succeeded", "done", None)
        assert world.count("pay") == (decision == "approve")
        assert [world.count(line) for line in ("model:0", "model:1", "model:inner:0", "model:inner:1")] == [1] * 4
        assert outputs(await it.history(run)) == {"i": "paid"}

    on(tmp_path, test)


@pytest.mark.parametrize("depth", [2, 3])
def test_an_approval_many_levels_deep_runs_its_tool_once(
    tmp_path: Path, world: World, streamed: bool, depth: int
) -> None:
    def build() -> Agent[Any]:
        agent = inner(world)
        for level in range(depth):
            name = "main" if level == depth - 1 else f"level{level}"
            turns = [call("deeper", {"input": "q"}, id="x")], [say(f"{name} done")]
            agent = world.agent(*turns, name=name, tools=[agent.as_tool("deeper", "d")])
        return agent

    async def test(it: Harness) -> None:
        it.agent(build)
        run = await it.run(deltas=streamed)
        assert [q.tool for q in await it.questions()] == ["pay"]
        await it.decide("approve")
        left = await it.get(run)
        assert (left.status, left.output, left.error) == ("succeeded", "main done", None)
        assert set(world.side.count().values()) == {1}, world.side.count()

    on(tmp_path, test)


def test_two_nested_calls_with_the_same_ids_keep_their_own_decisions(
    tmp_path: Path, world: World, streamed: bool
) -> None:
    async def test(it: Harness) -> None:
        calls = call("inner", {"input": "a"}, id="a"), call("inner", {"input": "b"}, id="b")
        it.agent(lambda: outer(world, *calls, inner=inner(world)))
        run = await it.run(deltas=streamed)
        first, second = await it.questions()
        await it.service.decide(TENANT, first.id, "approve", by="tester")
        await it.work()
        assert world.count("pay") == 0
        await it.service.decide(TENANT, second.id, "reject", by="tester", note="no")
        await it.work()
        left = await it.get(run)
        assert (left.status, left.error, world.count("pay")) == ("succeeded", None, 1)
        tools = {e.data["call_id"] for e in await it.journal(run) if e.kind == "tool"}
        assert tools == {first.call_id}
        assert (world.count("model:0"), world.count("model:1")) == (1, 1)

    on(tmp_path, test)


def test_one_approval_after_another_in_the_same_nested_agent(tmp_path: Path, world: World, streamed: bool) -> None:
    turns = [call("pay", id="p1")], [call("pay", id="p2")], [call("pay", id="p3")], [say("paid")]

    async def test(it: Harness) -> None:
        it.agent(lambda: outer(world, call("inner", {"input": "q"}, id="i"), inner=inner(world, *turns)))
        run = await it.run(deltas=streamed)
        for number in (1, 2, 3):
            assert [q.call_id for q in await it.questions()] == [f"p{number}"]
            await it.decide("approve")
            assert world.count("pay") == number
        left = await it.get(run)
        assert (left.status, left.output, left.error) == ("succeeded", "done", None)
        assert world.side.count() == {"pay": 3, "model:0": 1, "model:1": 1, **{f"model:inner:{n}": 1 for n in range(4)}}

    on(tmp_path, test)


def test_the_nested_call_and_the_call_in_it_both_need_approval(tmp_path: Path, world: World, streamed: bool) -> None:
    async def test(it: Harness) -> None:
        it.agent(lambda: outer(world, call("inner", {"input": "q"}, id="i"), inner=inner(world), needs_approval=True))
        run = await it.run(deltas=streamed)
        assert [q.tool for q in await it.questions()] == ["inner"]
        await it.decide("approve")
        assert [q.tool for q in await it.questions()] == ["pay"]
        await it.decide("approve")
        left = await it.get(run)
        assert (left.status, left.output, left.error) == ("succeeded", "done", None)
        assert set(world.side.count().values()) == {1}, world.side.count()

    on(tmp_path, test)


def test_a_nested_approval_beside_one_of_the_outer_agent(tmp_path: Path, world: World, streamed: bool) -> None:
    def build() -> Agent[Any]:
        calls = call("inner", {"input": "q"}, id="i"), call("pay", id="p")
        tools = [inner(world).as_tool("inner", "d"), world.tool("pay", needs_approval=True)]
        return world.agent(list(calls), [say("done")], tools=tools)

    async def test(it: Harness) -> None:
        it.agent(build)
        run = await it.run(deltas=streamed)
        questions = {q.agent: q for q in await it.questions()}
        assert questions.keys() == {"main", "inner"}
        await it.service.decide(TENANT, questions["main"].id, "reject", by="tester")
        await it.service.decide(TENANT, questions["inner"].id, "approve", by="tester")
        await it.work()
        left = await it.get(run)
        assert (left.status, left.error, world.count("pay")) == ("succeeded", None, 1)
        assert outputs(await it.history(run))["i"] == "paid"

    on(tmp_path, test)


@dataclass
class Budget:
    """A context."""

    most: int


def test_a_context_made_anew_does_not_undo_an_approval(tmp_path: Path, world: World, streamed: bool) -> None:
    def build() -> Agent[Any]:
        @function_tool(needs_approval=True)
        async def pay(context: RunContextWrapper[Budget]) -> str:
            world.side.add("pay")
            return f"at most {context.context.most}"

        turns = [call("pay", id="p")], [say("done")]
        return world.agent([call("inner", {"input": "q"}, id="i"), call("pay", id="o")], [say("end")], tools=[
            pay, world.agent(*turns, name="inner", tools=[pay]).as_tool("inner", "d"),
        ])  # fmt: skip

    async def test(it: Harness) -> None:
        it.agent(build, context=lambda: Budget(7))
        run = await it.run(deltas=streamed)
        assert len(await it.questions()) == 2
        await it.decide("approve")
        left = await it.get(run)
        assert (left.status, left.error, world.count("pay")) == ("succeeded", None, 2)
        assert outputs(await it.history(run))["o"] == "at most 7"

    on(tmp_path, test)


# -- where else approvals come from


def test_one_interruption_after_another(tmp_path: Path, world: World, streamed: bool) -> None:
    def build() -> Agent[Any]:
        turns = (
            [call("pay", id="p1")],
            [call("look", id="l")],
            [call("pay", id="p2"), call("pay", id="p3")],
            [say("done")],
        )
        return world.agent(*turns, tools=[world.tool("pay", needs_approval=True), world.tool("look")])

    async def test(it: Harness) -> None:
        it.agent(build)
        run = await it.run(deltas=streamed)
        await it.decide("reject", note="first no")
        assert sorted(q.call_id for q in await it.questions()) == ["p2", "p3"]
        await answer(it, "p2")
        await answer(it, "p3", "reject")
        await it.work()
        left = await it.get(run)
        assert (left.status, left.output, left.error) == ("succeeded", "done", None)
        assert world.side.count() == {"look": 1, "pay": 1, **{f"model:{n}": 1 for n in range(4)}}
        assert await it.keys(run, "model") == ["model:0/0/0", "model:1/0/0", "model:1/0/1", "model:2/0/0"]
        assert outputs(await it.history(run))["p1"] == "The call was not approved: first no"

    on(tmp_path, test)


def test_nested_interruptions_in_slices_of_one_step(tmp_path: Path, world: World, streamed: bool) -> None:
    turns = [call("pay", id="p1")], [call("pay", id="p2")], [say("paid")]

    async def test(it: Harness) -> None:
        slices_of_one_step(it)
        calls = call("inner", {"input": "a"}, id="a"), call("inner", {"input": "b"}, id="b")
        it.agent(lambda: outer(world, *calls, inner=inner(world, *turns)))
        run = await it.run(deltas=streamed)
        for number in (2, 4):
            assert len(await it.questions()) == 2
            await it.decide("approve")
            assert world.count("pay") == number
        left = await it.get(run)
        assert (left.status, left.output, left.error) == ("succeeded", "done", None)
        assert left.fence > 5
        assert world.side.count() == {"pay": 4, "model:0": 1, "model:1": 1, **{f"model:inner:{n}": 2 for n in range(3)}}

    on(tmp_path, test)


def test_in_the_agent_a_run_was_handed_to(tmp_path: Path, world: World, streamed: bool) -> None:
    def build() -> Agent[Any]:
        other = world.agent(
            [], [call("pay", id="p")], [say("paid")], name="other", tools=[world.tool("pay", needs_approval=True)]
        )
        return world.agent([call("transfer_to_other", id="h")], handoffs=[handoff(other)])

    async def test(it: Harness) -> None:
        it.agent(build)
        run = await it.run(deltas=streamed)
        [question] = await it.questions()
        assert question.agent == "other"
        await it.decide("approve")
        left = await it.get(run)
        assert (left.status, left.output, left.error) == ("succeeded", "paid", None)
        assert (world.count("pay"), world.count("model:0")) == (1, 1)

    on(tmp_path, test)


def test_a_policy_that_looks_at_the_arguments(tmp_path: Path, world: World, streamed: bool) -> None:
    async def policy(context: Any, arguments: dict[str, Any], call_id: str) -> bool:
        return bool(arguments["amount"] > 100)

    def build() -> Agent[Any]:
        @function_tool(needs_approval=policy)
        async def refund(amount: int) -> str:
            world.side.add(f"refund {amount}")
            return f"{amount} refunded"

        calls = call("refund", {"amount": 5}, id="small"), call("refund", {"amount": 500}, id="big")
        return world.agent(list(calls), [say("done")], tools=[refund])

    async def test(it: Harness) -> None:
        it.agent(build)
        run = await it.run(deltas=streamed)
        [question] = await it.questions()
        assert (question.call_id, question.arguments) == ("big", {"amount": 500})
        await it.decide("approve")
        assert (await it.get(run)).status == "succeeded"
        assert outputs(await it.history(run)) == {"small": "5 refunded", "big": "500 refunded"}
        assert (world.count("refund 5"), world.count("refund 500")) == (1, 1)

    on(tmp_path, test)


# -- the code has changed meanwhile


async def changed(it: Harness, world: World, later: Callable[[], Agent[Any]], decision: str, streamed: bool) -> Run:
    """Ask with the one code, decide, and go on with the other."""
    it.agent(paying(world, more=[call("look", id="l")]))
    run = await it.run(deltas=streamed)
    it.agent(later, version="2")
    await it.decide(decision)
    return await it.get(run)


def test_code_that_asks_about_more_fails_the_run_before_anything_happens(
    tmp_path: Path, world: World, streamed: bool
) -> None:
    def later() -> Agent[Any]:
        tools = [world.tool(name, needs_approval=True) for name in ("pay", "look")]
        return world.agent([], [say("done")], tools=tools)

    async def test(it: Harness) -> None:
        left = await changed(it, world, later, "approve", streamed)
        assert (left.status, world.count("pay")) == ("failed", 0)
        assert left.error is not None
        assert left.error["code"] == "incompatible_version"
        assert "look" in left.error["message"]

    on(tmp_path, test)


@pytest.mark.parametrize("decision", ["approve", "reject"])
def test_code_that_does_not_ask_any_more_cannot_pass_over_the_decision(
    tmp_path: Path, world: World, streamed: bool, decision: str
) -> None:
    def later() -> Agent[Any]:
        return world.agent([], [say("done")], tools=[world.tool("pay"), world.tool("look")])

    async def test(it: Harness) -> None:
        left = await changed(it, world, later, decision, streamed)
        assert (left.status, world.count("pay")) == ("failed", 0)
        assert left.error is not None
        assert left.error["code"] == "incompatible_version"

    on(tmp_path, test)


def test_other_arguments_than_were_shown_fail_the_run(tmp_path: Path, world: World, streamed: bool) -> None:
    async def test(it: Harness) -> None:
        it.agent(paying(world))
        run = await it.run(deltas=streamed)
        [question] = await it.questions()
        await it.service.decide(TENANT, question.id, "approve", by="tester")
        claim = await it.store.claim(run.id, lease=30, window=10)
        assert claim is not None
        tampered = [_other_arguments(e) if e.kind == "model" else e for e in claim.entries]
        await it.service.advance(replace(claim, entries=tuple(tampered)))
        left = await it.get(run)
        assert (left.status, world.count("pay")) == ("failed", 0)
        assert left.error is not None
        assert left.error["code"] == "incompatible_version"

    on(tmp_path, test)


def _other_arguments(entry: Any) -> Any:
    output = [{**item, "arguments": '{"amount": 1000000}'} for item in entry.data["output"]]
    return replace(entry, data={**entry.data, "output": output})
