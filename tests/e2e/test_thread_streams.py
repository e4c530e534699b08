"""Streams of threads over a real server: our events, and the Agent Protocol's (operations 20 and 21)."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from agents import Agent
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from agentcore.testing import call, say
from tests.e2e.served import Json, World, ended, methods, on, serving, take
from tests.engine import world as scripted
from tests.engine.test_event_stream import Wordy
from tests.harness import TENANT, harness

THREAD, NOBODY = "0190f5c2-0000-7000-8000-00000000000a", "0190f5c2-0000-7000-8000-00000000000b"
ALL = ["values", "updates", "messages", "tools", "lifecycle", "input", "checkpoints", "tasks", "custom"]


@pytest.fixture
def agents(tmp_path: Path) -> scripted.World:
    return scripted.World(tmp_path)


def words(w: World, agents: scripted.World, pause: float = 0.005) -> None:
    """An agent that streams its words, calls a tool, and streams again."""
    w.it.agent(lambda: Agent(name="main", model=Wordy(agents, pause), tools=[agents.tool("look", kind="read")]))


def payer(w: World, agents: scripted.World, *ids: str) -> None:
    """An agent that needs a yes."""
    calls = [call("pay", {}, id=id) for id in ids]
    w.it.agent(lambda: agents.agent(calls, [say("done")], tools=[agents.tool("pay", needs_approval=True)]))


async def begin(w: World, **more: Any) -> Json:
    answer = await w.http.post(
        "/runs", json={"agent_id": "main", "input": "go", "thread_id": THREAD, "if_not_exists": "create", **more}
    )
    assert answer.status_code == 200, answer.text
    told: Json = answer.json()
    return told


async def over(w: World, run: Json) -> None:
    assert (await w.http.get(f"/runs/{run['run_id']}/wait", timeout=30)).json()["run"]["finished_at"]


# -- our own events


def test_a_thread_is_streamed_over_its_runs(tmp_path: Path, agents: scripted.World) -> None:
    async def test(w: World) -> None:
        words(w, agents)
        await w.it.service.create_thread(TENANT, thread_id=THREAD)
        async with w.stream("GET", f"/threads/{THREAD}/events") as events:
            first = await begin(w)
            seen = await take(events, lambda e: e["event"] == "finished")
            second = await begin(w)
            seen += await take(events, lambda e: e["event"] == "finished")
        assert [e["data"]["run_id"] for e in seen if e["event"] == "finished"] == [first["run_id"], second["run_id"]]
        lasting = [e for e in seen if "id" in e]
        last = lasting[-1]["id"]
        for n in (0, 3, len(lasting) // 2, len(lasting) - 2):
            headers = {"Last-Event-ID": lasting[n]["id"]}
            async with w.stream("GET", f"/threads/{THREAD}/events", headers=headers) as events:
                assert await take(events, lambda e: e.get("id") == last) == lasting[n + 1 :]

    on(tmp_path, test, delta_seconds=0.02)


def test_a_thread_can_be_polled(tmp_path: Path, agents: scripted.World) -> None:
    async def test(w: World) -> None:
        words(w, agents)
        await w.it.service.create_thread(TENANT, thread_id=THREAD)
        path, headers, after, found = f"/threads/{THREAD}/events", {"Accept": "application/json"}, "", list[Json]()
        assert (await w.http.get(path, headers=headers)).json() == {"events": [], "after": None}
        await begin(w)
        while not found or found[-1]["type"] != "finished":
            told = (await w.http.get(path, headers=headers, params={"after": after, "wait": 10}, timeout=30)).json()
            found, after = found + told["events"], told["after"]
        assert len({e["id"] for e in found}) == len(found)
        told = (await w.http.get(path, headers=headers, params={"after": after, "wait": 0.1})).json()
        assert told == {"events": [], "after": after}

    on(tmp_path, test, delta_seconds=0.02)


@pytest.mark.parametrize(
    ("method", "path", "options", "status", "code"),
    [
        ("GET", f"/threads/{NOBODY}/events", {}, 404, "not_found"),
        ("GET", "/threads/no-uuid/events", {}, 422, "invalid"),
        ("GET", f"/threads/{THREAD}/events", {"headers": {"Last-Event-ID": "x"}}, 422, "invalid"),
        ("POST", f"/threads/{NOBODY}/stream", {"json": {"channels": ["values"]}}, 404, "not_found"),
        ("POST", "/threads/no-uuid/stream", {"json": {"channels": ["values"]}}, 422, "invalid"),
        ("POST", f"/threads/{THREAD}/stream", {"json": {"channels": []}}, 422, "invalid"),
        ("POST", f"/threads/{THREAD}/stream", {"json": {"channels": ["everything"]}}, 422, "invalid"),
        ("POST", f"/threads/{THREAD}/stream", {"json": {"channels": ["values"], "since": -1}}, 422, "invalid"),
        ("POST", f"/threads/{THREAD}/stream", {"json": {"channels": ["values"], "depth": -1}}, 422, "invalid"),
        (
            "POST",
            f"/threads/{THREAD}/stream",
            {"content": b"{", "headers": {"Content-Type": "application/json"}},
            400,
            "malformed",
        ),
        ("GET", f"/threads/{THREAD}/stream", {}, 426, "upgrade_required"),
        ("GET", f"/threads/{NOBODY}/stream", {}, 404, "not_found"),
    ],
)
def test_what_cannot_be_streamed_is_refused(
    tmp_path: Path, method: str, path: str, options: Json, status: int, code: str
) -> None:
    async def test(w: World) -> None:
        await w.it.service.create_thread(TENANT, thread_id=THREAD)
        answer = await w.http.request(method, path, **options)
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text

    on(tmp_path, test, working=False)


# -- operation 20


def test_a_stream_begins_with_the_state_and_has_all_channels(tmp_path: Path, agents: scripted.World) -> None:
    async def test(w: World) -> None:
        words(w, agents)
        await w.it.service.create_thread(TENANT, thread_id=THREAD)
        async with w.stream("POST", f"/threads/{THREAD}/stream", json={"channels": ALL}) as events:
            run = await begin(w)
            seen = await take(events, ended)
        assert seen[0]["data"]["params"]["data"] == {"messages": []}
        assert "id" not in seen[0]
        assert all(e["data"]["type"] == "event" and e["event"] == e["data"]["method"] for e in seen)
        assert all(e["id"] == e["data"]["eventId"] for e in seen if "id" in e)
        assert {e["data"]["runId"] for e in seen[1:]} == {run["run_id"]}
        kinds = list(dict.fromkeys(methods(seen)))
        assert kinds == [
            "values", "lifecycle:started", "messages:message-start", "messages:content-block-start",
            "messages:content-block-delta", "messages:content-block-finish", "messages:message-finish",
            "lifecycle:running", "updates", "tools:tool-started", "tasks", "tools:tool-finished", "checkpoints",
            "lifecycle:completed",
        ]  # fmt: skip
        state = [e["data"]["params"]["data"] for e in seen if e["event"] == "values"][-1]
        assert [m["role"] for m in state["messages"]] == ["user", "assistant", "assistant", "tool", "assistant"]
        seqs = [e["data"]["seq"] for e in seen if "seq" in e["data"]]
        assert seqs == sorted(set(seqs))

    on(tmp_path, test, delta_seconds=0.02)


@pytest.mark.parametrize("by", ["since", "Last-Event-ID"])
def test_a_client_that_comes_back_gets_exactly_the_rest(tmp_path: Path, agents: scripted.World, by: str) -> None:
    """It drops the connection every few events, while the runs go on."""

    async def test(w: World) -> None:
        words(w, agents, 0.01)
        await w.it.service.create_thread(TENANT, thread_id=THREAD)
        seen: list[Json] = []
        channels = [c for c in ALL if c != "values"]
        for _ in range(2):
            await begin(w)
        while [ended(e) for e in seen].count(True) < 2:
            body: Json = {"channels": channels}
            headers = {"Last-Event-ID": seen[-1]["id"]} if seen and by != "since" else {}
            if by == "since":
                body["since"] = seen[-1]["data"]["seq"] if seen else 0
            async with w.stream("POST", f"/threads/{THREAD}/stream", json=body, headers=headers) as events:
                some = 0
                async for event in events:
                    if "id" in event:
                        seen.append(event)
                        some += 1
                    if some == 7 or [ended(e) for e in seen].count(True) == 2:
                        break
        async with w.stream("POST", f"/threads/{THREAD}/stream", json={"channels": channels, "since": 0}) as events:
            last = seen[-1]["id"]
            whole = await take(events, lambda e: e.get("id") == last)
        stamped = [(e["id"], e["event"], e["data"]["params"]["data"]) for e in whole if "id" in e]
        assert [(e["id"], e["event"], e["data"]["params"]["data"]) for e in seen] == stamped

    on(tmp_path, test, delta_seconds=0.02)


def test_channels_places_and_names_are_chosen(tmp_path: Path, agents: scripted.World) -> None:
    from agents import function_tool

    from agentcore import current

    @function_tool
    async def look() -> str:
        current().emit({"name": "progress", "payload": 0.5})
        current().emit({"name": "other", "payload": 1})
        return "seen"

    async def test(w: World) -> None:
        def make() -> Agent[Any]:
            turns = [call("look", id="l")], [say("I saw it")]
            expert = agents.agent(*turns, tools=[look], name="expert")
            tool = expert.as_tool("ask_expert", "Ask.")
            return agents.agent([call("ask_expert", {"input": "?"}, id="x")], [say("They saw it")], tools=[tool])

        w.it.agent(make)
        run = await begin(w)
        await over(w, run)

        async def read(**body: Any) -> list[Json]:
            body["channels"] = [*body["channels"], "lifecycle"]
            async with w.stream("POST", f"/threads/{THREAD}/stream", json={**body, "since": 0}) as events:
                return [e["data"] for e in await take(events, ended)]

        named = await read(channels=["custom:progress"])
        assert [e["params"]["data"] for e in named if e["method"] == "custom"] == [{"name": "progress", "payload": 0.5}]
        texts = [e for e in await read(channels=["messages"]) if e["method"] == "messages"]
        assert {tuple(e["params"]["namespace"]) for e in texts} == {(), ("x",)}
        top = await read(channels=["messages"], depth=0)
        assert {tuple(e["params"]["namespace"]) for e in top} == {()}
        tree = (await w.command(THREAD, "agent.getTree", runId=run["run_id"]))["result"]["tree"]
        assert (tree["graphName"], tree["status"]) == ("main", "completed")
        assert tree["children"] == [{"namespace": ["x"], "status": "completed", "graphName": "expert"}]
        said = (await w.command(THREAD, "state.get", namespace=["x"]))["result"]["values"]["messages"]
        assert said[-1]["content"] == "I saw it"

    on(tmp_path, test)


def test_who_does_not_say_from_where_gets_the_run_at_work_or_the_last(tmp_path: Path, agents: scripted.World) -> None:
    async def test(w: World) -> None:
        words(w, agents)
        for _ in range(2):
            run = await begin(w)
            await over(w, run)
        async with w.stream("POST", f"/threads/{THREAD}/stream", json={"channels": ["lifecycle"]}) as events:
            seen = await take(events, ended)
            assert {e["data"]["runId"] for e in seen} == {run["run_id"]}
            third = await begin(w)
            assert (await take(events, ended))[-1]["data"]["runId"] == third["run_id"]

    on(tmp_path, test)


# -- operation 21


def test_a_conversation_with_an_approval_over_one_socket(tmp_path: Path, agents: scripted.World) -> None:
    async def test(w: World) -> None:
        payer(w, agents, "p")
        await w.it.service.create_thread(TENANT, thread_id=THREAD)
        async with w.socket(THREAD) as socket:
            told = await socket.ask("subscription.subscribe", channels=["lifecycle", "input", "tools"])
            assert told["type"] == "success"
            started = await socket.ask("run.start", assistantId="main", input="go")
            await socket.until(ended)
            asked = next(e["params"] for e in socket.events if e["method"] == "input.requested")
            answer = {"namespace": asked["namespace"], "interruptId": asked["data"]["interruptId"], "response": True}
            assert (await socket.ask("input.respond", **answer))["result"] == {}
            socket.events.clear()
            await socket.until(ended)
            assert socket.events[-1]["params"]["data"]["event"] == "completed"
            assert [m for m in methods(socket.events) if m.startswith("tools")] == [
                "tools:tool-started", "tools:tool-finished",
            ]  # fmt: skip
            tree = await socket.ask("agent.getTree", runId=started["result"]["runId"])
            assert tree["result"]["tree"]["status"] == "completed"

    on(tmp_path, test)


def test_what_two_subscriptions_want_comes_once(tmp_path: Path, agents: scripted.World) -> None:
    async def test(w: World) -> None:
        words(w, agents, 0.01)
        await w.it.service.create_thread(TENANT, thread_id=THREAD)
        async with w.socket(THREAD) as socket:
            await socket.ask("subscription.subscribe", channels=["lifecycle"])
            await socket.ask("run.start", assistantId="main", input="go")
            await socket.until(lambda e: e["params"]["data"]["event"] == "running")
            told = await socket.ask("subscription.subscribe", channels=["lifecycle", "messages", "values"])
            await socket.until(ended)
            placed = [e["eventId"] for e in socket.events if "eventId" in e]
            assert len(set(placed)) == len(placed)
            async with w.stream(
                "POST", f"/threads/{THREAD}/stream", json={"channels": ["lifecycle", "messages", "values"], "since": 0}
            ) as events:
                whole = [e["id"] for e in await take(events, ended) if "id" in e]
            assert sorted(placed) == sorted(whole)
            assert [m for m in methods(socket.events) if m == "values"] == ["values", "values"]
            gone = await socket.ask("subscription.unsubscribe", subscriptionId=told["result"]["subscriptionId"])
            assert gone["result"] == {}
            again = await socket.ask("subscription.unsubscribe", subscriptionId=told["result"]["subscriptionId"])
            assert (again["type"], again["error"]) == ("error", "no_such_subscription")
            socket.events.clear()
            await socket.ask("run.start", assistantId="main", input="go")
            await socket.until(ended)
            assert set(methods(socket.events)) == {"lifecycle:started", "lifecycle:running", "lifecycle:completed"}

    on(tmp_path, test, delta_seconds=0.02)


def test_a_socket_that_breaks_is_restored_elsewhere(tmp_path: Path, agents: scripted.World) -> None:
    """On another process, which knows nothing of the connection."""

    async def test(w: World) -> None:
        words(w, agents, 0.02)
        await w.it.service.create_thread(TENANT, thread_id=THREAD)
        async with w.socket(THREAD) as socket:
            sub = (await socket.ask("subscription.subscribe", channels=["messages", "lifecycle"]))["result"]
            run = (await socket.ask("run.start", assistantId="main", input="go"))["result"]
            await socket.until(lambda e: "delta" in e["params"]["data"] and len(socket.events) > 9)
        before = [e for e in socket.events if "eventId" in e]
        async with harness(f"sqlite:///{tmp_path}/test.db") as other, serving(other.service) as url:
            elsewhere = World(other, url, w.http)
            async with elsewhere.socket(THREAD) as socket:
                back = await socket.ask(
                    "subscription.reconnect", runId=run["runId"], lastEventId=before[-1]["eventId"],
                    subscriptions=[sub["subscriptionId"]],
                )  # fmt: skip
                assert back["result"]["restored"] is True
                assert back["result"]["missedEvents"] == 0
                assert back["result"]["currentNamespaces"][0]["namespace"] == []
                await socket.until(ended)
        after = [e for e in socket.events if "eventId" in e]
        body = {"channels": ["messages", "lifecycle"], "since": 0}
        async with w.stream("POST", f"/threads/{THREAD}/stream", json=body) as events:
            whole = [e["id"] for e in await take(events, ended) if "id" in e]
        assert [e["eventId"] for e in before + after] == whole

    on(tmp_path, test, delta_seconds=0.02)


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ("{", "invalid_argument"),
        ("[]", "invalid_argument"),
        ("[" * 100_000, "invalid_argument"),
        ('{"method": "run.start"}', "invalid_argument"),
        ('{"id": -1, "method": "run.start"}', "invalid_argument"),
        ('{"id": 1, "method": "no.such"}', "unknown_command"),
        ('{"id": 1, "method": "subscription.subscribe", "params": {"channels": ["x"]}}', "invalid_argument"),
        ('{"id": 1, "method": "subscription.reconnect", "params": {"runId": "x"}}', "no_such_run"),
    ],
)
def test_a_command_that_is_none_is_answered_and_the_socket_stays(tmp_path: Path, told: str, code: str) -> None:
    async def test(w: World) -> None:
        await w.it.service.create_thread(TENANT, thread_id=THREAD)
        async with w.socket(THREAD) as socket:
            await socket.connection.send(told)
            answer = await socket.next()
            assert (answer["type"], answer["error"]) == ("error", code)
            assert answer["id"] == (1 if '"id": 1' in told else None)
            assert (await socket.ask("state.get", namespace=[]))["type"] == "success"

    on(tmp_path, test, working=False)


def test_a_subscription_that_nobody_gave_is_not_restored(tmp_path: Path, agents: scripted.World) -> None:
    async def test(w: World) -> None:
        words(w, agents)
        run = await begin(w)
        async with w.socket(THREAD) as socket:
            for bad in ("x", "bm8", "eyJjaGFubmVscyI6W119"):
                told = await socket.ask("subscription.reconnect", runId=run["run_id"], subscriptions=[bad])
                assert told["error"] == "no_such_subscription"
            told = await socket.ask("subscription.reconnect", runId=run["run_id"], lastEventId="x")
            assert told["error"] == "invalid_argument"

    on(tmp_path, test)


def test_a_socket_of_a_thread_that_is_not_there_is_refused_with_a_problem(tmp_path: Path) -> None:
    async def test(w: World) -> None:
        for path, status in ((NOBODY, 404), ("no-uuid", 422)):
            with pytest.raises(InvalidStatus) as refused:
                async with w.socket(path):
                    pass
            assert refused.value.response.status_code == status
            assert b'"code"' in refused.value.response.body

    on(tmp_path, test, working=False)


def test_a_page_from_elsewhere_opens_no_socket_on_this_machine(tmp_path: Path) -> None:
    async def test(w: World) -> None:
        await w.it.service.create_thread(TENANT, thread_id=THREAD)
        where = f"ws{w.url[4:]}/threads/{THREAD}/stream"
        for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
            with pytest.raises(InvalidStatus) as refused:
                async with connect(where, additional_headers=headers):
                    pass
            assert refused.value.response.status_code == 403
        async with connect(where, additional_headers={"Origin": w.url}):
            pass

    on(tmp_path, test, working=False)


def test_a_server_that_stops_ends_its_sockets_and_streams(tmp_path: Path) -> None:
    async def test(w: World) -> None:
        await w.it.service.create_thread(TENANT, thread_id=THREAD)
        async with AsyncExitStack() as clients, harness(f"sqlite:///{tmp_path}/test.db") as other:
            async with serving(other.service) as url:
                http = await clients.enter_async_context(httpx.AsyncClient(base_url=url, trust_env=False))
                there = World(other, url, http)
                socket = await clients.enter_async_context(there.socket(THREAD))
                await socket.ask("subscription.subscribe", channels=["lifecycle"])
                events = await clients.enter_async_context(there.stream("GET", f"/threads/{THREAD}/events"))
            with pytest.raises(ConnectionClosed) as closed:
                await socket.next()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1012
            assert [e async for e in events] == []

    on(tmp_path, test, working=False)


def test_the_documented_client_loses_nothing_when_its_connection_breaks(
    tmp_path: Path, agents: scripted.World, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (Path(__file__).parents[2] / "docs/streams.md").read_text()
    names: Json = {}
    exec(page.partition("```python\n")[2].partition("```")[0], names)
    lines, seen = httpx.Response.iter_lines, list[int]()

    def breaking(answer: httpx.Response) -> Any:
        for n, line in enumerate(lines(answer)):
            seen.append(n)
            if n == 13 and len(seen) < 100:
                raise httpx.ReadError("the line is dead")
            yield line

    monkeypatch.setattr("httpx.Response.iter_lines", breaking)
    monkeypatch.setattr("time.sleep", lambda _: None)

    async def test(w: World) -> None:
        words(w, agents)
        run = await begin(w)
        await over(w, run)

        def read() -> list[str]:
            found = []
            for kind, _ in names["follow"](f"{w.url}/runs/{run['run_id']}/events", trust_env=False):
                found.append(kind)
                if kind == "finished":
                    return found
            return []

        kinds = await asyncio.to_thread(read)
        expected = [e.type for e in (await w.it.service.poll(TENANT, run["run_id"]))[1]]
        assert kinds == expected
        assert seen.count(0) > 2

    on(tmp_path, test, delta_seconds=0.02)


def test_silence_has_a_heartbeat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agentcore.api.sse.HEARTBEAT", 0.1)

    async def test(w: World) -> None:
        await w.it.service.create_thread(TENANT, thread_id=THREAD)
        async with w.http.stream("GET", f"/threads/{THREAD}/events") as answer:
            lines = answer.aiter_lines()
            async with asyncio.timeout(10):
                beats = [await anext(lines) for _ in range(6)]
        assert beats == ["retry: 1000", "", ":", "", ":", ""]

    on(tmp_path, test, working=False)
