"""Each operation of the Agent Protocol, each of its statuses and fields, in both directions."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from agentcore import app, settings
from agentcore.api import create_app
from tests.e2e import protocol_file
from tests.e2e.http import REFUND, Http, events_of, on
from tests.e2e.protocol import DEFAULTS, NAMED, OPERATIONS, SCHEMAS, Operation, lacking, unfit

BY_ID = {operation.id: operation for operation in OPERATIONS}
NOBODY = str(uuid4())

DRIVEN_ELSEWHERE = frozenset({
    "open_thread_sse_stream", "open_thread_websocket_stream", "send_thread_streaming_command", "put_item",
    "delete_item", "get_item", "search_items", "list_namespaces",
})  # fmt: skip
"""Operations that other test modules drive."""
NEVER = {("search_agents", 404): "a search that finds nothing is an empty list"}
"""Statuses that the protocol names and we have no use for, with the reason."""
OURS = {("delete_thread", 409), ("patch_thread", 409), ("delete_run", 409), ("cancel_run", 409)}
"""Statuses that the protocol does not name: what does not fit the present state is a conflict everywhere."""


class Driver:
    """Makes the calls of one operation, and checks each against the table."""

    def __init__(self, http: Http, operation: Operation) -> None:
        self.http, self.operation = http, operation
        self.statuses: set[int] = set()

    async def __call__(
        self, status: int, body: Any = None, *, fits: bool = True, field: str | None = None, **options: Any
    ) -> Any:
        """One call. `fits`: the body is one that the protocol allows. `field`: what a refusal must name."""
        path_names = {name: options.pop(name) for name in ("agent_id", "thread_id", "run_id") if name in options}
        if body is not None and fits:
            assert unfit(body, self.operation.body) == []
        content = None if body is None else json.dumps(body)
        answer = await self.http.request(
            self.operation.verb, self.operation.path.format(**path_names), content=content, params=options,
            headers={"content-type": "application/json"},
        )  # fmt: skip
        assert answer.status_code == status, answer.text
        self.statuses.add(status)
        return _refusal(answer, field) if status >= 400 else self._answer(answer)

    def _answer(self, answer: httpx.Response) -> Any:
        if answer.status_code == 204:
            assert answer.content == b""
            return None
        if self.operation.stream or self.operation.id == "stream_run":
            return events_of(answer)
        assert answer.headers["content-type"] == "application/json"
        assert unfit(answer.json(), self.operation.answer) == []
        return answer.json()


def _refusal(answer: httpx.Response, field: str | None) -> dict[str, Any]:
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert lacking(body, "ErrorResponse") == set()
    assert unfit(body, "ErrorResponse") == []
    assert body["status"] == answer.status_code
    if field is not None:
        assert body["field"] == field
    return body


Drive = Callable[[Driver, Http], Awaitable[None]]
DRIVES: dict[str, Drive] = {}


def drives(drive: Drive) -> Drive:
    DRIVES[drive.__name__] = drive
    return drive


async def call(http: Http, operation_id: str, status: int = 200, body: Any = None, **options: Any) -> Any:
    """A call of another operation than the one that is driven."""
    return await Driver(http, BY_ID[operation_id])(status, body, **options)


async def a_thread(http: Http, *said: str, **more: Any) -> str:
    """A thread on which this was said."""
    thread_id: str = (await call(http, "create_thread", 200, more))["thread_id"]
    for text in said:
        body = {"agent_id": "support", "thread_id": thread_id, "input": text}
        assert (await call(http, "create_and_wait_run", 200, body))["run"]["status"] == "success"
    return thread_id


async def a_waiting_run(http: Http) -> dict[str, Any]:
    """A run that waits for a person, on a thread of its own."""
    body = {"agent_id": "support", "thread_id": await a_thread(http), "input": REFUND}
    run: dict[str, Any] = (await call(http, "create_and_wait_run", 200, body))["run"]
    assert run["status"] == "interrupted"
    return run


# -- agents


@drives
async def search_agents(drive: Driver, http: Http) -> None:
    agents = await drive(200, {})
    assert [one["agent_id"] for one in agents] == ["account_manager", "support"]
    for one in agents:
        assert lacking(one, "Agent") == lacking(one["capabilities"], "Capabilities") == set()
    assert await drive(200, {"name": "SUPP", "metadata": {}, "limit": 1, "offset": 0}) == agents[1:]
    assert await drive(200, {"limit": 1, "offset": 1}) == agents[1:]
    assert await drive(200, {"metadata": {"team": "none"}}) == await drive(200, {"name": "nobody"}) == []
    for field, value in {"limit": 0, "offset": -1, "name": 7, "metadata": [], "limit ": 1}.items():
        await drive(422, {field: value}, fits=False, field=field)


@drives
async def get_agent(drive: Driver, http: Http) -> None:
    agent = await drive(200, agent_id="support")
    assert [agent] == await call(http, "search_agents", 200, {"name": "support"})
    await drive(404, agent_id="nobody")


@drives
async def get_agent_schemas(drive: Driver, http: Http) -> None:
    schemas = await drive(200, agent_id="support")
    assert lacking(schemas, "AgentSchema") == set()
    assert {"input", "output", "messages"} <= set(schemas["state_schema"]["properties"])
    assert set(schemas["config_schema"]["properties"]) == set(SCHEMAS["RunConfig"])
    await drive(404, agent_id="nobody")
    await drive(422, agent_id="n" * 201, field="agent_id")
    await drive(422, agent_id="a%00b", field="agent_id")


# -- threads


@drives
async def create_thread(drive: Driver, http: Http) -> None:
    thread_id = str(uuid4())
    made = await drive(200, {"thread_id": thread_id, "metadata": {"a": {"b": 1}}, "if_exists": "raise"})
    assert lacking(made, "Thread") == set()
    assert (made["thread_id"], made["metadata"], made["status"]) == (thread_id, {"a": {"b": 1}}, "idle")
    assert (made["values"], made["messages"]) == ({}, [])
    assert await call(http, "get_thread", thread_id=thread_id) == made
    await drive(409, {"thread_id": thread_id}, field="thread_id")
    assert await drive(200, {"thread_id": thread_id, "metadata": {"c": 1}, "if_exists": "do_nothing"}) == made
    assert (await drive(200, {}))["thread_id"] != thread_id
    for field, value in {"thread_id": "7", "metadata": 7, "if_exists": "hope", "theard_id": NOBODY}.items():
        await drive(422, {field: value}, fits=False, field=field)


@drives
async def search_threads(drive: Driver, http: Http) -> None:
    empty = await a_thread(http, metadata={"a": 1, "b": {"c": [1, 2]}})
    talked = await a_thread(http, "Where is order 1001?")
    both = await drive(200, {})
    assert [one["thread_id"] for one in both] == [talked, empty]
    assert both == [await call(http, "get_thread", thread_id=one) for one in (talked, empty)]
    output = both[0]["values"]["output"]
    await call(http, "patch_thread", 200, {"values": {"k": {"l": True, "m": 0}}}, thread_id=empty)
    found: dict[str, list[str]] = {
        json.dumps({"metadata": {"b": {"c": [2]}}}): [empty],
        json.dumps({"metadata": {"a": 2}}): [],
        json.dumps({"values": {"output": output}}): [talked],
        json.dumps({"values": {"k": {"l": True}}, "status": "idle", "metadata": {"a": 1}}): [empty],
        json.dumps({"status": "busy"}): [],
        json.dumps({"limit": 1}): [talked],
        json.dumps({"limit": 1, "offset": 1}): [empty],
    }
    for body, threads in found.items():
        assert [one["thread_id"] for one in await drive(200, json.loads(body))] == threads, body
    deep: Any = {}
    for _ in range(20):
        deep = {"d": deep}
    for field, value in {"metadata": deep, "values": 7, "status": "odd", "limit": 1001, "offset": 2**40}.items():
        await drive(422, {field: value}, fits=False, field=field)


@drives
async def get_thread_history(drive: Driver, http: Http) -> None:
    thread_id = await a_thread(http, "Where is order 1001?", "Where is order 1002?")
    thread = await call(http, "patch_thread", 200, {"values": {"k": 1}}, thread_id=thread_id)
    states = await drive(200, thread_id=thread_id)
    assert len({state["checkpoint"]["checkpoint_id"] for state in states}) == 3
    assert all(lacking(state, "ThreadState") == set() for state in states)
    assert (states[0]["values"], states[0]["messages"]) == (thread["values"], thread["messages"])
    assert states[1]["values"] == {"output": thread["values"]["output"]}
    assert "1001" in states[2]["values"]["output"]
    assert states[1]["messages"][: len(states[2]["messages"])] == states[2]["messages"]
    assert await drive(200, thread_id=thread_id, limit=1) == states[:1]
    for n, state in enumerate(states):
        before = state["checkpoint"]["checkpoint_id"]
        assert await drive(200, thread_id=thread_id, before=before, limit=2) == states[n + 1 : n + 3]
    assert await drive(200, thread_id=await a_thread(http)) == []
    await drive(404, thread_id=NOBODY)
    await drive(404, thread_id=thread_id, before=NOBODY)
    await drive(422, thread_id="7", field="thread_id")
    await drive(422, thread_id=thread_id, limit=0, field="limit")
    await drive(422, thread_id=thread_id, before="x", field="before")


@drives
async def copy_thread(drive: Driver, http: Http) -> None:
    thread_id = await a_thread(http, "Where is order 1001?", metadata={"a": 1})
    await call(http, "patch_thread", 200, {"values": {"k": 1}}, thread_id=thread_id)
    copy, thread = await drive(200, thread_id=thread_id), await call(http, "get_thread", thread_id=thread_id)
    assert copy["thread_id"] != thread_id
    for name in ("metadata", "values", "messages", "status"):
        assert copy[name] == thread[name]
    assert await call(http, "get_thread", thread_id=copy["thread_id"]) == copy
    tales = [await call(http, "get_thread_history", thread_id=one) for one in (thread_id, copy["thread_id"])]
    assert [(s["values"], s["messages"]) for s in tales[0]] == [(s["values"], s["messages"]) for s in tales[1]]
    await call(http, "delete_thread", 204, thread_id=thread_id)
    assert await call(http, "get_thread", thread_id=copy["thread_id"]) == copy
    await drive(404, thread_id=NOBODY)
    await drive(422, thread_id="7", field="thread_id")


@drives
async def get_thread(drive: Driver, http: Http) -> None:
    thread = await drive(200, thread_id=await a_thread(http, "Where is order 1001?"))
    assert lacking(thread, "Thread") == set()
    roles = [message["role"] for message in thread["messages"]]
    assert roles == ["user", "assistant", "tool", "assistant"]
    asked, called, told, said = (message["content"] for message in thread["messages"])
    assert asked == "Where is order 1001?"
    assert called[0]["type"] == "tool_call"
    assert (told[0]["type"], told[0]["call_id"]) == ("tool_result", called[0]["call_id"])
    assert thread["values"] == {"output": said}
    await drive(404, thread_id=NOBODY)
    await drive(422, thread_id="7", field="thread_id")


@drives
async def delete_thread(drive: Driver, http: Http) -> None:
    thread_id = await a_thread(http, "Where is order 1001?")
    (run,) = await call(http, "search_runs", 200, {"thread_id": thread_id})
    await drive(204, thread_id=thread_id)
    await drive(404, thread_id=thread_id)
    await call(http, "get_run", 404, run_id=run["run_id"])
    waiting = await a_waiting_run(http)
    busy = await drive(409, thread_id=waiting["thread_id"])
    assert (busy["code"], busy["run_id"]) == ("thread_busy", waiting["run_id"])
    await call(http, "cancel_run", 204, run_id=waiting["run_id"], wait=True)
    await drive(204, thread_id=waiting["thread_id"])
    await drive(422, thread_id="7", field="thread_id")


@drives
async def patch_thread(drive: Driver, http: Http) -> None:
    thread_id = await a_thread(http, "Where is order 1001?", metadata={"a": 1})
    before = await call(http, "get_thread", thread_id=thread_id)
    (first,) = await call(http, "get_thread_history", thread_id=thread_id)
    said = [
        {"role": "user", "content": [{"type": "text", "text": "more", "metadata": {"x": 1}}], "id": "m1"},
        {"role": "assistant", "content": "fine", "metadata": {"by": "hand"}, "mood": "good"},
        {"role": "assistant", "content": [{"type": "tool_call", "call_id": "c", "name": "look", "arguments": "{}"}]},
        {"role": "tool", "content": [{"type": "tool_result", "call_id": "c", "output": "seen"}]},
    ]
    body = {"metadata": {"b": 2}, "values": {"k": [1]}, "messages": said}
    after = await drive(200, body, thread_id=thread_id)
    assert after["metadata"] == {"a": 1, "b": 2}
    assert after["values"] == {**before["values"], "k": [1]}
    assert after["messages"] == before["messages"] + said
    assert await call(http, "get_thread", thread_id=thread_id) == after
    assert (await drive(200, {"metadata": {"c": 3}}, thread_id=thread_id))["messages"] == after["messages"]
    branch = {"checkpoint": first["checkpoint"], "values": {"messages": said[:1]}}
    branched = await drive(200, branch, thread_id=thread_id)
    assert (branched["values"], branched["messages"]) == (before["values"], before["messages"] + said[:1])
    states = await call(http, "get_thread_history", thread_id=thread_id)
    assert [len(s["messages"]) for s in states] == [len(t["messages"]) for t in (branched, after, before)]
    await drive(404, {"values": {}}, thread_id=NOBODY)
    await drive(404, {"checkpoint": {"checkpoint_id": NOBODY}, "values": {}}, thread_id=thread_id)
    await drive(422, {}, thread_id="7", field="thread_id")
    waiting = await a_waiting_run(http)
    assert (await drive(409, {"values": {}}, thread_id=waiting["thread_id"]))["code"] == "thread_busy"
    await drive(200, {"metadata": {"a": 1}}, thread_id=waiting["thread_id"])
    wrong: dict[str, Any] = {
        "metadata": [], "values": 7, "messages.0.role": [{"role": "wizard", "content": "a"}],
        "checkpoint.checkpoint_id": {"checkpoint_id": 7},
    }  # fmt: skip
    for field, value in wrong.items():
        await drive(422, {field.partition(".")[0]: value}, thread_id=thread_id, fits=False, field=field)
    result = {"role": "tool", "content": [{"type": "tool_result", "output": "seen"}]}
    await drive(422, {"messages": [result]}, thread_id=thread_id, field="messages.0.content.0.call_id")
    assert await call(http, "get_thread", thread_id=thread_id) == branched


# -- runs


@drives
async def search_runs(drive: Driver, http: Http) -> None:
    thread_id = await a_thread(http, "hello")
    waiting = await a_waiting_run(http)
    body = {"agent_id": "support", "input": "hi", "metadata": {"a": [1, {"b": 2}]}}
    other = (await call(http, "create_and_wait_run", 200, body))["run"]
    (first,) = await drive(200, {"thread_id": thread_id, "agent_id": "support", "status": "success", "limit": 1})
    everything = await drive(200, {})
    assert [one["run_id"] for one in everything] == [other["run_id"], waiting["run_id"], first["run_id"]]
    assert [one["run_id"] for one in await drive(200, {"metadata": {"a": [{"b": 2}]}})] == [other["run_id"]]
    assert [one["run_id"] for one in await drive(200, {"status": "interrupted"})] == [waiting["run_id"]]
    assert await drive(200, {"limit": 1, "offset": 1}) == everything[1:2]
    assert await drive(200, {"agent_id": "account_manager"}) == await drive(200, {"status": "timeout"}) == []
    await drive(404, {"thread_id": NOBODY})
    await drive(404, {"agent_id": "nobody"})
    wrong = {"metadata": 7, "status": "running", "thread_id": "7", "agent_id": 7, "limit": 1001, "offset": -1}
    for field, value in wrong.items():
        await drive(422, {field: value}, fits=False, field=field)


@drives
async def get_run(drive: Driver, http: Http) -> None:
    waiting = await a_waiting_run(http)
    assert await drive(200, run_id=waiting["run_id"]) == waiting
    await drive(404, run_id=NOBODY)
    await drive(422, run_id="7", field="run_id")


@drives
async def delete_run(drive: Driver, http: Http) -> None:
    thread_id = await a_thread(http, "Where is order 1001?")
    (run,) = await call(http, "search_runs", 200, {"thread_id": thread_id})
    thread = await call(http, "get_thread", thread_id=thread_id)
    history = await call(http, "get_thread_history", thread_id=thread_id)
    await drive(204, run_id=run["run_id"])
    await drive(404, run_id=run["run_id"])
    after = await call(http, "get_thread", thread_id=thread_id)
    assert (after["values"], after["messages"]) == (thread["values"], thread["messages"])
    (state,) = await call(http, "get_thread_history", thread_id=thread_id)
    assert {**state, "metadata": {}} == {**history[0], "metadata": {}}
    waiting = await a_waiting_run(http)
    assert (await drive(409, run_id=waiting["run_id"]))["code"] == "run_unfinished"
    await call(http, "cancel_run", 204, run_id=waiting["run_id"], wait=True)
    await drive(204, run_id=waiting["run_id"])
    await drive(422, run_id="7", field="run_id")


@drives
async def wait_run(drive: Driver, http: Http) -> None:
    run = await call(http, "create_run", 200, {"agent_id": "support", "input": "Where is order 1001?"})
    first = await drive(200, run_id=run["run_id"])
    assert lacking(first, "RunWaitResponse") == set()
    assert first["run"]["status"] == "success"
    assert first["messages"] == [{"role": "assistant", "content": first["values"]["output"]}]
    assert await drive(200, run_id=run["run_id"]) == first
    waiting = await a_waiting_run(http)
    assert (await drive(200, run_id=waiting["run_id"]))["run"]["status"] == "interrupted"
    await drive(404, run_id=NOBODY)
    await drive(422, run_id="7", field="run_id")


@drives
async def stream_run(drive: Driver, http: Http) -> None:
    waiting = await a_waiting_run(http)
    await call(http, "cancel_run", 204, run_id=waiting["run_id"])
    events = await drive(200, run_id=waiting["run_id"])
    lasting = [event.type for event in events if event.type != "status"]
    assert lasting in ([], ["cancelled"])  # nothing of what was before
    assert await drive(200, run_id=waiting["run_id"]) == []
    await drive(404, run_id=NOBODY)
    await drive(422, run_id="7", field="run_id")


@drives
async def cancel_run(drive: Driver, http: Http) -> None:
    kept = await a_waiting_run(http)
    await drive(204, run_id=kept["run_id"], wait=True, action="interrupt")
    assert (await call(http, "get_run", run_id=kept["run_id"]))["status"] == "interrupted"
    assert (await call(http, "get_thread", thread_id=kept["thread_id"]))["messages"]
    await drive(204, run_id=kept["run_id"])
    dropped = await a_waiting_run(http)
    await drive(204, run_id=dropped["run_id"], wait=True, action="rollback")
    assert (await call(http, "get_thread", thread_id=dropped["thread_id"]))["messages"] == []
    assert await call(http, "get_thread_history", thread_id=dropped["thread_id"]) == []
    said = {"agent_id": "account_manager", "input": 'Send the customer a message: "hi", then sleep 1 hour'}
    asleep = (await call(http, "create_and_wait_run", 200, said))["run"]
    assert asleep["state"] == "sleeping"
    assert (await drive(409, run_id=asleep["run_id"], action="rollback"))["code"] == "effects_happened"
    await drive(404, run_id=NOBODY)
    await drive(422, run_id="7", field="run_id")
    await drive(422, run_id=kept["run_id"], wait="perhaps", field="wait")
    await drive(422, run_id=kept["run_id"], action="hope", field="action")


@drives
async def create_run(drive: Driver, http: Http) -> None:
    thread_id = await a_thread(http)
    said = {"role": "user", "content": [{"type": "text", "text": "hello"}], "id": "m1", "metadata": {"x": 1}}
    whole: dict[str, Any] = {
        "thread_id": thread_id, "agent_id": "support", "metadata": {"a": {"b": [1]}}, "messages": [said],
        "config": {"tags": ["t"], "recursion_limit": 7, "configurable": {"c": 1}},
        "webhook": "https://example.com/hook", "on_completion": "keep", "on_disconnect": "cancel",
        "if_not_exists": "create", "stream_mode": ["values", "custom"],
    }  # fmt: skip
    run = await drive(200, whole)
    assert lacking(run, "Run") == set()
    assert {name: run[name] for name in whole} == whole
    await call(http, "wait_run", run_id=run["run_id"])
    after = await call(http, "get_run", run_id=run["run_id"])
    assert {name: after[name] for name in whole} == whole
    assert (await call(http, "get_thread", thread_id=thread_id))["messages"][0] == said
    for input in ("hello", ["hello"], {"question": "hello", "n": 1}, 7, 1.5, True, [{"role": "user", "content": "x"}]):
        assert (await drive(200, {"agent_id": "support", "input": input}))["input"] == input
    short = await drive(200, {"input": None, "thread_id": thread_id})
    assert (short["agent_id"], short["input"], short["on_completion"]) == ("support", None, "keep")
    defaults = {**DEFAULTS["RunStream"], "on_disconnect": "continue", "on_completion": "delete"}
    plain = await drive(200, {"agent_id": "support", "input": "hello"})
    assert {name: plain[name] for name in defaults} == defaults
    await _refused_alike(drive, http)


async def _refused_alike(drive: Driver, http: Http) -> None:
    """What the three operations that create a run refuse."""
    body = {"agent_id": "support", "input": "hello"}
    runs, threads = await _there(http)
    await drive(404, {**body, "agent_id": "nobody"})
    await drive(404, {**body, "thread_id": NOBODY})
    wrong: dict[str, Any] = {
        "thread_id": "7", "agent_id": 7, "input": [], "messages": 7, "metadata": [], "config.tags": {"tags": 7},
        "config.recursion_limit": {"recursion_limit": 0}, "config.configurable": {"configurable": 7}, "webhook": "",
        "on_completion": "hope", "on_disconnect": "hope", "if_not_exists": "hope", "stream_mode": "hope",
    }  # fmt: skip
    for field, value in wrong.items():
        await drive(422, {**body, field.partition(".")[0]: value}, fits=False, field=field)
    await drive(422, {"input": "hello"}, field="agent_id")
    await drive(422, {"agent_id": "support"}, field="input")
    await drive(422, {**body, "thread_id": await a_thread(http), "input": None}, field="input")
    runs_after, threads_after = await _there(http)
    assert (runs_after - runs, len(threads_after - threads)) == (set(), 1)  # the thread that was made just now
    waiting = await a_waiting_run(http)
    busy = await drive(409, {**body, "thread_id": waiting["thread_id"]})
    assert (busy["code"], len(busy["questions"])) == ("input_required", 1)


async def _there(http: Http) -> tuple[set[str], set[str]]:
    """The ids of all runs and of all threads."""
    runs = await call(http, "search_runs", 200, {"limit": 1000})
    threads = await call(http, "search_threads", 200, {"limit": 1000})
    return {one["run_id"] for one in runs}, {one["thread_id"] for one in threads}


@drives
async def create_and_stream_run(drive: Driver, http: Http) -> None:
    body = {"agent_id": "support", "input": "Where is order 1001?"}
    everything = await drive(200, body)
    assert unfit(everything[0].data, "Run") == []
    kinds = [event.type for event in everything]
    assert (kinds[0], kinds[-2:]) == ("run", ["values", "finished"])
    assert {"delta", "message", "tool_result"} <= set(kinds)
    assert everything[-2].data["output"] == everything[-1].data["output"]
    told = {mode: {event.type for event in await drive(200, {**body, "stream_mode": mode})} for mode in _MODES}
    for mode, (there, missing) in _MODES.items():
        assert there | {"run", "finished"} <= told[mode], mode
        assert not missing & told[mode], mode
    both = {event.type for event in await drive(200, {**body, "stream_mode": ["messages", "updates"]})}
    assert {"delta", "tool_result"} <= both
    await _refused_alike(drive, http)


_MODES: dict[str, tuple[set[str], set[str]]] = {
    "values": ({"delta", "message", "tool_result", "values"}, set()),
    "messages": ({"delta", "message"}, {"tool_result", "values"}),
    "updates": ({"message", "tool_result"}, {"delta", "values"}),
    "custom": (set(), {"delta", "message", "tool_result", "values"}),
}


@drives
async def create_and_wait_run(drive: Driver, http: Http) -> None:
    answer = await drive(200, {"agent_id": "support", "input": "Where is order 1001?"})
    assert lacking(answer, "RunWaitResponse") == lacking(answer["run"], "Run") - {"webhook"} == set()
    assert "1001" in answer["values"]["output"]
    assert answer["messages"] == [{"role": "assistant", "content": answer["values"]["output"]}]
    # Without a thread it gets one of its own, which goes; the run stays.
    await call(http, "get_thread", 404, thread_id=answer["run"]["thread_id"])
    assert (await call(http, "wait_run", run_id=answer["run"]["run_id"]))["values"] == answer["values"]
    await _refused_alike(drive, http)


@pytest.mark.parametrize("name", sorted(set(BY_ID) - DRIVEN_ELSEWHERE))
def test_an_operation_does_what_the_protocol_says(name: str, tmp_path: Path) -> None:
    operation = BY_ID[name]

    async def test(http: Http) -> None:
        driver = Driver(http, operation)
        await DRIVES[name](driver, http)
        wanted = {status for status in operation.statuses if (name, status) not in NEVER}
        assert driver.statuses == wanted | {status for of, status in OURS if of == name}

    on(tmp_path, test)


# -- the table itself


def test_the_openapi_description_has_the_protocols_operations(tmp_path: Path) -> None:
    service = app.build(settings.load({}, database_url=f"sqlite:///{tmp_path}/x.db"))
    described = create_app(service).openapi()["paths"]
    for operation in OPERATIONS:
        if operation.id in DRIVEN_ELSEWHERE and "/store/" not in operation.path:
            continue
        found = described[operation.path][operation.verb.lower()]
        assert found["operationId"] == operation.id
        assert found.get("requestBody", {}).get("required", False) == bool(operation.body)
        documented = set(found["responses"])
        assert {str(status) for status in operation.statuses if (operation.id, status) not in NEVER} <= documented
        query = {p["name"] + ("*" if p["required"] else "") for p in found.get("parameters", ()) if p["in"] == "query"}
        assert set(operation.query) <= query


@pytest.mark.skipif(not protocol_file.FILE.exists(), reason="the specification's file is not kept with the code")
def test_the_table_says_what_the_specification_says() -> None:
    spec = json.loads(protocol_file.FILE.read_text())
    ours = {
        one.id: (one.verb, one.path, set(one.statuses), one.body, one.answer, one.query, one.stream)
        for one in OPERATIONS
    }
    assert ours == protocol_file.operations(spec)
    schemas = protocol_file.schemas(spec)
    # The file requires a run's metadata in a part of the schema that does not describe it.
    schemas["Run"]["metadata*"] = schemas["Run"].pop("metadata")
    assert schemas == SCHEMAS
    assert protocol_file.defaults(spec) == {**DEFAULTS, "Run": DEFAULTS["RunStream"]}
    named = spec["components"]["schemas"]
    assert {name: protocol_file.spelled(named[name]) for name in NAMED} == NAMED
    assert set(named) == set(NAMED) | (set(SCHEMAS) & set(named))
