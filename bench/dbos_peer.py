"""DBOS with dbos-openai-agents, in a process and an environment of its own. A line of JSON says what to measure, a line
of JSON answers: {"case": "tool", "count": 40} or {"case": "tool", "at_once": 16, "seconds": 2}. Argument: the URL."""

import asyncio
import gc
import json
import sys

from agents import function_tool, set_tracing_disabled
from dbos import DBOS
from dbos_openai_agents import DBOSRunner

from bench import fakes
from bench.rounds import latency, rate

DBOS(
    config={
        "name": "bench", "system_database_url": sys.argv[1], "log_level": "ERROR", "application_version": "1",
        "run_admin_server": False,
    }
)  # fmt: skip
TEXT = fakes.text_agent()
TOOL = fakes.tool_agent(function_tool(DBOS.step()(fakes.get_weather)))


@DBOS.workflow()
async def text():
    return (await DBOSRunner.run(TEXT, "hi")).final_output


@DBOS.workflow()
async def tool():
    return (await DBOSRunner.run(TOOL, "hi")).final_output


async def main():
    set_tracing_disabled(True)
    DBOS.launch()
    turns = {"text": text, "tool": tool}
    for turn in turns.values():
        await latency(turn, 10)
    gc.collect()
    gc.freeze()
    print(json.dumps("ready"), flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        wanted = json.loads(line)
        turn = turns[wanted.pop("case")]
        found = await (latency(turn, **wanted) if "count" in wanted else rate(turn, **wanted))
        print(json.dumps(found), flush=True)
    DBOS.destroy()


asyncio.run(main())
