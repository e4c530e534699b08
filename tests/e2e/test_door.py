"""The door in front of the routes: what it looks at first, WebSockets, rates, and what browsers are told."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
import websockets
from fastapi import APIRouter, FastAPI, WebSocket
from starlette.types import Scope as ASGIScope

from agentcore import app
from agentcore.api import create_app
from agentcore.api.caller import Caller, Tenant, Verbs, Who
from agentcore.api.limits import LocalHost
from agentcore.api.scopes import needs, public
from agentcore.auth import Scope
from agentcore.errors import Misconfigured
from agentcore.keys import mint
from agentcore.settings import Settings
from tests.e2e.http import REFUND, Http, ok, on, refused
from tests.e2e.operations import answered, app_of, handshake

JSON = {"content-type": "application/json"}


async def a_key(served: FastAPI, *scopes: Scope, tenant: str = "acme") -> str:
    store = served.state.service.store
    key, token = mint(store.new_id(), tenant=tenant, name="ci", scopes=scopes)
    await store.add_key(key)
    return token


async def as_key(http: Http, *scopes: Scope) -> dict[str, str]:
    return {"Authorization": f"Bearer {await a_key(app_of(http), *scopes)}"}


@asynccontextmanager
async def serving(path: Path, *more: APIRouter, **options: Any) -> AsyncIterator[FastAPI]:
    settings = Settings(database_url=f"sqlite:///{path}/api.db", bus_url="memory://", **options)
    async with app.running(app.build(settings), migrate=True) as service:
        yield create_app(service, *more)


# -- what comes first


def test_nothing_of_a_body_is_read_before_it_is_known_who_calls(tmp_path: Path) -> None:
    async def body() -> AsyncIterator[bytes]:
        read.append("some")
        yield b"{"

    async def test(http: Http) -> None:
        refused(await http.post("/runs", content=body(), headers=JSON), 401, "unauthenticated")
        reads = await as_key(http, "runs:read")
        refused(await http.post("/runs", content=body(), headers={**JSON, **reads}), 403, "forbidden")
        assert read == []
        writes = await as_key(http, "runs:write")
        refused(await http.post("/runs", content=body(), headers={**JSON, **writes}), 400, "malformed")
        assert read == ["some"]

    read: list[str] = []
    on(tmp_path, test, auth="keys")


def test_what_is_not_there_is_not_there_for_anybody(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        refused(await http.get("/nowhere"), 404, "not_found")
        refused(await http.put("/runs"), 405, "method_not_allowed")
        assert ok(await http.get("/healthz")) == {"status": "ok"}

    on(tmp_path, test, auth="keys")


def test_a_decision_names_the_key_that_made_it(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        key = await as_key(http, "admin")
        body = {"agent_id": "support", "input": REFUND}
        (asked,) = ok(await http.post("/runs/wait", json=body, headers=key))["questions"]
        path = f"/approvals/{asked['approval_id']}"
        decided = ok(await http.post(path, json={"decision": "approve"}, headers=key))
        assert decided["decided_by"].startswith("key:ci/")

    on(tmp_path, test, auth="keys")


def test_a_revoked_key_stops_working(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        key, store = await as_key(http, "schedules:read"), app_of(http).state.service.store
        ok(await http.get("/schedules", headers=key))
        await store.revoke_key("acme", (await store.keys("acme"))[0].id)
        refused(await http.get("/schedules", headers=key), 401, "unauthenticated")

    on(tmp_path, test, auth="keys", key_cache_seconds=0.0)


def test_where_nobody_is_asked_everybody_is_the_default_tenant(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        made = ok(await http.post("/threads", json={}, headers={"Authorization": "Bearer ac_whatever"}))
        assert await app_of(http).state.service.store.thread("default", made["thread_id"])

    on(tmp_path, test, auth="none")


# -- what routes declare


def test_an_application_with_a_route_that_declares_nothing_does_not_start(tmp_path: Path) -> None:
    forgotten = APIRouter()

    @forgotten.get("/forgotten")
    async def forget() -> None: ...

    async def test() -> None:
        with pytest.raises(TypeError, match=r"forget.*declares no scope"):
            async with serving(tmp_path, forgotten):
                pass

    asyncio.run(test())


def test_a_public_route_knows_of_no_caller(tmp_path: Path) -> None:
    mistaken = APIRouter()

    @mistaken.get("/mistaken")
    @public
    async def mistake(tenant: Tenant) -> str:
        return tenant

    async def test() -> None:
        async with (
            serving(tmp_path, mistaken) as served,
            Http(transport=httpx.ASGITransport(served), base_url="http://test") as http,
        ):
            refused(await http.get("/mistaken", headers=await as_key(http, "admin")), 401, "unauthenticated")

    asyncio.run(test())


# -- WebSockets


def sockets() -> APIRouter:
    made = APIRouter(prefix="/sockets")

    @made.websocket("/{name}")
    @needs("threads:read")
    async def stream(client: WebSocket, name: str, tenant: Tenant, caller: Caller, who: Who, verbs: Verbs) -> None:
        await client.accept()
        offered = client.headers.get("sec-websocket-protocol")
        allowed = who.may("runs:write")
        await client.send_json([name, tenant, caller.partition("/")[0], verbs.settings.port, allowed, offered])
        await client.close()

    return made


def test_the_door_finds_the_route_that_is_taken_also_behind_a_prefix(tmp_path: Path) -> None:
    """A server may be told what stands before each path: routes do not see that, so neither must the door."""
    more = APIRouter()

    @more.get("/api/ours")
    @public
    async def open_to_all() -> str:
        return "public"

    @more.get("/ours")
    @needs("system")
    async def closed() -> str:
        return "secret"

    async def test() -> None:
        async with serving(tmp_path, more) as served:
            for root, status in ("", 200), ("/api", 401):
                transport = httpx.ASGITransport(served, root_path=root)
                async with Http(transport=transport, base_url="http://test") as http:
                    assert (await http.get("/api/ours")).status_code == status

    asyncio.run(test())


def test_a_websocket_takes_the_same_keys_in_a_header_or_as_a_subprotocol(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(tmp_path, sockets()) as served:
            key = await a_key(served, "threads:read")
            header = await handshake(served, "/sockets/a", [("Authorization", f"Bearer {key}")])
            assert header[0] == {"type": "websocket.accept", "subprotocol": None, "headers": []}
            assert json.loads(header[1]["text"]) == ["a", "acme", "key:ci", 8000, False, None]
            said = await handshake(served, "/sockets/a", [], protocols=("agentcore", f"bearer.{key}"))
            assert said[0]["subprotocol"] == "agentcore"
            assert json.loads(said[1]["text"])[-1] == "agentcore"  # what is left of the offer has no secret in it
            assert key not in repr(said)

    asyncio.run(test())


def test_a_websocket_is_refused_as_a_request_is(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(tmp_path, sockets()) as served:
            key, other = await a_key(served, "threads:read"), await a_key(served, "runs:read")
            protocols: dict[str, tuple[str, ...]] = {
                "nothing": (), "no key": ("agentcore", "bearer.x"), "an empty one": ("agentcore", "bearer."),
                "two": (f"bearer.{key}", f"bearer.{key}"),
            }  # fmt: skip
            for why, offered in protocols.items():
                answer = answered(await handshake(served, "/sockets/a", [], protocols=offered))
                assert (answer.status, json.loads(answer.text)["code"]) == (401, "unauthenticated"), why
            header = [("Authorization", f"Bearer {key}")]
            assert answered(await handshake(served, "/sockets/a", header, protocols=(f"bearer.{key}",))).status == 401
            assert answered(await handshake(served, f"/sockets/a?key={key}&token={key}", [])).status == 401
            forbidden = answered(await handshake(served, "/sockets/a", [], protocols=(f"bearer.{other}",)))
            assert (forbidden.status, json.loads(forbidden.text)["scope"]) == (403, "threads:read")
            plain = await handshake(served, "/sockets/a", [], denial=False)
            assert plain == [{"type": "websocket.close", "code": 1008, "reason": "unauthenticated"}]

    asyncio.run(test())


def test_a_real_server_and_a_real_client_agree_about_websockets(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(tmp_path, sockets()) as served, listening(served) as port:
            url, key = f"ws://127.0.0.1:{port}/sockets/a", await a_key(served, "threads:read")
            offered: list[Any] = ["agentcore", f"bearer.{key}"]
            async with websockets.connect(url, subprotocols=offered, proxy=None) as client:
                assert client.subprotocol == "agentcore"
                assert json.loads(await client.recv())[1] == "acme"
            header = {"Authorization": f"Bearer {key}"}
            async with websockets.connect(url, additional_headers=header, proxy=None) as client:
                assert json.loads(await client.recv())[1] == "acme"
            with pytest.raises(websockets.InvalidStatus) as refusal:
                await websockets.connect(url, proxy=None)
            assert refusal.value.response.status_code == 401
            assert json.loads(refusal.value.response.body or b"")["code"] == "unauthenticated"

    asyncio.run(test())


@asynccontextmanager
async def listening(served: FastAPI) -> AsyncIterator[int]:
    server = uvicorn.Server(uvicorn.Config(served, lifespan="off", log_config=None, access_log=False))
    with socket.create_server(("127.0.0.1", 0)) as listens:  # who comes before it has started waits in its queue
        serve = asyncio.create_task(server.serve(sockets=[listens]))
        yield listens.getsockname()[1]
        server.should_exit = True
        await serve


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 101),
        ({"Origin": "http://localhost:3000"}, 101),
        ({"Origin": "https://app.example.com"}, 101),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Host": "evil.example"}, 403),
    ],
)
def test_no_page_from_elsewhere_opens_a_websocket_where_nobody_is_asked(
    tmp_path: Path, headers: dict[str, str], status: int
) -> None:
    async def test() -> None:
        async with serving(tmp_path, sockets(), auth="none") as served:
            served.add_middleware(LocalHost, origins=("https://app.example.com", "*"))
            said = await handshake(served, "/sockets/a", list({"Host": "localhost:8000", **headers}.items()))
            assert answered(said).status == status

    asyncio.run(test())


# -- rates


def test_a_caller_who_calls_too_often_is_told_when_to_come_back_and_others_are_not_held_up(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        busy, calm = await as_key(http, "schedules:read"), await as_key(http, "schedules:read")
        answers = [await http.get("/schedules", headers=busy) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert refused(answers[-1], 429, "rate_limited")["retry_after"] >= 1
        assert int(answers[-1].headers["retry-after"]) >= 1
        refused(await http.post("/runs", headers=busy), 429, "rate_limited")  # before the scope is looked at
        ok(await http.get("/schedules", headers=calm))
        ok(await http.get("/healthz", headers=busy))

    on(tmp_path, test, auth="keys", rate_per_second=0.001, rate_burst=3)


# -- browsers

SAFE = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}


def test_every_answer_has_safe_headers_also_when_the_server_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(http: Http) -> None:
        async def fail(*args: Any, **more: Any) -> None:
            raise RuntimeError("broken")

        answers = [await http.get(path) for path in ("/schedules", "/nowhere", "/runs/7", "/openapi.json")]
        body = {"agent_id": "support", "input": "hello"}
        answers.append(await http.post("/runs/stream", json=body))
        monkeypatch.setattr(app_of(http).state.service.store, "schedules", fail)
        answers.append(await http.get("/schedules", headers={"Origin": "https://app.example.com"}))
        assert [answer.status_code for answer in answers] == [200, 404, 422, 200, 200, 500]
        for answer in answers:
            assert SAFE.items() <= dict(answer.headers).items()
            assert "strict-transport-security" not in answer.headers
        assert answers[-1].headers["access-control-allow-origin"] == "https://app.example.com"

    on(tmp_path, test, cors_origins="https://app.example.com")


def test_headers_are_settings(tmp_path: Path) -> None:
    async def bare(http: Http) -> None:
        assert not SAFE.keys() & dict((await http.get("/schedules")).headers).keys()

    async def strict(http: Http) -> None:
        assert (await http.get("/schedules")).headers["strict-transport-security"] == "max-age=86400"

    on(tmp_path, bare, security_headers=False)
    on(tmp_path, strict, hsts_seconds=86_400)


ASKS = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}


def test_pages_may_call_from_the_origins_of_the_settings_alone(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        ours, theirs = {"Origin": "https://app.example.com"}, {"Origin": "https://evil.example"}
        asked = await http.options("/runs", headers={**ours, **ASKS})
        assert (asked.status_code, asked.headers["access-control-allow-origin"]) == (200, ours["Origin"])
        assert "authorization" in asked.headers["access-control-allow-headers"].lower()
        assert "access-control-allow-credentials" not in asked.headers
        refusal = await http.get("/schedules", headers=ours)  # a page also gets to read why it was refused
        assert (refusal.status_code, refusal.headers["access-control-allow-origin"]) == (401, ours["Origin"])
        asked = await http.options("/runs", headers={**theirs, **ASKS})
        for answer in (asked, await http.get("/schedules", headers=theirs)):
            assert "access-control-allow-origin" not in answer.headers

    on(tmp_path, test, auth="keys", cors_origins="https://app.example.com, http://localhost:3000")


def test_no_page_may_call_unless_the_settings_say_so(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        for answer in (
            await http.options("/runs", headers={"Origin": "https://app.example.com", **ASKS}),
            await http.get("/schedules", headers={"Origin": "https://app.example.com"}),
        ):
            assert "access-control-allow-origin" not in answer.headers

    on(tmp_path, test)


@pytest.mark.parametrize("origin", ["app.example.com", "https://app.example.com/", "https://*.example.com", "null"])
def test_an_origin_that_no_browser_sends_is_refused_at_the_start(tmp_path: Path, origin: str) -> None:
    async def test() -> None:
        with pytest.raises(Misconfigured, match="AGENTCORE_CORS_ORIGINS"):
            async with serving(tmp_path, cors_origins=origin):
                pass

    asyncio.run(test())


def test_safe_headers_hold_back_nothing_of_a_stream(tmp_path: Path) -> None:
    """What BaseHTTPMiddleware would do: buffer, or cancel what runs behind it."""
    slow = APIRouter()

    @slow.get("/slow")
    @public
    async def stream() -> Any:
        from starlette.responses import StreamingResponse

        async def parts() -> AsyncIterator[bytes]:
            yield b"first"
            await go.wait()
            yield b"last"

        return StreamingResponse(parts())

    async def test() -> None:
        async with serving(tmp_path, slow, cors_origins="*") as served:
            parts: list[bytes] = []
            first = asyncio.Event()

            async def send(message: Any) -> None:
                if message.get("body"):
                    parts.append(message["body"])
                    first.set()

            answer = asyncio.create_task(served(_get("/slow"), _silent, send))
            await first.wait()
            assert parts == [b"first"]
            go.set()
            await answer
            assert parts == [b"first", b"last"]

    go = asyncio.Event()
    asyncio.run(test())


def _get(path: str) -> ASGIScope:
    return {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.4"}, "http_version": "1.1", "method": "GET",
        "scheme": "http", "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "",
        "headers": [(b"host", b"test"), (b"origin", b"https://x.example")], "client": ("test", 1),
        "server": ("test", 80),
    }  # fmt: skip


async def _silent() -> Any:
    await asyncio.Event().wait()
