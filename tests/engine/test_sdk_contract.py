"""The SDK's internals that durability rests on. A new SDK version that breaks one of them fails here first."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from agents import (
    Agent,
    FunctionTool,
    GuardrailFunctionOutput,
    Handoff,
    Model,
    ModelResponse,
    RunConfig,
    Runner,
    Usage,
    function_tool,
    handoff,
    input_guardrail,
)
from agents.run import AgentRunner, get_default_agent_runner, set_default_agent_runner

from agentcore.durable.agent import instrument
from agentcore.durable.codec import dump_output, dump_usage, load_completed
from agentcore.durable.model import is_default
from agentcore.durable.runner import DurableRunner, install
from agentcore.durable.tool import SYNC, Durable, durable_tool, is_agent_tool
from agentcore.reach import reachable
from agentcore.testing import Script, call, say

QUIET = RunConfig(tracing_disabled=True)


class Recorder(AgentRunner):
    """Notes the agents it is asked to run."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    async def run(self, starting_agent: Any, input: Any, **kwargs: Any) -> Any:
        self.seen.append(starting_agent.name)
        return await super().run(starting_agent, input, **kwargs)

    def run_streamed(self, starting_agent: Any, input: Any, **kwargs: Any) -> Any:
        self.seen.append(f"{starting_agent.name}, streamed")
        return super().run_streamed(starting_agent, input, **kwargs)


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    before = get_default_agent_runner()
    found = Recorder()
    set_default_agent_runner(found)
    yield found
    set_default_agent_runner(before)


async def run(agent: Agent[Any], input: Any = "go", *, streamed: bool = False) -> Any:
    if not streamed:
        return await Runner.run(agent, input, run_config=QUIET)
    result = Runner.run_streamed(agent, input, run_config=QUIET)
    async for _ in result.stream_events():
        pass
    return result


def test_every_run_passes_through_the_default_runner(recorder: Recorder) -> None:
    async def listen(event: Any) -> None: ...

    helper = Agent(name="helper", model=Script([say("helped")]))
    judge = Agent(name="judge", model=Script([say("fine")]))

    @function_tool
    async def ask() -> str:
        return str((await run(helper)).final_output)

    @input_guardrail
    async def judged(context: Any, agent: Any, input: Any) -> GuardrailFunctionOutput:
        await run(judge)
        return GuardrailFunctionOutput(None, tripwire_triggered=False)

    quiet = Agent(name="quiet", model=Script([say("q")])).as_tool("quiet", "d")
    loud = Agent(name="loud", model=Script([say("l")])).as_tool("loud", "d", on_stream=listen)
    turns = (
        [call("ask", id="a"), call("quiet", {"input": "x"}, id="q"), call("loud", {"input": "x"}, id="l")],
        [say("e")],
    )
    main = Agent(name="main", model=Script(*turns), tools=[ask, quiet, loud], input_guardrails=[judged])
    asyncio.run(run(main))
    assert recorder.seen[0] == "main"
    assert sorted(recorder.seen) == ["helper", "judge", "loud, streamed", "main", "quiet"]
    asyncio.run(run(main, streamed=True))
    assert recorder.seen[5] == "main, streamed"


def test_installing_twice_keeps_one_runner() -> None:
    install()
    first = get_default_agent_runner()
    install()
    assert get_default_agent_runner() is first
    assert isinstance(first, DurableRunner)


def test_outside_a_run_nothing_changes_for_an_instrumented_agent(streamed: bool) -> None:
    install()

    @function_tool
    async def look() -> str:
        return "seen"

    agent = Agent(name="main", model=Script([call("look", id="c")], [say("done")]), tools=[look])
    instrument(agent)
    result = asyncio.run(run(agent, streamed=streamed))
    assert result.final_output == "done"
    assert [i.output for i in result.new_items if i.type == "tool_call_output_item"] == ["seen"]


def test_an_agents_tool_is_marked_and_knows_its_agent() -> None:
    inner = Agent(name="inner")
    tool = inner.as_tool("inner", "d")
    assert is_agent_tool(tool)
    assert tool._agent_instance is inner

    @function_tool
    async def look() -> str:
        return ""

    assert not is_agent_tool(look)
    assert look._agent_instance is None


def test_a_handoff_object_knows_its_agent() -> None:
    other = Agent(name="other")
    assert reachable(Agent(name="main", handoffs=[handoff(other)]))[1:] == [other]


def test_tools_are_called_through_their_invoker_and_its_implementation() -> None:
    @function_tool
    async def look() -> str:
        raise AssertionError

    inner = Agent(name="inner").as_tool("inner", "d")
    for tool in (look, inner):
        assert callable(tool.on_invoke_tool._invoke_tool_impl)  # type: ignore[attr-defined]

    async def instead(context: Any, arguments: str) -> str:
        return "replaced"

    look.on_invoke_tool._invoke_tool_impl = instead  # type: ignore[attr-defined]
    agent = Agent(name="main", model=Script([call("look", id="c")], [say("done")]), tools=[look])
    result = asyncio.run(run(agent))
    assert [i.output for i in result.new_items if i.type == "tool_call_output_item"] == ["replaced"]


def test_sync_tools_are_marked_on_their_invoker_and_stay_so_in_a_copy() -> None:
    @function_tool
    def sync() -> str:
        return ""

    @function_tool
    async def not_sync() -> str:
        return ""

    for tool, expected in ((sync, True), (not_sync, False)):
        assert getattr(tool.on_invoke_tool, SYNC, False) is expected
        assert getattr(copy.copy(tool).on_invoke_tool, SYNC, False) is expected


def test_a_copied_tool_has_an_invoker_of_its_own() -> None:
    @function_tool
    async def look() -> str:
        return ""

    assert copy.copy(look).on_invoke_tool is not look.on_invoke_tool


