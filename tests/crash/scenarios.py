"""The scenarios that are killed at each commit."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from agents import Agent, GuardrailFunctionOutput, Runner, function_tool, input_guardrail

from agentcore import current, effect
from agentcore.records import Run
from agentcore.registry import AgentSpec, Registry
from agentcore.service import Service
from agentcore.testing.crash import TENANT, Scenario, answer_all
from agentcore.testing.script import Script, SideTable, call, say

THREAD = "00000000-0000-4000-8000-00000000000a"


def tools(side: SideTable) -> dict[str, Any]:
    """Tools that write to the side table what they did, under their call."""

    def done() -> str:
        side.add(f"effect:{current().tool}:{current().call_id}")
        return f"{current().tool} done"

    @function_tool
    async def look() -> str:
        """Look something up."""
        return done()

    @effect("once")
    @function_tool
    async def pay() -> str:
        """Pay."""
        return done()

    @function_tool(needs_approval=True)
    async def refund() -> str:
        """Refund."""
        return done()

    @function_tool
    async def nap() -> str:
        """Sleep for an hour."""
        woke = await current().sleep(timedelta(hours=1))
        return f"{done()}, woken by {woke.by}"

    @function_tool
    async def long() -> str:
        """Outlive the slice."""
        for deadline in LIVE[0].deadlines:
            deadline.bring_forward(5)
        await asyncio.sleep(0.02)
        return done()

    return {tool.name: tool for tool in (look, pay, refund, nap, long)}


LIVE: list[Service] = []  # the one service of this process, for a tool that ends its own slice


def agent(
    registry: Registry, side: SideTable, *turns: Any, name: str = "main", uses: tuple[str, ...] = (), **more: Any
) -> None:
    mine = [tools(side)[tool] for tool in uses] + more.pop("tools", [])
    registry.specs[name] = AgentSpec(
        name=name, target=Agent(name=name, model=Script(*turns, log=side), tools=mine, **more)
    )


def simple(*turns: Any, uses: tuple[str, ...] = ()) -> Any:
    return lambda registry, side: agent(registry, side, *turns, uses=uses)


def message(text: str = "go", *, key: str = "one", **options: Any) -> Any:
    async def start(service: Service, streamed: bool) -> list[Run]:
        LIVE[:] = [service]
        run = await service.accept(
            TENANT, agent="main", input=text, thread_id=THREAD, idempotency_key=key, deltas=streamed, **options
        )
        return [run]

    return start


def with_handoff(registry: Registry, side: SideTable) -> None:
    other = Agent(
        name="other", model=Script([], [call("look", id="h1")], [say("handed")], log=side), tools=[tools(side)["look"]]
    )
    agent(registry, side, [call("transfer_to_other", id="h0")], handoffs=[other])


def with_agent_tool(registry: Registry, side: SideTable) -> None:
    inner = Agent(
        name="inner", model=Script([call("look", id="n1")], [say("inner done")], log=side), tools=[tools(side)["look"]]
    )
    agent(registry, side, [call("inner", {"input": "q"}, id="o1")], [say("done")], tools=[inner.as_tool("inner", "d")])


def with_nested_approval(registry: Registry, side: SideTable) -> None:
    inner = Agent(
        name="inner", model=Script([call("refund", id="n1")], [say("inner done")], log=side),
        tools=[tools(side)["refund"]],
    )  # fmt: skip
    agent(
        registry, side, [call("inner", {"input": "q"}, id="o1"), call("look", id="o2")], [say("done")],
        uses=("look",), tools=[inner.as_tool("inner", "d")],
    )  # fmt: skip


def with_guardrail(registry: Registry, side: SideTable) -> None:
    judge = Agent(name="judge", model=Script([say("fine")], log=side))

    @input_guardrail
    async def judged(context: Any, agent: Any, input: Any) -> GuardrailFunctionOutput:
        result = await Runner.run(judge, "is this fine?")
        return GuardrailFunctionOutput(result.final_output, tripwire_triggered=result.final_output != "fine")

    agent(registry, side, [call("look", id="g1")], [say("done")], uses=("look",), input_guardrails=[judged])


def with_alarm(registry: Registry, side: SideTable) -> None:
    """Sets an alarm for another agent, which answers it on the same thread."""
    agent(registry, side, [say("rung")], name="woken")

    @function_tool
    async def alarm() -> str:
        """Set an alarm."""
        await current().put_schedule(name="later", input="ring", due=timedelta(hours=1), agent="woken")
        side.add(f"effect:alarm:{current().call_id}")
        return "alarm done"

    agent(registry, side, [call("alarm", id="c1")], [say("set")], tools=[alarm])


async def cancel_it(service: Service, side: SideTable) -> None:
    for run in await service.store.runs(TENANT, status=["waiting"]):
        await service.cancel(TENANT, run.id)


async def two_texts(service: Service, streamed: bool) -> list[Run]:
    return [*await message("one")(service, streamed), *await message("two", key="two")(service, streamed)]


async def interrupt_it(service: Service, side: SideTable) -> None:
    runs = await service.store.runs(TENANT)
    if len(runs) == 1 and runs[0].status == "waiting":
        await message("two", key="two", multitask="interrupt")(service, runs[0].deltas)
    await answer_all(service, side)


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario(name="text", register=simple([say("hello")]), start=message()),
        Scenario(
            name="one_tool", register=simple([call("look", id="c1")], [say("done")], uses=("look",)), start=message()
        ),
        Scenario(
            name="parallel_tools",
            register=simple(
                [call("look", id="c1"), call("pay", id="c2"), call("look", id="c3")], [say("done")],
                uses=("look", "pay"),
            ),
            start=message(), once=frozenset({"effect:pay:c2"}),
        ),
        Scenario(name="handoff", register=with_handoff, start=message()),
        Scenario(name="agent_as_tool", register=with_agent_tool, start=message()),
        Scenario(name="guardrail_with_a_model", register=with_guardrail, start=message()),
        Scenario(
            name="approval",
            register=simple([call("look", id="c1"), call("refund", id="c2")], [say("done")], uses=("look", "refund")),
            start=message(), once=frozenset({"effect:refund:c2"}),
        ),
        Scenario(
            name="nested_approval", register=with_nested_approval, start=message(),
            once=frozenset({"effect:refund:n1"}),
        ),
        Scenario(name="sleep", register=simple([call("nap", id="c1")], [say("done")], uses=("nap",)), start=message()),
        Scenario(
            name="schedule", register=with_alarm, start=message(), runs=2,
        ),
        Scenario(
            name="yield",
            register=simple([call("long", id="c1")], [call("long", id="c2")], [say("done")], uses=("long",)),
            start=message(),
        ),
        Scenario(
            name="cancel", register=simple([call("refund", id="c1")], [say("done")], uses=("refund",)),
            start=message(), nudge=cancel_it,
        ),
        Scenario(
            name="double_texting", register=simple([call("look", id="c1")], [say("done")], uses=("look",)),
            start=two_texts, runs=2,
        ),
        Scenario(
            name="interrupt", register=simple([call("refund", id="c1")], [say("done")], uses=("refund",)),
            start=message("one"), nudge=interrupt_it, runs=2,
        ),
    )
}  # fmt: skip
