"""What may pass is retried, holding no worker; what cannot get better fails at once; a dead run can be redriven."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from agents import Agent, GuardrailFunctionOutput, function_tool, input_guardrail, output_guardrail

from agentcore import Transient
from agentcore.errors import NotRedrivable
from agentcore.testing import Script, SideTable, call, say
from agentcore.tools import sleep_until
from tests.engine.world import World, outputs
from tests.harness import TENANT, Harness, on


class Failing(Script):
    """Raises its errors first, then answers."""

    def __init__(self, *turns: Any, errors: list[Exception], log: SideTable) -> None:
        super().__init__(*turns, log=log)
        self.errors = errors

    def turn(self, input: Any) -> list[Any]:
        if self.errors:
            raise self.errors.pop(0)
        return super().turn(input)


def refused(status: int) -> Exception:
    response: Any = httpx.Response(status, request=httpx.Request("POST", "http://model.invalid"))
    kinds = {400: openai.BadRequestError, 429: openai.RateLimitError, 503: openai.InternalServerError}
    return kinds[status]("refused", response=response, body=None)


@pytest.mark.parametrize("deltas", [True, False])
def test_a_model_that_is_away_is_asked_again_later(tmp_path: Path, deltas: bool) -> None:
    side = SideTable(tmp_path / "side")
    errors: list[Exception] = [refused(503), refused(429), ConnectionError("gone")]

    async def test(it: Harness) -> None:
        it.agent(lambda: Agent(name="main", model=Failing([say("done")], errors=errors, log=side)))
        run = await it.run(deltas=deltas)
        for _ in range(4):
            await it.later(1)
        left = await it.get(run)
        assert (left.status, left.output) == ("succeeded", "done")
        assert len(await it.keys(run, "retried")) == 3

    on(tmp_path, test)


def test_a_transient_tool_is_tried_again_and_its_siblings_are_not(tmp_path: Path) -> None:
    side = SideTable(tmp_path / "side")

    @function_tool
    async def flaky() -> str:
        side.add("flaky")
        if side.count()["flaky"] < 3:
            raise Transient("the warehouse is closed")
        return "open"

    @function_tool
    async def steady() -> str:
        side.add("steady")
        return "ok"

    async def test(it: Harness) -> None:
        turns = [call("flaky", id="a"), call("steady", id="b")], [say("done")]
        it.agent(lambda: Agent(name="main", model=Script(*turns, log=side), tools=[flaky, steady]))
        run = await it.run()
        for _ in range(4):
            await it.later(1)
        assert (await it.get(run)).status == "succeeded"
        assert side.count() == {"model:0": 1, "flaky": 3, "steady": 1, "model:1": 1}

    on(tmp_path, test)


def test_a_transient_error_inside_an_agent_tool_retries_the_run(tmp_path: Path) -> None:
    side, errors = SideTable(tmp_path / "side"), [refused(503)]

    async def test(it: Harness) -> None:
        def build() -> Agent[Any]:
            inner = Agent(name="inner", model=Failing([say("in")], errors=errors, log=side))
            turns = [call("inner", {"input": "q"}, id="a")], [say("done")]
            return Agent(name="main", model=Script(*turns), tools=[inner.as_tool("inner", "d")])

        it.agent(build)
        run = await it.run()
        await it.later(1)
        assert (await it.get(run)).status == "succeeded"
        assert {"type": "function_call_output", "call_id": "a", "output": "in"} in await it.history(run)

    on(tmp_path, test)


def test_after_max_failures_the_run_has_failed_and_redrive_starts_it_again(tmp_path: Path) -> None:
    side = SideTable(tmp_path / "side")
    broken = [True]

    @function_tool
    async def flaky() -> str:
        if broken:
            raise Transient("closed")
        return "open"

    async def test(it: Harness) -> None:
        turns = [call("flaky", id="a")], [say("done")]
        it.agent(lambda: Agent(name="main", model=Script(*turns, log=side), tools=[flaky]))
        run = await it.run()
        for _ in range(5):
            await it.later(10)
        left = await it.get(run)
        assert left.status == "failed"
        assert left.error == {"code": "transient", "message": "closed"}
        broken.clear()
        again = await it.service.redrive(TENANT, run.id)
        await it.work()
        end = await it.get(again)
        assert (end.status, end.output, end.root_id) == ("succeeded", "done", run.id)
        assert side.count()["model:0"] == 1
        with pytest.raises(NotRedrivable):
            await it.service.redrive(TENANT, again.id)

    on(tmp_path, test, max_failures=3)


@pytest.mark.parametrize(
    ("error", "code"), [(refused(400), "model_refused_request"), (ValueError("bug"), "agent_error")]
)
def test_what_cannot_get_better_fails_at_once(tmp_path: Path, error: Exception, code: str) -> None:
    side = SideTable(tmp_path / "side")

    async def test(it: Harness) -> None:
        it.agent(lambda: Agent(name="main", model=Failing([say("x")], errors=[error], log=side)))
        run = await it.run()
        assert run.status == "failed"
        assert run.error is not None
        assert run.error["code"] == code

    on(tmp_path, test)


def test_a_tripped_guardrail_fails_the_run_before_any_tool(tmp_path: Path) -> None:
    side = SideTable(tmp_path / "side")

    @input_guardrail
    async def no(context: Any, agent: Any, input: Any) -> GuardrailFunctionOutput:
        return GuardrailFunctionOutput(None, tripwire_triggered=True)

    @function_tool
    async def effect() -> str:
        side.add("effect")
        return "x"

    async def test(it: Harness) -> None:
        it.agent(
            lambda: Agent(
                name="main", model=Script([call("effect", id="c")], log=side), tools=[effect], input_guardrails=[no]
            )
        )
        run = await it.run()
        assert run.error is not None
        assert (run.status, run.error["code"]) == ("failed", "guardrail_tripped")
        assert side.count() == {}
        assert await it.history(run) == []

    on(tmp_path, test)


def test_too_many_turns_fail_and_the_history_has_no_open_call(tmp_path: Path) -> None:
    @function_tool
    async def look() -> str:
        return "x"

    async def test(it: Harness) -> None:
        turns = [[call("look", id=f"c{n}")] for n in range(9)]
        it.agent(lambda: Agent(name="main", model=Script(*turns), tools=[look]), max_turns=3)
        run = await it.run()
        assert run.error is not None
        assert run.error["code"] == "max_turns_exceeded"
        items = await it.history(run)
        calls = {i["call_id"] for i in items if i.get("type") == "function_call"}
        assert calls == {i["call_id"] for i in items if i.get("type") == "function_call_output"} != set()

    on(tmp_path, test)


def test_a_tools_own_error_is_text_for_the_model_and_is_recorded(tmp_path: Path, streamed: bool) -> None:
    def told(context: Any, error: Exception) -> str:
        return f"It failed: {error}"

    @function_tool(failure_error_function=told)
    async def look() -> str:
        raise ValueError("no such order")

    async def test(it: Harness) -> None:
        it.agent(lambda: Agent(name="main", model=Script([call("look", id="c")], [say("sorry")]), tools=[look]))
        run = await it.run(deltas=streamed)
        assert run.output == "sorry"
        [tool] = [e for e in await it.journal(run) if e.kind == "tool"]
        assert tool.data["output"] == "It failed: no such order"

    on(tmp_path, test)


def test_a_run_that_outlives_its_time_has_expired_and_the_next_one_goes_on(
    tmp_path: Path, world: World, streamed: bool
) -> None:
    async def test(it: Harness) -> None:
        turns = [call("sleep_until", {"when": "3d"}, id="s")], [say("done")]
        it.agent(lambda: world.agent(*turns, tools=[sleep_until]))
        first = await it.run(deltas=streamed)
        it.agent(lambda: world.agent([say("hi")]), "quick")
        second = await it.accept("x", "quick", thread_id=first.thread_id, trigger="event")
        await it.later(3.1 * 86400)
        left = await it.get(first)
        assert (left.status, (left.error or {}).get("code")) == ("expired", "expired")
        assert "not finished" in outputs(await it.history(first))["s"]
        assert ((await it.get(second)).status, world.count("model:1")) == ("expired", 0)
        third = await it.run("y", "quick", thread_id=first.thread_id)
        assert third.status == "succeeded"

    on(tmp_path, test, run_ttl=2 * 86400.0)


@pytest.mark.parametrize("sync", [True, False], ids=["sync", "async"])
def test_a_tool_that_exits_has_failed_and_ends_no_process(
    tmp_path: Path, world: World, streamed: bool, sync: bool
) -> None:
    def quit() -> str:
        sys.exit(3)

    async def quit_async() -> str:
        sys.exit(3)

    async def test(it: Harness) -> None:
        told: Any = lambda _, error: str(error)  # noqa: E731
        tool = function_tool(quit if sync else quit_async, name_override="quit", failure_error_function=told)
        it.agent(lambda: world.agent([call("quit", id="c")], [say("sorry")], tools=[tool]))
        run = await it.run(deltas=streamed)
        assert (run.status, run.output, run.fence) == ("succeeded", "sorry", 1)
        assert outputs(await it.history(run)) == {"c": "The tool raised SystemExit(3)."}

    on(tmp_path, test)


@pytest.mark.parametrize("where", ["before", "beside", "after", "making"])
def test_a_guardrail_or_a_function_that_exits_fails_its_run_and_ends_no_process(
    tmp_path: Path, world: World, streamed: bool, where: str
) -> None:
    def quit(context: Any, agent: Any, text: Any) -> GuardrailFunctionOutput:
        sys.exit("no key")

    def build() -> Agent[Any]:
        if where == "making":
            sys.exit("no key")
        if where == "after":
            return world.agent([say("done")], output_guardrails=[output_guardrail(quit)])
        guardrail = input_guardrail(run_in_parallel=where == "beside")(quit)
        return world.agent([say("done")], input_guardrails=[guardrail])

    async def test(it: Harness) -> None:
        it.agent(build)
        run = await it.run(deltas=streamed)
        assert (run.status, run.fence) == ("failed", 1)
        assert "SystemExit('no key')" in str(run.error)

    on(tmp_path, test)