def test_a_streamed_run_needs_only_the_last_event() -> None:
    class Lone(Model):
        calls = 0

        async def get_response(self, *args: Any, **kwargs: Any) -> ModelResponse:
            raise AssertionError

        async def stream_response(self, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
            self.calls += 1
            output = [say("hello"), call("look", id="c")] if self.calls == 1 else [say("done")]
            data = {
                "output": dump_output(output),
                "usage": dump_usage(Usage(requests=1, input_tokens=3)),
                "response_id": "r",
            }
            yield load_completed(data)

    @function_tool
    async def look() -> str:
        return "seen"

    result = asyncio.run(run(Agent(name="main", model=Lone(), tools=[look]), streamed=True))
    assert result.final_output == "done"
    types = [item.type for item in result.new_items]
    assert types == ["message_output_item", "tool_call_item", "tool_call_output_item", "message_output_item"]
    assert result.context_wrapper.usage.input_tokens == 6


class Unwound(BaseException):
    """What no `except Exception` may stop."""


class Unwinding(Model):
    async def get_response(self, *args: Any, **kwargs: Any) -> ModelResponse:
        raise Unwound

    async def stream_response(self, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        async for event in self.events():
            yield event

    async def events(self) -> AsyncIterator[Any]:
        yield await self.get_response()


def test_a_base_exception_from_a_model_unwinds_the_run(streamed: bool) -> None:
    with pytest.raises(Unwound):
        asyncio.run(run(Agent(name="main", model=Unwinding()), streamed=streamed))


def test_a_base_exception_from_a_nested_model_unwinds_the_outer_run(streamed: bool) -> None:
    inner = Agent(name="inner", model=Unwinding()).as_tool("inner", "d")
    outer = Agent(name="main", model=Script([call("inner", {"input": "x"}, id="c")], [say("no")]), tools=[inner])
    with pytest.raises(Unwound):
        asyncio.run(run(outer, streamed=streamed))


def test_the_runner_asks_an_agent_for_its_tools_in_each_turn(streamed: bool) -> None:
    @function_tool
    async def look() -> str:
        return ""

    agent = Agent(name="main", model=Script([call("look", id="c")], [say("done")]), tools=[look])
    original, asked = agent.get_all_tools, []

    async def get_all_tools(context: Any) -> Any:
        asked.append(1)
        return await original(context)

    agent.get_all_tools = get_all_tools  # type: ignore[method-assign, assignment]
    asyncio.run(run(agent, streamed=streamed))
    assert len(asked) == 2


def test_the_runner_calls_a_handoff_through_its_attribute(streamed: bool) -> None:
    other = Agent(name="other", model=Script([], [say("from other")]))
    target: Handoff[Any, Any] = handoff(other)
    invoke, asked = target.on_invoke_handoff, []

    async def on_invoke_handoff(*args: Any, **kwargs: Any) -> Any:
        asked.append(1)
        return await invoke(*args, **kwargs)

    target.on_invoke_handoff = on_invoke_handoff
    agent = Agent(name="main", model=Script([call("transfer_to_other", id="h")]), handoffs=[target])
    assert asyncio.run(run(agent, streamed=streamed)).final_output == "from other"
    assert asked == [1]


def test_run_config_without_a_provider_has_the_default_one() -> None:
    assert is_default(RunConfig().model_provider)


def guarded(asked: list[Any]) -> FunctionTool:
    async def policy(context: Any, arguments: dict[str, Any], call_id: str) -> bool:
        asked.append(arguments)
        return bool(arguments.get("amount", 0) > 100)

    @function_tool(needs_approval=policy)
    async def refund(amount: int, currency: str = "EUR") -> str:
        return f"{amount} {currency}"

    return refund


@pytest.mark.parametrize(
    "arguments",
    [
        {"amount": 1, "currency": "NOK"},
        {"amount": 1},
        {"amount": 500},
        {"amount": 500, "currency": "NOK"},
        {"amount": "1"},
        {"amount": "x"},
        {},
        {"amount": 1, "currency": "NOK", "more": 1},
    ],
)
def test_approval_policies_see_what_they_see_without_us(arguments: dict[str, Any], streamed: bool) -> None:
    ends = []
    for durable in (False, True):
        asked: list[Any] = []
        tool = guarded(asked)
        if durable:
            durable_tool(tool)
            assert isinstance(tool.on_invoke_tool, Durable)
        agent = Agent(name="main", model=Script([call("refund", arguments, id="c")], [say("done")]), tools=[tool])
        result = asyncio.run(run(agent, streamed=streamed))
        done = [i.output for i in result.new_items if i.type == "tool_call_output_item"]
        ends.append((len(result.interruptions), done, asked, result.final_output))
    assert ends[0] == ends[1]


def test_a_durable_tool_still_gives_its_function() -> None:
    async def look() -> str:
        return "seen"

    tool = function_tool(look)
    assert tool.__wrapped__ is look
    durable_tool(tool)
    assert tool.__wrapped__ is look
    durable_tool(tool)  # once is enough
    assert tool.__wrapped__ is look


def test_a_tool_class_of_its_own_is_wrapped_too(streamed: bool) -> None:
    async def invoke(context: Any, arguments: str) -> str:
        return f"got {arguments}"

    tool = FunctionTool(
        name="look", description="d", params_json_schema={}, on_invoke_tool=invoke, strict_json_schema=False
    )
    durable_tool(tool)
    agent = Agent(name="main", model=Script([call("look", {"a": 1}, id="c")], [say("done")]), tools=[tool])
    result = asyncio.run(run(agent, streamed=streamed))
    assert [i.output for i in result.new_items if i.type == "tool_call_output_item"] == ['got {"a":1}']
