"""What agents of the SDK can do, they can do durably, unchanged: recorded once, replayed after a crash."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from agents import (
    Agent,
    ApplyPatchTool,
    CustomTool,
    GuardrailFunctionOutput,
    LocalShellTool,
    ModelSettings,
    RunConfig,
    RunContextWrapper,
    RunHooks,
    Runner,
    ShellTool,
    ToolGuardrailFunctionOutput,
    ToolInputGuardrailData,
    ToolOutputGuardrailData,
    ToolOutputImage,
    ToolOutputText,
    WebSearchTool,
    function_tool,
    handoff,
    output_guardrail,
    tool_input_guardrail,
    tool_output_guardrail,
)
from agents.agent import StopAtTools
from agents.extensions import handoff_filters
from agents.mcp import MCPServerStdio

from agentcore import current
from agentcore.durable.codec import dump_output, load_completed
from agentcore.records import Run
from agentcore.testing import Script, call, say
from agentcore.tools import sleep_until
from tests.engine.world import World, dies, kinds, outputs, slices_of_one_step
from tests.harness import Harness, on

Build = Callable[[], Agent[Any]]


async def crossing(it: Harness, build: Build, streamed: bool, **options: Any) -> Run:
    """Run an agent in slices of one step: all that was recorded is replayed again and again."""
    slices_of_one_step(it)
    it.agent(build, **options)
    run = await it.run(deltas=streamed)
    steps = await it.keys(run, "model", "tool")
    assert run.fence > 1 or len(steps) < 3
    return run


async def whole(it: Harness, build: Build, streamed: bool, **options: Any) -> Run:
    it.agent(build, **options)
    return await it.run(deltas=streamed)


WAYS = pytest.mark.parametrize("way", [whole, crossing])


@WAYS
def test_handoffs_with_input_filters(tmp_path: Path, world: World, streamed: bool, way: Any) -> None:
    def build() -> Agent[Any]:
        filter = handoff_filters.remove_all_tools
        other = world.agent([call("pay", id="p")], [say("paid")], name="other", tools=[world.tool("pay")])
        target = handoff(other, input_filter=filter)
        turns = [call("look", id="l")], [call("transfer_to_other", id="h")]
        return world.agent(*turns, tools=[world.tool("look")], handoffs=[target])

    async def test(it: Harness) -> None:
        run = await way(it, build, streamed)
        assert (run.status, run.output, run.error) == ("succeeded", "paid", None)
        assert set(world.side.count().values()) == {1}, world.side.count()
        assert outputs(await it.history(run)).keys() >= {"l", "p"}

    on(tmp_path, test)


@WAYS
def test_dynamic_instructions_that_run_an_agent(tmp_path: Path, world: World, streamed: bool, way: Any) -> None:
    told: list[str] = []

    class Told(Script):
        def turn(self, input: Any) -> list[Any]:
            return super().turn(input)

        async def get_response(self, system_instructions: Any, *args: Any, **kwargs: Any) -> Any:
            told.append(system_instructions)
            return await super().get_response(system_instructions, *args, **kwargs)

        async def stream_response(self, system_instructions: Any, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
            told.append(system_instructions)
            async for event in super().stream_response(system_instructions, *args, **kwargs):
                yield event

    def build() -> Agent[Any]:
        helper = world.agent([say("be kind")], name="helper")

        async def instructions(context: Any, agent: Any) -> str:
            return str((await Runner.run(helper, "how?")).final_output)

        model = Told([call("look", id="l")], [say("done")], log=world.side)
        return Agent(name="main", instructions=instructions, model=model, tools=[world.tool("look")])

    async def test(it: Harness) -> None:
        run = await way(it, build, streamed)
        assert (run.status, run.output, run.error) == ("succeeded", "done", None)
        assert told == ["be kind", "be kind"]
        assert world.side.count() == {"model:helper:0": 2, "model:0": 1, "look": 1, "model:1": 1}

    on(tmp_path, test)


@WAYS
@pytest.mark.parametrize("trips", [False, True])
def test_output_guardrails_with_models(tmp_path: Path, world: World, streamed: bool, way: Any, trips: bool) -> None:
    def build() -> Agent[Any]:
        judge = world.agent([say("fine")], name="judge")

        @output_guardrail
        async def judged(context: Any, agent: Any, output: Any) -> GuardrailFunctionOutput:
            fine = (await Runner.run(judge, str(output))).final_output == "fine"
            return GuardrailFunctionOutput(None, tripwire_triggered=trips or not fine)

        turns = [call("look", id="l")], [say("done")]
        return world.agent(*turns, tools=[world.tool("look")], output_guardrails=[judged])

    async def test(it: Harness) -> None:
        run = await way(it, build, streamed)
        assert run.status == ("failed" if trips else "succeeded")
        assert (run.error or {}).get("code") == ("guardrail_tripped" if trips else None)
        assert set(world.side.count().values()) == {1}, world.side.count()

    on(tmp_path, test)


@WAYS
def test_tool_guardrails(tmp_path: Path, world: World, streamed: bool, way: Any) -> None:
    @tool_input_guardrail
    def no_big_sums(data: ToolInputGuardrailData) -> ToolGuardrailFunctionOutput:
        if "1000" in (data.context.tool_arguments or ""):
            return ToolGuardrailFunctionOutput.reject_content("too much")
        return ToolGuardrailFunctionOutput.allow()

    @tool_output_guardrail
    def no_secrets(data: ToolOutputGuardrailData) -> ToolGuardrailFunctionOutput:
        if "secret" in str(data.output):
            return ToolGuardrailFunctionOutput.reject_content("(hidden)")
        return ToolGuardrailFunctionOutput.allow()

    def build() -> Agent[Any]:
        @function_tool(tool_input_guardrails=[no_big_sums], tool_output_guardrails=[no_secrets])
        async def pay(amount: int) -> str:
            world.side.add(f"pay {amount}")
            return "the secret word" if amount == 2 else "paid"

        calls = [call("pay", {"amount": amount}, id=f"p{amount}") for amount in (1, 2, 1000)]
        return world.agent(calls, [say("done")], tools=[pay])

    async def test(it: Harness) -> None:
        run = await way(it, build, streamed)
        assert (run.status, run.error) == ("succeeded", None)
        assert outputs(await it.history(run)) == {"p1": "paid", "p2": "(hidden)", "p1000": "too much"}
        assert world.side.count() == {"pay 1": 1, "pay 2": 1, "model:0": 1, "model:1": 1}

    on(tmp_path, test)


@WAYS
@pytest.mark.parametrize("stop", ["stop_on_first_tool", StopAtTools(stop_at_tool_names=["look"])])
def test_tools_whose_result_is_the_answer(tmp_path: Path, world: World, streamed: bool, way: Any, stop: Any) -> None:
    async def test(it: Harness) -> None:
        run = await way(
            it,
            lambda: world.agent([call("look", id="l")], tools=[world.tool("look")], tool_use_behavior=stop),
            streamed,
        )
        assert (run.status, run.output) == ("succeeded", "look done")
        assert world.side.count() == {"model:0": 1, "look": 1}

    on(tmp_path, test)


def test_a_placeholder_of_a_sleeping_tool_never_becomes_the_answer(
    tmp_path: Path, world: World, streamed: bool
) -> None:
    async def test(it: Harness) -> None:
        it.agent(
            lambda: world.agent(
                [call("sleep_until", {"when": "1h"}, id="s")],
                tools=[sleep_until],
                tool_use_behavior="stop_on_first_tool",
            )
        )
        run = await it.run(deltas=streamed)
        assert (run.status, run.output) == ("sleeping", None)
        await it.later(4000)
        left = await it.get(run)
        assert (left.status, left.output) == ("succeeded", "You slept until then: it is time to go on.")

    on(tmp_path, test)


def test_a_tool_that_is_cut_by_the_deadline_never_becomes_the_answer(
    tmp_path: Path, world: World, streamed: bool
) -> None:
    async def test(it: Harness) -> None:
        async def passes() -> None:
            for deadline in it.service.deadlines:
                deadline.bring_forward(10)
            await asyncio.sleep(0.05)

        class Slow(Script):
            async def get_response(self, *args: Any, **kwargs: Any) -> Any:
                await passes()
                return await super().get_response(*args, **kwargs)

            async def stream_response(self, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
                await passes()
                async for event in super().stream_response(*args, **kwargs):
                    yield event

        def build() -> Agent[Any]:
            model = Slow([call("late", id="a")], log=world.side)
            return Agent(name="main", model=model, tools=[world.tool("late")], tool_use_behavior="stop_on_first_tool")

        it.agent(build)
        run = await it.accept(deltas=streamed)
        await it.service.work(run.id)
        assert ((await it.get(run)).status, world.count("late")) == ("queued", 0)
        await it.work()
        left = await it.get(run)
        assert (left.status, left.output, world.count("model:0")) == ("succeeded", "late done", 1)

    on(tmp_path, test)


@WAYS
def test_images_and_parts_as_tool_results(tmp_path: Path, world: World, streamed: bool, way: Any) -> None:
    def build() -> Agent[Any]:
        @function_tool
        async def picture() -> ToolOutputImage:
            world.side.add("picture")
            return ToolOutputImage(image_url="data:image/png;base64,AAAA", detail="low")

        @function_tool
        async def parts() -> list[Any]:
            return [ToolOutputText(text="look:"), ToolOutputImage(image_url="data:image/png;base64,BBBB")]

        @function_tool
        async def mapping() -> dict[str, Any]:
            return {"a": [1, 2.5, None], "b": "ø"}

        calls = [call(name, id=name) for name in ("picture", "parts", "mapping")]
        return world.agent(calls, [say("done")], tools=[picture, parts, mapping])

    async def test(it: Harness) -> None:
        run = await way(it, build, streamed)
        assert (run.status, run.error) == ("succeeded", None)
        found = outputs(await it.history(run))
        assert found["picture"] == [{"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "low"}]
        assert [part["type"] for part in found["parts"]] == ["input_text", "input_image"]
        assert found["mapping"] == str({"a": [1, 2.5, None], "b": "ø"})
        assert world.count("picture") == 1

    on(tmp_path, test)


class Notes(RunHooks[Any]):
    def __init__(self, world: World) -> None:
        self.world = world

    async def on_agent_start(self, context: Any, agent: Any) -> None:
        self.world.side.add(f"hook: {agent.name} starts")

    async def on_tool_end(self, context: Any, agent: Any, tool: Any, result: Any) -> None:
        self.world.side.add(f"hook: {tool.name} gave {result}")


def test_hooks_are_called(tmp_path: Path, world: World, streamed: bool) -> None:
    async def test(it: Harness) -> None:
        turns = [call("look", id="l")], [say("done")]
        run = await whole(it, lambda: world.agent(*turns, tools=[world.tool("look")]), streamed, hooks=Notes(world))
        assert run.status == "succeeded"
        assert world.count("hook: main starts") == 1
        assert world.count("hook: look gave look done") == 1

    on(tmp_path, test)


@dataclass
class Customer:
    """A context."""

    name: str


def test_the_context_is_made_anew_in_each_slice_from_its_run(tmp_path: Path, world: World, streamed: bool) -> None:
    made: list[Run] = []

    def context(run: Run) -> Customer:
        made.append(run)
        return Customer(run.metadata["user"])

    def build() -> Agent[Any]:
        @function_tool
        async def who(context: RunContextWrapper[Customer]) -> str:
            return context.context.name

        turns = (
            [call("who", id="a")],
            [call("sleep_until", {"when": "1h"}, id="s")],
            [call("who", id="b")],
            [say("done")],
        )
        return world.agent(*turns, tools=[who, sleep_until])

    async def test(it: Harness) -> None:
        it.agent(build, context=context)
        run = await it.run(deltas=streamed, metadata={"user": "Kari"})
        await it.later(4000)
        left = await it.get(run)
        assert (left.status, left.error) == ("succeeded", None)
        found = outputs(await it.history(run))
        assert (found["a"], found["b"]) == ("Kari", "Kari")
        assert [r.id for r in made] == [run.id, run.id]

    on(tmp_path, test)


# -- tools that are not functions here

SERVER = """
import sys
from mcp.server import MCPServer

