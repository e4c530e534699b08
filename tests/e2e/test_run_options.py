"""What clients say of a run beside its input: what becomes of its thread, of the run without them, and which agent."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from agents import Agent, function_tool

from agentcore.registry import AgentSpec
from agentcore.service import Service
from agentcore.testing import Script, call, say
from agentcore.tools import schedule
from tests.e2e.http import REFUND, Http, ok, on, refused, waited


def served(http: Http) -> Any:
    """The application that answers."""
    assert isinstance(http._transport, httpx.ASGITransport)
    return http._transport.app


def service(http: Http) -> Service:
    found: Service = served(http).state.service
    return found


class Slow:
    """An agent whose tool takes until it is let go."""

    def __init__(self, http: Http, patch: pytest.MonkeyPatch) -> None:
        self.begun, self.let_go = asyncio.Event(), asyncio.Event()

        @function_tool
        async def hold() -> str:
            self.begun.set()
            await self.let_go.wait()
            return "held"

        turns = [call("hold", id="h")], [say("done")]
        agent = Agent(name="slow", model=Script(*turns), tools=[hold])
        patch.setitem(service(http).registry.specs, "slow", AgentSpec(name="slow", target=agent))


async def eventually(look: Callable[[], Awaitable[Any]]) -> Any:
    async with asyncio.timeout(20):
        while not (found := await look()):  # noqa: ASYNC110 - what it waits for is in a database
            await asyncio.sleep(0.02)
        return found


async def left(http: Http, path: str, body: dict[str, Any], when: asyncio.Event) -> asyncio.Task[None]:
    """A request whose client goes away at that moment."""
    given = [{"type": "http.request", "body": json.dumps(body).encode(), "more_body": False}]

    async def receive() -> Any:
        if given:
            return given.pop()
        await when.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        pass

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "path": path,
        "raw_path": path.encode(), "query_string": b"", "root_path": "", "scheme": "http", "server": ("test", 80),
        "headers": [(b"host", b"test"), (b"content-type", b"application/json")], "client": ("test", 1),
    }  # fmt: skip
    return asyncio.create_task(served(http)(scope, receive, send))


@pytest.mark.parametrize("path", ["/runs/wait", "/runs/stream"])
@pytest.mark.parametrize("word", ["cancel", "continue", None])
def test_a_client_that_goes_away_stops_its_run_only_if_it_said_so(
    tmp_path: Path, path: str, word: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(http: Http) -> None:
        slow, gone = Slow(http, monkeypatch), asyncio.Event()
        body = {"agent_id": "slow", "input": "go", **({"on_disconnect": word} if word else {})}
        request = await left(http, path, body, gone)
        await slow.begun.wait()
        (run,) = ok(await http.post("/runs/search", json={}))
        assert run["on_disconnect"] == (word or "continue")
        gone.set()

        async def asked() -> Any:
            return ok(await http.get(f"/runs/{run['run_id']}"))["cancel_requested"]

        if word == "cancel":
            assert await eventually(asked) == "interrupt"
        slow.let_go.set()
        await request
        assert ok(await http.get(f"/runs/{run['run_id']}/wait"))["run"]["finished_at"]
        assert await asked() == ("interrupt" if word == "cancel" else None)

    on(tmp_path, test)


def test_a_server_that_stops_is_no_client_that_goes_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(http: Http) -> None:
        for path in ("/runs/wait", "/runs/stream"):
            slow, gone = Slow(http, monkeypatch), asyncio.Event()
            request = await left(http, path, {"agent_id": "slow", "input": "go", "on_disconnect": "cancel"}, gone)
            await slow.begun.wait()
            served(http).state.closing.set()
            await request
            run = ok(await http.post("/runs/search", json={"limit": 1}))[0]
            served(http).state.closing.clear()
            slow.let_go.set()
            assert ok(await http.get(f"/runs/{run['run_id']}/wait"))["run"]["state"] == "succeeded"

    on(tmp_path, test)


def test_a_run_without_a_thread_leaves_none_and_can_be_read(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        run = ok(await http.post("/runs", json={"agent_id": "support", "input": "Where is order 1001?"}))
        assert run["on_completion"] == "delete"
        answer = ok(await http.get(f"/runs/{run['run_id']}/wait"))
        assert "1001" in answer["values"]["output"]
        refused(await http.get(f"/threads/{run['thread_id']}"), 404, "not_found")
        refused(await http.get(f"/threads/{run['thread_id']}/items"), 404, "not_found")
        assert ok(await http.post("/threads/search", json={})) == []
        assert ok(await http.get(f"/runs/{run['run_id']}/wait")) == answer
        listed = ok(await http.post("/runs/search", json={"thread_id": run["thread_id"]}))
        assert [one["run_id"] for one in listed] == [run["run_id"]]
        again = {"agent_id": "support", "input": "and?", "thread_id": run["thread_id"], "if_not_exists": "create"}
        refused(await http.post("/runs", json=again), 404, "not_found")
        refused(await http.post("/threads", json={"thread_id": run["thread_id"]}), 409, "conflict")
        ok(await http.delete(f"/runs/{run['run_id']}"), 204)
        assert ok(await http.post("/threads", json={"thread_id": run["thread_id"]}))["messages"] == []

    on(tmp_path, test)


def test_a_run_on_a_thread_may_delete_it_and_one_without_may_keep_it(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        kept = (await waited(http, "hello", on_completion="keep"))["run"]
        thread_id = kept["thread_id"]
        assert ok(await http.get(f"/threads/{thread_id}"))["messages"]
        assert (await waited(http, "hello", thread_id=thread_id))["run"]["on_completion"] == "keep"
        assert ok(await http.get(f"/threads/{thread_id}"))["values"]["output"]
        await waited(http, "hello", thread_id=thread_id, on_completion="delete")
        refused(await http.get(f"/threads/{thread_id}"), 404, "not_found")

    on(tmp_path, test)


def test_a_thread_stays_while_its_run_waits_for_a_person(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        answer = await waited(http, REFUND)
        (asked,), thread_id = answer["questions"], answer["run"]["thread_id"]
        assert ok(await http.get(f"/threads/{thread_id}"))["status"] == "interrupted"
        ok(await http.post(f"/approvals/{asked['approval_id']}", json={"decision": "approve"}))
        assert ok(await http.get(f"/runs/{asked['run_id']}/wait"))["run"]["status"] == "success"
        refused(await http.get(f"/threads/{thread_id}"), 404, "not_found")

    on(tmp_path, test)


def test_an_alarm_clock_that_a_run_sets_keeps_its_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(http: Http) -> None:
        turns = [call("schedule", {"name": "n", "input": "check", "when": "2h"}, id="s")], [say("done")]
        agent = Agent(name="clock", model=Script(*turns), tools=[schedule])
        monkeypatch.setitem(service(http).registry.specs, "clock", AgentSpec(name="clock", target=agent))
        run = (await waited(http, "go", agent="clock"))["run"]
        clocks = ok(await http.get("/schedules"))
        assert [one["thread_id"] for one in clocks] == [run["thread_id"]], run["output"]
        assert ok(await http.get(f"/threads/{run['thread_id']}"))["status"] == "idle"

    on(tmp_path, test)


def test_the_agent_is_the_threads_or_the_only_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(http: Http) -> None:
        thread_id = (await waited(http, "hello", agent="account_manager", on_completion="keep"))["run"]["thread_id"]
        again = ok(await http.post("/runs/wait", json={"thread_id": thread_id, "input": "hello"}))
        assert again["run"]["agent_id"] == "account_manager"
        refused(await http.post("/runs", json={"input": "hello"}), 422, "invalid", "agent_id")
        monkeypatch.delitem(service(http).registry.specs, "account_manager")
        assert ok(await http.post("/runs/wait", json={"input": "hello"}))["run"]["agent_id"] == "support"

    on(tmp_path, test)


def test_a_run_may_go_on_from_what_its_thread_has(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        thread_id = str(uuid4())
        ok(await http.post("/threads", json={"thread_id": thread_id}))
        told = {"messages": [{"role": "user", "content": "Where is order 1001?", "id": "m1"}]}
        ok(await http.patch(f"/threads/{thread_id}", json=told))
        run = ok(await http.post("/runs/wait", json={"agent_id": "support", "thread_id": thread_id}))["run"]
        assert "1001" in run["output"]
        assert (run["input"], run["messages"]) == (None, [])

    on(tmp_path, test)


def test_an_object_as_input_is_told_as_json_and_is_among_the_values(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        given = {"question": "Where is order 1001?", "vip": True}
        run = (await waited(http, given, on_completion="keep"))["run"]
        thread = ok(await http.get(f"/threads/{run['thread_id']}"))
        assert (run["input"], thread["values"]) == (given, {"input": given, "output": run["output"]})
        found = ok(await http.post("/threads/search", json={"values": {"input": {"vip": True}}}))
        assert [one["thread_id"] for one in found] == [run["thread_id"]]
        assert json.loads(thread["messages"][0]["content"]) == given
        mixed = {"messages": [{"role": "user", "content": "hello", "id": "m7"}], "lang": "en"}
        run = (await waited(http, mixed, on_completion="keep"))["run"]
        thread = ok(await http.get(f"/threads/{run['thread_id']}"))
        assert (run["input"], thread["values"]["input"]) == (mixed, {"lang": "en"})
        assert thread["messages"][0] == mixed["messages"][0]

    on(tmp_path, test)


def test_the_webhook_is_kept_with_the_run(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        run = (await waited(http, "hello", webhook="https://example.com/x"))["run"]
        assert run["webhook"] == "https://example.com/x"
        assert (await service(http).store.run("default", run["run_id"])).webhook == "https://example.com/x"
        assert "webhook" not in (await waited(http, "hello"))["run"]

    on(tmp_path, test)


def test_the_same_key_with_another_option_is_another_request(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        body, key = {"agent_id": "support", "input": "hello"}, {"Idempotency-Key": "k"}
        run = ok(await http.post("/runs/wait", json=body, headers=key))["run"]
        for change in ({"on_completion": "keep"}, {"webhook": "https://example.com/x"}, {"on_disconnect": "cancel"}):
            refused(await http.post("/runs", json={**body, **change}, headers=key), 409, "idempotency_mismatch")
        assert ok(await http.post("/runs", json=body, headers=key))["run_id"] == run["run_id"]
        ok(await http.delete(f"/runs/{run['run_id']}"), 204)
        refused(await http.post("/runs", json=body, headers=key), 409, "conflict")

    on(tmp_path, test)


def test_a_registration_says_what_clients_may_know_of_an_agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(http: Http) -> None:
        schema = {"type": "object", "properties": {"answer": {"type": "integer"}}}
        spec = AgentSpec(name="maths", target="x:y", version="7", metadata={"team": "a"}, output_schema=schema)
        monkeypatch.setitem(service(http).registry.specs, "maths", spec)
        (found,) = ok(await http.post("/agents/search", json={"metadata": {"team": "a"}}))
        assert (found["agent_id"], found["metadata"], found["version"]) == ("maths", {"team": "a"}, "7")
        schemas = ok(await http.get("/agents/maths/schemas"))
        assert schemas["output_schema"] == schema
        assert schemas["state_schema"]["properties"]["output"]["properties"] == schema["properties"]

    on(tmp_path, test)


def test_a_tenant_has_so_many_threads(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        first = ok(await http.post("/threads", json={}))["thread_id"]
        full = refused(await http.post("/threads", json={}), 429, "limit_exceeded")
        assert "AGENTCORE_THREADS_PER_TENANT" in full["message"]
        refused(await http.post(f"/threads/{first}/copy"), 429, "limit_exceeded")
        refused(await http.post("/runs", json={"agent_id": "support", "input": "hello"}), 429, "limit_exceeded")
        await waited(http, "hello", thread_id=first)
        ok(await http.delete(f"/threads/{first}"), 204)
        ok(await http.post("/threads", json={}))

    on(tmp_path, test, threads_per_tenant=1)
