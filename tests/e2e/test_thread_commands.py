"""Commands to a thread (Agent Protocol, operation 22): what one changes, another reads back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from agents import Agent
from sqlalchemy import text

from agentcore.api.commands import Desk, answer
from agentcore.auth import Principal
from agentcore.store.sql import SqlStore
from agentcore.testing import call, say
from tests.e2e.served import Json, World, ended, on, take
from tests.engine import world as scripted
from tests.harness import TENANT

THREAD, NOBODY = "0190f5c2-0000-7000-8000-00000000000a", "0190f5c2-0000-7000-8000-00000000000b"


@pytest.fixture
def agents(tmp_path: Path) -> scripted.World:
    return scripted.World(tmp_path)


def plain(w: World, agents: scripted.World) -> None:
    w.it.agent(lambda: agents.agent([say("hello")]))


def payer(w: World, agents: scripted.World, *ids: str) -> None:
    calls = [call("pay", {}, id=id) for id in ids]
    w.it.agent(lambda: agents.agent(calls, [say("done")], tools=[agents.tool("pay", needs_approval=True)]))


async def there(w: World) -> None:
    await w.it.service.create_thread(TENANT, thread_id=THREAD)


async def ok(w: World, method: str, thread_id: str = THREAD, **params: Any) -> Any:
    told = await w.command(thread_id, method, **params)
    assert told["type"] == "success", told
    return told["result"]


async def refused(w: World, code: str, method: str, **params: Any) -> Json:
    told = await w.command(THREAD, method, **params)
    assert (told["type"], told.get("error")) == ("error", code), told
    assert told["message"]
    return told


async def started(w: World, input: Any = "go", **params: Any) -> Any:
    """Start a run and let it go as far as it goes."""
    found = await ok(w, "run.start", assistantId="main", input=input, **params)
    told = (await w.http.get(f"/runs/{found['runId']}/wait", timeout=30)).json()
    assert told["run"]["status"] != "pending"
    return told["run"]


async def asked(w: World, run: Json) -> list[Json]:
    found: list[Json] = (await w.http.get("/approvals", params={"run_id": run["run_id"]})).json()
    return found


def test_run_start_begins_a_thread_that_is_not_there_and_goes_on_in_it(tmp_path: Path, agents: scripted.World) -> None:
    async def test(w: World) -> None:
        plain(w, agents)
        first = await started(w, config={"recursion_limit": 3}, metadata={"a": 1})
        assert (first["thread_id"], first["status"], first["metadata"]) == (THREAD, "success", {"a": 1})
        second = await started(w, [{"role": "user", "content": "again"}])
        assert second["thread_id"] == THREAD
        values = (await ok(w, "state.get", namespace=[]))["values"]
        assert [(m["role"], m["content"]) for m in values["messages"]] == [
            ("user", "go"), ("assistant", "hello"), ("user", "again"), ("assistant", "hello"),
        ]  # fmt: skip

    on(tmp_path, test)


@pytest.mark.parametrize("given", [True, "approve", {"type": "accept"}, {"decision": "approve", "note": "fine"}])
def test_run_start_answers_what_is_asked(tmp_path: Path, agents: scripted.World, given: Any) -> None:
    async def test(w: World) -> None:
        payer(w, agents, "p")
        run = await started(w)
        assert run["state"] == "waiting"
        told = await refused(w, "invalid_argument", "run.start", assistantId="main", input="never mind")
        assert told["meta"]["field"] == "input"
        assert (await started(w, given))["run_id"] == run["run_id"]
        assert (await w.http.get(f"/runs/{run['run_id']}")).json()["output"] == "done"
        assert agents.count("pay") == 1

    on(tmp_path, test)


def test_parallel_questions_are_answered_together(tmp_path: Path, agents: scripted.World) -> None:
    async def test(w: World) -> None:
        payer(w, agents, "p", "q")
        run = await started(w)
        one, two = [q["approval_id"] for q in await asked(w, run)]
        await refused(w, "invalid_argument", "run.start", assistantId="main", input=True)
        told = ((one, True), (NOBODY, True))
        answers: list[Json] = [{"namespace": [], "interruptId": id, "response": r} for id, r in told]
        await refused(w, "no_such_interrupt", "input.respond", responses=answers)
        assert len(await asked(w, run)) == 2  # the other was not decided
        answers[1] = {"namespace": [], "interruptId": two, "response": {"type": "reject", "message": "too much"}}
        assert await ok(w, "input.respond", responses=answers) == {}
        assert (await w.http.get(f"/runs/{run['run_id']}/wait")).json()["run"]["status"] == "success"
        assert agents.count("pay") == 1
        decided = {q["approval_id"]: q for q in (await w.http.get("/approvals?status=rejected")).json()}
        assert decided[two]["note"] == "too much"
        await refused(w, "no_such_interrupt", "input.respond", **answers[0])

    on(tmp_path, test)


def test_run_start_with_several_questions_names_them(tmp_path: Path, agents: scripted.World) -> None:
    async def test(w: World) -> None:
        payer(w, agents, "p", "q")
        run = await started(w)
        ids = [q["approval_id"] for q in await asked(w, run)]
        again = await ok(w, "run.start", assistantId="main", input={ids[0]: True, ids[1]: "approve"})
        assert again["runId"] == run["run_id"]
        assert (await w.http.get(f"/runs/{run['run_id']}/wait")).json()["run"]["status"] == "success"
        assert agents.count("pay") == 2

    on(tmp_path, test)


def test_what_is_said_to_a_run_at_work_comes_behind_it(tmp_path: Path, agents: scripted.World) -> None:
    async def test(w: World) -> None:
        plain(w, agents)
        first = await ok(w, "run.start", assistantId="main", input="go")  # nobody works on it yet
        second = await ok(w, "run.start", assistantId="main", input="and this")
        third = await ok(w, "input.inject", namespace=[], message={"role": "user", "content": "and that"})
        assert len({first["runId"], second["runId"], third["runId"]}) == 3
        await w.it.work()
        said = (await ok(w, "state.get", namespace=[], keys=["messages"]))["values"]["messages"]
        assert [m["content"] for m in said if m["role"] == "user"] == ["go", "and this", "and that"]
        marks = (await ok(w, "state.listCheckpoints"))["checkpoints"]
        assert [m["metadata"]["runId"] for m in marks] == [third["runId"], second["runId"], first["runId"]]

    on(tmp_path, test, working=False)


def test_a_sleeping_run_is_woken_by_what_is_injected(tmp_path: Path, agents: scripted.World) -> None:
    from agentcore.tools import sleep_until

    async def test(w: World) -> None:
        sleeper = [call("sleep_until", {"when": "2h"}, id="s")]
        w.it.agent(lambda: agents.agent(sleeper, [say("up")], tools=[sleep_until]))
        run = (await ok(w, "run.start", assistantId="main", input="go"))["runId"]
        await w.it.work()
        assert (await w.http.get(f"/runs/{run}")).json()["state"] == "sleeping"
        tree = (await ok(w, "agent.getTree"))["tree"]
        assert (tree["status"], tree["metadata"]) == ("running", {"runId": run, "status": "sleeping"})
        await ok(w, "input.inject", namespace=[], message={"role": "user", "content": "wake up"})
        await w.it.work()
        assert (await w.http.get(f"/runs/{run}")).json()["output"] == "up"

    on(tmp_path, test, working=False)


def test_a_fork_goes_its_own_way(tmp_path: Path, agents: scripted.World) -> None:
    async def test(w: World) -> None:
        plain(w, agents)
        for input in ("one", "two"):
            await started(w, input)
        marks = (await ok(w, "state.listCheckpoints"))["checkpoints"]
        assert [m["step"] for m in marks] == [2, 1]
        assert (await ok(w, "state.listCheckpoints", limit=1))["checkpoints"] == marks[:1]
        assert (await ok(w, "state.listCheckpoints", before=marks[0]["id"]))["checkpoints"] == marks[1:]
        assert (await ok(w, "state.get", namespace=[]))["checkpoint"]["id"] == marks[0]["id"]
        forked = await ok(w, "state.fork", checkpointId=marks[1]["id"], input="other")
        assert forked["threadId"] != THREAD
        run = (await w.http.get(f"/runs/{forked['runId']}/wait", timeout=30)).json()["run"]
        assert (run["thread_id"], run["status"]) == (forked["threadId"], "success")
        said = (await ok(w, "state.get", forked["threadId"], namespace=[]))["values"]["messages"]
        assert [m["content"] for m in said if m["role"] == "user"] == ["one", "other"]
        mine = (await ok(w, "state.get", namespace=[]))["values"]["messages"]
        assert [m["content"] for m in mine if m["role"] == "user"] == ["one", "two"]
        quiet = await ok(w, "state.fork", checkpointId=marks[0]["id"])
        assert quiet["runId"] == ""
        same = (await ok(w, "state.get", quiet["threadId"], namespace=[]))["values"]["messages"]
        assert [m["content"] for m in same] == [m["content"] for m in mine]

    on(tmp_path, test)


def test_a_stream_goes_on_where_the_state_was_read(tmp_path: Path, agents: scripted.World) -> None:
    async def test(w: World) -> None:
        plain(w, agents)
        await started(w)
        since = (await w.command(THREAD, "state.get", namespace=[]))["meta"]["appliedThroughSeq"]
        second = await started(w, "more")
        body = {"channels": ["lifecycle"], "since": since}
        async with w.stream("POST", f"/threads/{THREAD}/stream", json=body) as events:
            assert {e["data"]["runId"] for e in await take(events, ended)} == {second["run_id"]}

    on(tmp_path, test)


REFUSED: list[tuple[str, str, Json]] = [
    ("unknown_command", "run.stop", {}),
    ("unknown_command", "subscription.subscribe", {"channels": ["values"]}),
    ("invalid_argument", "run.start", {}),
    ("invalid_argument", "run.start", {"assistantId": "nobody", "input": "x"}),
    ("invalid_argument", "run.start", {"assistantId": "main", "input": ""}),
    ("invalid_argument", "run.start", {"assistantId": "main", "input": "x", "speed": 9}),
    ("invalid_argument", "run.start", {"assistantId": "main", "input": "x", "config": {"recursion_limit": 0}}),
    ("invalid_argument", "input.respond", {"namespace": []}),
    ("invalid_argument", "input.respond", {"responses": []}),
    ("invalid_argument", "input.respond", {"namespace": [], "interruptId": NOBODY, "response": 1, "goto": "x"}),
    ("no_such_interrupt", "input.respond", {"namespace": [], "interruptId": NOBODY, "response": True}),
    ("no_such_interrupt", "input.respond", {"namespace": [], "interruptId": "x", "response": True}),
    ("no_such_run", "input.inject", {"namespace": [], "message": {"role": "user", "content": "x"}}),
    ("invalid_argument", "input.inject", {"namespace": [], "message": {"role": "robot", "content": "x"}}),
    ("no_such_run", "agent.getTree", {"runId": NOBODY}),
    ("no_such_run", "agent.getTree", {"runId": "x"}),
    ("invalid_argument", "state.get", {}),
    ("no_such_namespace", "state.get", {"namespace": ["x"]}),
    ("no_such_namespace", "state.listCheckpoints", {"namespace": ["x"]}),
    ("invalid_argument", "state.listCheckpoints", {"limit": -1}),
    ("no_such_checkpoint", "state.listCheckpoints", {"before": NOBODY}),
    ("no_such_checkpoint", "state.fork", {"checkpointId": NOBODY}),
    ("no_such_checkpoint", "state.fork", {"checkpointId": "x"}),
    ("invalid_argument", "state.fork", {}),
]


def test_what_cannot_be_done_is_refused_in_the_protocols_codes_and_changes_nothing(
    tmp_path: Path, agents: scripted.World
) -> None:
    async def test(w: World) -> None:
        plain(w, agents)
        await started(w)
        for code, method, params in REFUSED:
            await refused(w, code, method, **params)
        mark = (await ok(w, "state.listCheckpoints"))["checkpoints"]
        assert len(mark) == 1
        await refused(w, "invalid_argument", "state.fork", checkpointId=mark[0]["id"], input=[])
        assert isinstance(w.it.store, SqlStore)
        for table in ("thread", "run"):
            assert (await w.it.store.database.fetch(text(f"select count(*) from {table}"), {}))[0][0] == 1

    on(tmp_path, test)


def test_a_question_is_answered_where_it_was_asked(tmp_path: Path, agents: scripted.World) -> None:
    """By the agent inside a tool call, too."""

    async def test(w: World) -> None:
        def make() -> Agent[Any]:
            pay = agents.tool("pay", needs_approval=True)
            expert = agents.agent([call("pay", {}, id="p")], [say("paid")], tools=[pay], name="expert")
            turns = [call("ask", {"input": "?"}, id="x")], [say("done")]
            return agents.agent(*turns, tools=[expert.as_tool("ask", "Ask.")])

        w.it.agent(make)
        run = await started(w)
        (question,) = await asked(w, run)
        told = {"interruptId": question["approval_id"], "response": True}
        await refused(w, "no_such_namespace", "input.respond", namespace=["y"], **told)
        await ok(w, "input.respond", namespace=["x"], **told)
        assert (await w.http.get(f"/runs/{run['run_id']}/wait", timeout=30)).json()["run"]["status"] == "success"

    on(tmp_path, test)


def test_another_threads_things_are_not_there(tmp_path: Path, agents: scripted.World) -> None:
    async def test(w: World) -> None:
        payer(w, agents, "p")
        other = (await w.http.post("/threads", json={})).json()["thread_id"]
        run = await started(w)
        (question,) = await asked(w, run)
        mine = {"namespace": [], "interruptId": question["approval_id"], "response": True}
        for code, method, params in (
            ("no_such_run", "agent.getTree", {"runId": run["run_id"]}),
            ("no_such_interrupt", "input.respond", mine),
        ):
            told = await w.command(other, method, **params)
            assert told.get("error") == code, told
        assert (await asked(w, run))[0]["status"] == "pending"

    on(tmp_path, test)


@pytest.mark.parametrize(
    ("scopes", "method", "params", "allowed"),
    [
        ({"threads:read"}, "state.get", {"namespace": []}, True),
        ({"threads:read"}, "agent.getTree", {}, True),
        ({"threads:read"}, "run.start", {"assistantId": "main", "input": "x"}, False),
        ({"runs:write"}, "run.start", {"assistantId": "main", "input": "x"}, False),  # as it would answer a question
        ({"runs:write"}, "input.inject", {"namespace": [], "message": {"role": "user", "content": "x"}}, True),
        (
            {"threads:read", "runs:write"},
            "input.respond",
            {"namespace": [], "interruptId": "x", "response": True},
            False,
        ),
        ({"threads:read"}, "state.fork", {"checkpointId": "x"}, False),
    ],
)
def test_each_command_takes_the_scope_of_what_it_does(
    tmp_path: Path, agents: scripted.World, scopes: Any, method: str, params: Json, allowed: bool
) -> None:
    async def test(w: World) -> None:
        payer(w, agents, "p")
        await started(w)
        who = Principal(tenant=TENANT, subject="key:narrow", scopes=frozenset(scopes))
        told = await answer(Desk(w.it.service, who, THREAD), 1, method, params)
        assert (told.get("error") != "permission_denied") is allowed, told

    on(tmp_path, test)


@pytest.mark.parametrize(
    ("thread", "body", "status"),
    [
        (NOBODY, {"id": 1, "method": "state.get", "params": {"namespace": []}}, 404),
        ("no-uuid", {"id": 1, "method": "state.get"}, 422),
        (THREAD, {"method": "state.get"}, 422),
        (THREAD, {"id": -1, "method": "state.get"}, 422),
        (THREAD, {"id": "1", "method": "state.get"}, 422),
        (THREAD, {"id": 1}, 422),
        (THREAD, {"id": 1, "method": "state.get", "params": []}, 422),
        (THREAD, {"id": 1, "method": "run.start", "params": {"assistantId": "main", "input": "a\0b"}}, 422),
    ],
)
def test_what_is_no_command_is_a_problem(tmp_path: Path, thread: str, body: Json, status: int) -> None:
    async def test(w: World) -> None:
        await there(w)
        told = await w.http.post(f"/threads/{thread}/commands", json=body)
        assert told.status_code == status, told.text
        assert told.headers["content-type"] == "application/problem+json"

    on(tmp_path, test, working=False)