server = MCPServer("shop")

@server.tool()
def price(item: str) -> str:
    "The price of an item."
    with open(sys.argv[1], "a") as side:
        side.write("price\\n")
    return f"{item} costs 7"

server.run("stdio")
"""


@asynccontextmanager
async def shop(path: Path, **options: Any) -> AsyncIterator[MCPServerStdio]:
    """A local MCP server, as a process of its own."""
    script = path / "server.py"
    script.write_text(SERVER)
    command: Any = {"command": sys.executable, "args": [str(script), str(path / "side")]}
    async with MCPServerStdio(params=command, client_session_timeout_seconds=30, **options) as server:
        yield server


def test_tools_of_a_local_mcp_server_are_recorded_and_replayed(tmp_path: Path, world: World, streamed: bool) -> None:
    async def test(it: Harness) -> None:
        async with shop(tmp_path) as server:
            turns = [call("price", {"item": "tea"}, id="p")], [say("done")]
            run = await crossing(it, lambda: world.agent(*turns, mcp_servers=[server]), streamed)
            assert (run.status, run.error) == ("succeeded", None)
            [tool] = kinds(await it.journal(run), "tool")
            assert (tool["name"], "tea costs 7" in str(tool["output"])) == ("price", True)
            assert "tea costs 7" in str(outputs(await it.history(run))["p"])
            assert world.side.count() == {"model:0": 1, "price": 1, "model:1": 1}

    on(tmp_path, test)


def test_tools_of_a_local_mcp_server_that_need_approval(tmp_path: Path, world: World, streamed: bool) -> None:
    async def test(it: Harness) -> None:
        async with shop(tmp_path, require_approval="always") as server:
            turns = [call("price", {"item": "tea"}, id="p")], [say("done")]
            it.agent(lambda: world.agent(*turns, mcp_servers=[server]))
            run = await it.run(deltas=streamed)
            assert (run.status, world.count("price")) == ("waiting", 0)
            await it.decide("approve")
            left = await it.get(run)
            assert (left.status, left.error, world.count("price")) == ("succeeded", None, 1)
            assert await it.keys(run, "tool_started") == ["started:0:tool:0/p"]

    on(tmp_path, test)


def test_hosted_tools_pass_through(tmp_path: Path, world: World, streamed: bool) -> None:
    from openai.types.responses import ResponseFunctionWebSearch
    from openai.types.responses.response_function_web_search import ActionSearch

    searched = ResponseFunctionWebSearch(
        id="ws_1",
        status="completed",
        type="web_search_call",
        action=ActionSearch(type="search", query="tea", queries=["tea"]),
    )
    seen: list[Any] = []

    class Hosted(Script):
        def turn(self, input: Any) -> list[Any]:
            seen.append(input)
            return super().turn(input)

        async def stream_response(
            self, system_instructions: Any, input: Any, *args: Any, **kwargs: Any
        ) -> AsyncIterator[Any]:
            data = {"output": dump_output(self.turn(input)), "usage": {}, "response_id": "r"}
            yield load_completed(data)

    def build() -> Agent[Any]:
        model = Hosted([searched, call("look", id="l")], [say("done")], log=world.side)
        return Agent(name="main", model=model, tools=[WebSearchTool(), world.tool("look")])

    async def test(it: Harness) -> None:
        run = await crossing(it, build, streamed)
        assert (run.status, run.error) == ("succeeded", None)
        assert world.side.count() == {"model:0": 1, "look": 1, "model:1": 1}
        kept = [item for item in await it.history(run) if item.get("type") == "web_search_call"]
        assert [item["id"] for item in kept] == ["ws_1"]
        assert any(item.get("type") == "web_search_call" for item in seen[-1])

    on(tmp_path, test)


class Editor:
    def create_file(self, operation: Any) -> None: ...
    def update_file(self, operation: Any) -> None: ...
    def delete_file(self, operation: Any) -> None: ...


async def nothing(*args: Any) -> str:
    return ""


@pytest.mark.parametrize(
    "tool",
    [
        ShellTool(executor=nothing),
        LocalShellTool(executor=nothing),
        ApplyPatchTool(editor=Editor()),
        CustomTool(name="custom", description="d", on_invoke_tool=nothing),
    ],
    ids=lambda tool: type(tool).__name__,
)
@pytest.mark.parametrize("where", ["itself", "handoff", "agent tool"])
def test_tools_that_cannot_be_recorded_are_refused_by_name(tmp_path: Path, world: World, tool: Any, where: str) -> None:
    def build() -> Agent[Any]:
        bad = Agent(name="bad", model=world.model([say("x")]), tools=[tool])
        if where == "itself":
            return bad
        if where == "handoff":
            return world.agent([say("x")], handoffs=[bad])
        return world.agent([say("x")], tools=[bad.as_tool("bad", "d")])

    async def test(it: Harness) -> None:
        run = await whole(it, build, True)
        assert run.error is not None
        assert (run.status, run.error["code"]) == ("failed", "misconfigured")
        assert "'bad'" in run.error["message"]
        assert type(tool).__name__ in run.error["message"]
        assert "@function_tool" in run.error["message"]
        assert world.side.count() == {}

    on(tmp_path, test)


@WAYS
def test_a_tools_time_out_is_recorded(tmp_path: Path, world: World, streamed: bool, way: Any) -> None:
    def build() -> Agent[Any]:
        @function_tool(timeout=0.1)
        async def slow() -> str:
            world.side.add("slow")
            await asyncio.sleep(60)
            return "never"

        return world.agent([call("slow", id="s")], [say("done")], tools=[slow])

    async def test(it: Harness) -> None:
        run = await way(it, build, streamed)
        assert (run.status, run.output) == ("succeeded", "done")
        assert world.count("slow") == 1
        [tool] = kinds(await it.journal(run), "tool")
        assert "timed out" in tool["output"]
        assert outputs(await it.history(run)) == {"s": tool["output"]}

    on(tmp_path, test)


@WAYS
def test_one_model_instance_for_two_agents(tmp_path: Path, world: World, streamed: bool, way: Any) -> None:
    turns: dict[str, Any] = {
        "A": ([call("b", {"input": "q"}, id="i")], [say("A done")]),
        "B": ([call("look", id="l")], [say("B done")]),
    }

    class Both(Script):
        async def get_response(self, system_instructions: Any, *args: Any, **kwargs: Any) -> Any:
            self.turns = turns[system_instructions]
            return await super().get_response(system_instructions, *args, **kwargs)

        async def stream_response(self, system_instructions: Any, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
            self.turns = turns[system_instructions]
            async for event in super().stream_response(system_instructions, *args, **kwargs):
                yield event

    def build() -> Agent[Any]:
        model = Both(log=world.side)
        b = Agent(name="b", instructions="B", model=model, tools=[world.tool("look")])
        return Agent(name="a", instructions="A", model=model, tools=[b.as_tool("b", "d")])

    async def test(it: Harness) -> None:
        run = await way(it, build, streamed)
        assert (run.status, run.output, run.error) == ("succeeded", "A done", None)
        assert world.side.count() == {"model:0": 2, "look": 1, "model:1": 2}
        assert outputs(await it.history(run)) == {"i": "B done"}

    on(tmp_path, test)


def test_one_agent_object_serves_many_runs_at_once(tmp_path: Path, world: World, streamed: bool) -> None:
    inner = world.agent([call("look", id="x")], [say("in")], name="inner", tools=[world.tool("look")])
    agent = world.agent([call("inner", {"input": "q"}, id="i")], [say("done")], tools=[inner.as_tool("inner", "d")])

    async def test(it: Harness) -> None:
        it.agent(agent)
        runs = [await it.accept(deltas=streamed) for _ in range(8)]
        await asyncio.gather(*(it.service.work(run.id) for run in runs))
        for run in runs:
            left = await it.get(run)
            assert (left.status, left.output, left.error) == ("succeeded", "done", None)
        assert set(world.side.count().values()) == {8}, world.side.count()

    on(tmp_path, test)


@WAYS
def test_a_run_config_of_ones_own_is_kept(tmp_path: Path, world: World, streamed: bool, way: Any) -> None:
    seen: list[Any] = []

    class Asked(Script):
        async def get_response(self, *args: Any, **kwargs: Any) -> Any:
            seen.append(kwargs.get("model_settings", *args[2:3]).temperature)
            return await super().get_response(*args, **kwargs)

        async def stream_response(self, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
            seen.append(kwargs.get("model_settings", *args[2:3]).temperature)
            async for event in super().stream_response(*args, **kwargs):
                yield event

    async def test(it: Harness) -> None:
        config = RunConfig(model_settings=ModelSettings(temperature=0.25), model=Asked([say("done")], log=world.side))
        run = await way(it, lambda: Agent(name="main"), streamed, run_config=config)
        assert (run.status, run.output, seen) == ("succeeded", "done", [0.25])

    on(tmp_path, test)


def test_a_sync_tool_knows_its_run(tmp_path: Path, world: World, streamed: bool) -> None:
    keys: list[str] = []

    def build() -> Agent[Any]:
        @function_tool
        def look() -> str:
            keys.append(current().idempotency_key)
            return f"{current().tool} {current().call_id} {current().tenant}"

        return world.agent([call("look", id="l")], [say("done")], tools=[look])

    async def test(it: Harness) -> None:
        run = await whole(it, build, streamed)
        assert outputs(await it.history(run)) == {"l": "look l default"}
        other = await whole(it, build, streamed)
        assert other.status == "succeeded"
        assert len(set(keys)) == 2

    on(tmp_path, test)


def test_a_guardrail_whose_run_is_cut_by_the_deadline_is_finished_later(
    tmp_path: Path, world: World, streamed: bool
) -> None:
    """A streamed run of the SDK swallows what comes out of a guardrail: that must not look like its end."""

    def build() -> Agent[Any]:
        judge = world.agent([call("look", id="j")], [say("fine")], name="judge", tools=[world.tool("look")])

        @output_guardrail
        async def judged(context: Any, agent: Any, output: Any) -> GuardrailFunctionOutput:
            result = await Runner.run(judge, str(output))
            return GuardrailFunctionOutput(None, tripwire_triggered=result.final_output != "fine")

        return world.agent([say("done")], output_guardrails=[judged])

    async def test(it: Harness) -> None:
        run = await crossing(it, build, streamed)
        assert (run.status, run.output, run.error) == ("succeeded", "done", None)
        assert set(world.side.count().values()) == {1}, world.side.count()

    on(tmp_path, test)


def test_guardrails_whose_order_changes_keep_their_own_steps(tmp_path: Path, world: World, streamed: bool) -> None:
    attempts: list[str] = []

    def judging(name: str) -> Any:
        turns = [call("look", id=name)], [say(name)]
        judge = world.agent(*turns, name="judge", tools=[world.tool("look")])

        @output_guardrail(name=name)
        async def judged(context: Any, agent: Any, output: Any) -> GuardrailFunctionOutput:
            attempts.append(name)
            first = "ab"[attempts.count(name) % 2]
            await asyncio.sleep(0 if name == first else 0.03)
            return GuardrailFunctionOutput(None, (await Runner.run(judge, name)).final_output != name)

        return judged

    async def test(it: Harness) -> None:
        build = lambda: world.agent([say("done")], output_guardrails=[judging("a"), judging("b")])  # noqa: E731
        run = await crossing(it, build, streamed)
        assert (run.status, run.output, run.error) == ("succeeded", "done", None)
        assert len(attempts) > 2
        assert world.side.count() == {"model:0": 1, "model:judge:0": 2, "look": 2, "model:judge:1": 2}

    on(tmp_path, test)


def test_a_worker_that_dies_in_a_parallel_call_repeats_only_that_one(
    tmp_path: Path, world: World, streamed: bool
) -> None:
    def build() -> Agent[Any]:
        @function_tool
        async def stuck() -> str:
            world.side.add("stuck")
            await asyncio.sleep(3600 if world.count("stuck") == 1 else 0)
            return "ok"

        calls = call("look", id="l"), call("stuck", id="s")
        return world.agent(list(calls), [say("done")], tools=[stuck, world.tool("look")])

    async def test(it: Harness) -> None:
        it.agent(build)
        run = await it.accept(deltas=streamed)
        await it.service.bus.receive(limit=1, wait=0.01)
        seen: list[str] = []

        async def watch() -> None:
            while "tool:0/l" not in seen:
                seen.extend(await it.keys(run, "tool"))
                await asyncio.sleep(0.005)

        watcher = asyncio.create_task(watch())
        await dies(it, run, lambda: watcher.done() and world.count("stuck"))
        await it.later(31)
        assert (await it.get(run)).status == "succeeded"
        assert world.side.count() == {"model:0": 1, "look": 1, "stuck": 2, "model:1": 1}

    on(tmp_path, test)
