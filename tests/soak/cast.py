"""The agents of the soak, and their tools, which do nothing but say so in the side table."""

from __future__ import annotations

import asyncio
import random
import time
from datetime import timedelta
from typing import Any

from agents import Agent, GuardrailFunctionOutput, Runner, function_tool, input_guardrail

from agentcore import current, effect
from agentcore.testing import call, say
from tests.soak.model import Paced
from tests.soak.options import LEASE
from tests.soak.step import Step

WORDS = "all is well and nothing was lost on the way from there to here"
EVENT = "parcel"


async def act() -> str:
    """Begin, take a moment, have an effect, take another: a kill may fall anywhere."""
    step = Step.tool()
    step.did("begin")
    await asyncio.sleep(random.uniform(0, 0.1))
    step.did("effect")
    await asyncio.sleep(random.uniform(0, 0.05))
    return step.done


@effect("read")
@function_tool
async def look() -> str:
    return await act()


@effect("once")
@function_tool
async def pay() -> str:
    return await act()


@function_tool
async def store() -> str:
    return await act()


@function_tool(needs_approval=True)
async def refund() -> str:
    return await act()


@function_tool
def crunch() -> str:
    """In a thread, which nothing can cancel."""
    step = Step.tool()
    step.did("begin")
    time.sleep(random.uniform(0, 0.1))
    step.did("effect")
    return step.done


@function_tool
async def hog() -> str:
    """Holds up the event loop, with all that its process does: now and then for longer than a lease."""
    step = Step.tool()
    step.did("begin")
    time.sleep(random.choice((0.01, 0.1, 0.5, LEASE * 1.5)))  # noqa: ASYNC251 - what no tool should do, and some do
    step.did("effect")
    return step.done


@function_tool
async def nap() -> str:
    await current().sleep(timedelta(seconds=1))
    return await act()


@function_tool
async def receive() -> str:
    """Wait for an event from outside, but not for ever."""
    here = current()
    await here.sleep(timedelta(seconds=5), event=EVENT, correlation=here.thread_id)
    return await act()


@function_tool
async def set_alarm() -> str:
    await current().put_schedule(name="alarm", input="ring", due=timedelta(seconds=1), agent="rung")
    return await act()


TOOLS: list[Any] = [look, pay, store, refund, crunch, hog, nap, receive, set_alarm]
LAST = [say(WORDS)]


def agent(name: str, *turns: Any, **more: Any) -> Agent[Any]:
    return Agent(name=name, model=Paced(*turns), **{"tools": TOOLS, **more})


def text() -> Agent[Any]:
    return agent("text", LAST, tools=[])


def tool() -> Agent[Any]:
    return agent("tool", [call("store", id="a")], LAST)


def parallel() -> Agent[Any]:
    together = [call(name, id=name) for name in ("look", "pay", "store", "crunch")]
    return agent("parallel", together, [call("pay", id="again")], LAST)


def handoff() -> Agent[Any]:
    other = agent("other", [], [call("look", id="o")], [call("pay", id="p")], LAST)
    return agent("handoff", [call("transfer_to_other", id="h")], handoffs=[other])


def nested() -> Agent[Any]:
    inner = agent("inner", [call("store", id="s")], [call("pay", id="p")], [say("done inside")])
    turns = [call("inner", {"input": "go"}, id="i"), call("look", id="l")], LAST
    return agent("nested", *turns, tools=[*TOOLS, inner.as_tool("inner", "Does it inside.")])


def asks() -> Agent[Any]:
    return agent("asks", [call("look", id="l")], [call("refund", id="r"), call("pay", id="p")], LAST)


def asks_within() -> Agent[Any]:
    inner = agent("inner", [call("refund", id="r")], [say("done inside")])
    turns = [call("inner", {"input": "go"}, id="i"), call("store", id="s")], LAST
    return agent("asks_within", *turns, tools=[*TOOLS, inner.as_tool("inner", "Asks inside.")])


def blocks() -> Agent[Any]:
    return agent("blocks", [call("look", id="l"), call("hog", id="h")], LAST)


def sleeps() -> Agent[Any]:
    return agent("sleeps", [call("nap", id="n")], [call("pay", id="p")], LAST)


def waits() -> Agent[Any]:
    return agent("waits", [call("receive", id="w")], LAST)


def alarm() -> Agent[Any]:
    return agent("alarm", [call("set_alarm", id="a")], LAST)


def rung() -> Agent[Any]:
    return agent("rung", [call("look", id="l")], LAST)


def guarded() -> Agent[Any]:
    judge = agent("judge", [say("fine")], tools=[])

    @input_guardrail
    async def judged(context: Any, agent: Any, input: Any) -> GuardrailFunctionOutput:
        result = await Runner.run(judge, "is this fine?")
        return GuardrailFunctionOutput(result.final_output, tripwire_triggered=result.final_output != "fine")

    return agent("guarded", [call("pay", id="p")], LAST, input_guardrails=[judged])


def slices() -> Agent[Any]:
    """Takes longer than one slice."""
    names = ("look", "store", "pay", "crunch") * 5
    return agent("slices", *([call(name, id=f"{name}{n}")] for n, name in enumerate(names)), LAST)
