"""Webhooks: what is sent when a run has ended, to real receivers on this machine."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from agentcore import outgoing
from agentcore.ids import delivery_id
from agentcore.service import Service
from agentcore.testing.travel import advance
from tests.e2e.http import REFUND, Http, ok, on, refused, waited
from tests.receiver import Received, Receiver, certified, receiving, status

KEYS = [base64.b64encode(letter * 32).decode() for letter in (b"a", b"b")]
OPEN: dict[str, Any] = {"webhook_allow_http": True, "webhook_allow_private": True, "webhook_secrets": " ".join(KEYS)}


def service_of(http: Http) -> Service:
    found: Service = http._transport.app.state.service  # type: ignore[attr-defined]  # an ASGITransport over a FastAPI
    return found


async def told(http: Http, run_id: str, until: str | None = None) -> Any:
    """The delivery of a run, once it has that status."""
    while True:
        found = ok(await http.get(f"/runs/{run_id}/deliveries"))
        if found and until in (None, found[0]["status"]):
            assert len(found) == 1
            return found[0]
        await asyncio.sleep(0.01)


async def settled(http: Http, run_id: str, attempts: int) -> Any:
    """The delivery, once so many attempts were made and the last one is over."""
    while True:
        found = await told(http, run_id)
        if found["attempts"] >= attempts and found["last_error"] is not None:
            return found
        await asyncio.sleep(0.01)


@asynccontextmanager
async def hooked(answer: Callable[[Received], bytes | None] | None = None) -> AsyncIterator[tuple[Receiver, str]]:
    async with receiving(answer) as there:
        yield there, f"http://127.0.0.1:{there.port}/hook"


def test_the_end_of_a_run_is_told_and_signed(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        async with hooked() as (there, url):
            run = (await waited(http, "Where is order 1001?", webhook=url, metadata={"order": 1}))["run"]
            [got] = await there.came()
            message = json.loads(got.body)
            assert message["type"] == "run.succeeded"
            assert message["id"] == got.headers["webhook-id"]
            assert message["data"] == ok(await http.get(f"/runs/{run['run_id']}"))
            assert message["timestamp"] == run["finished_at"]
            signatures = got.headers["webhook-signature"].split()
            assert len(signatures) == len(KEYS)
            assert all(signature.startswith("v1,") for signature in signatures)
            assert got.headers["user-agent"].startswith("agentcore/")
            found = await told(http, run["run_id"], "delivered")
            assert (found["delivery_id"], found["type"], found["url"]) == (message["id"], "run.succeeded", url)
            assert (found["attempts"], found["last_status"], found["last_error"]) == (1, 204, None)
            assert found["next_attempt_at"] is None
            assert found["last_attempt_at"] is not None
            await service_of(http).tick()
            assert len(there.received) == 1

    on(tmp_path, test, **OPEN)


def test_a_run_that_has_not_ended_is_not_told_of(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        async with hooked() as (there, url):
            run = (await waited(http, REFUND, webhook=url))["run"]
            await service_of(http).tick()
            assert (ok(await http.get(f"/runs/{run['run_id']}/deliveries")), there.received) == ([], [])
            ok(await http.post(f"/runs/{run['run_id']}/cancel"), 204)
            [got] = await there.came()
            assert json.loads(got.body)["type"] == "run.cancelled"

    on(tmp_path, test, **OPEN)


def test_a_run_that_was_cancelled_before_it_began_is_told_of(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        async with hooked() as (there, url):
            first = (await waited(http, REFUND))["run"]
            body = {"agent_id": "support", "input": "hello", "thread_id": first["thread_id"], "webhook": url}
            behind = ok(await http.post("/runs", json={**body, "multitask_strategy": "enqueue"}))
            ok(await http.post(f"/runs/{behind['run_id']}/cancel"), 204)
            [got] = await there.came()
            assert json.loads(got.body)["data"]["run_id"] == behind["run_id"]

    on(tmp_path, test, **OPEN)


def test_a_receiver_that_fails_is_told_again_with_the_same_id(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        async with hooked() as (there, url):
            there.answer = lambda _: status(503 if len(there.received) < 3 else 200)
            run_id = (await waited(http, webhook=url))["run"]["run_id"]
            for attempts in (1, 2):
                found = await settled(http, run_id, attempts)
                assert (found["status"], found["last_status"]) == ("pending", 503)
                assert found["next_attempt_at"] is not None
                await service_of(http).tick()
                assert len(there.received) == attempts  # it is not due yet
                await advance(service_of(http).store, 100)
                await service_of(http).tick()
            assert (await told(http, run_id, "delivered"))["attempts"] == 3
            assert len({got.headers["webhook-id"] for got in there.received}) == 1
            assert len({json.loads(got.body)["type"] for got in there.received}) == 1

    on(tmp_path, test, **OPEN)


def test_after_its_last_attempt_a_delivery_has_failed_and_can_be_asked_for_again(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        async with hooked(lambda _: status(500)) as (there, url):
            run_id = (await waited(http, webhook=url))["run"]["run_id"]
            await settled(http, run_id, 1)
            await advance(service_of(http).store, 100)
            assert (await service_of(http).tick())["delivered"] == 1
            failed = await told(http, run_id, "failed")
            assert (failed["attempts"], failed["next_attempt_at"]) == (2, None)
            assert "500" in failed["last_error"]
            await advance(service_of(http).store, 10**6)
            assert (await service_of(http).tick())["delivered"] == 0
            there.answer = lambda _: status(200)
            path = f"/runs/{run_id}/deliveries/{failed['delivery_id']}/redeliver"
            assert ok(await http.post(path))["status"] == "pending"
            assert (await told(http, run_id, "delivered"))["attempts"] == 3
            assert len({got.headers["webhook-id"] for got in there.received}) == 1

    on(tmp_path, test, **OPEN, webhook_attempts=2)


@pytest.mark.parametrize(
    ("code", "headers", "left"),
    [(410, (), "failed"), (302, ("location: /elsewhere",), "pending"), (404, (), "pending")],
)
def test_only_gone_ends_it_at_once_and_no_redirect_is_followed(
    tmp_path: Path, code: int, headers: tuple[str, ...], left: str
) -> None:
    async def test(http: Http) -> None:
        async with hooked(lambda _: status(code, *headers)) as (there, url):
            run_id = (await waited(http, webhook=url))["run"]["run_id"]
            found = await settled(http, run_id, 1)
            assert (found["status"], found["last_status"]) == (left, code)
            assert ("redirects" in found["last_error"]) == (code == 302)
            assert len(there.received) == 1

    on(tmp_path, test, **OPEN)


def test_a_receiver_that_is_silent_is_given_up_and_holds_up_nothing(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        async with hooked(lambda _: None) as (_, url):
            run_id = (await waited(http, webhook=url))["run"]["run_id"]
            assert (await waited(http, "Where is order 1001?"))["run"]["status"] == "success"
            found = await settled(http, run_id, 1)
            assert (found["status"], found["last_status"]) == ("pending", None)
            assert "No answer within" in found["last_error"]

    on(tmp_path, test, **{**OPEN, "webhook_timeout": 0.5})


def test_a_process_that_dies_in_an_attempt_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(http: Http) -> None:
        service = service_of(http)

        begun = asyncio.Event()

        async def dies(*_: Any) -> None:
            begun.set()
            raise asyncio.CancelledError

        async with hooked() as (there, url):
            with monkeypatch.context() as patch:
                patch.setattr(service.deliverer, "_attempt", dies)
                run_id = (await waited(http, webhook=url))["run"]["run_id"]
                await begun.wait()
            assert (await service.tick())["delivered"] == 0
            await advance(service.store, 60)
            assert (await service.tick())["delivered"] == 1
            assert (await told(http, run_id, "delivered"))["attempts"] == 2
            assert len(there.received) == 1

    on(tmp_path, test, **OPEN)


def test_attempts_that_all_died_end_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(http: Http) -> None:
        service = service_of(http)
        async with hooked(lambda _: status(500)) as (there, url):
            run_id = (await waited(http, webhook=url))["run"]["run_id"]
            await settled(http, run_id, 1)
            await advance(service.store, 100)
            assert len(await service.store.take_deliveries(limit=1, lease=1.0)) == 1  # and is never heard of again
            await advance(service.store, 100)
            await service.tick()
            assert "cut off" in (await told(http, run_id, "failed"))["last_error"]
            assert len(there.received) == 1

    on(tmp_path, test, **OPEN, webhook_attempts=2)


def test_ten_ticks_at_once_tell_it_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(http: Http) -> None:
        service = service_of(http)
        monkeypatch.setattr(service, "_tell", lambda run: None)  # only the ticks do
        async with hooked() as (there, url):
            runs = [(await waited(http, webhook=url))["run"]["run_id"] for _ in range(3)]
            done = await asyncio.gather(*(service.tick() for _ in range(10)))
            assert sum(each["delivered"] for each in done) == 3
            assert {got.headers["webhook-id"] for got in there.received} == {delivery_id(run) for run in runs}
            assert len(there.received) == 3

    on(tmp_path, test, **OPEN)


def test_a_slow_receiver_does_not_keep_others_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(http: Http) -> None:
        service = service_of(http)
        monkeypatch.setattr(service, "_tell", lambda run: None)
        async with hooked(lambda _: None) as (slow, bad), hooked() as (quick, good):
            for url in (bad, good):
                await waited(http, webhook=url)
            ticking = asyncio.create_task(service.tick())
            await quick.came()
            await slow.came()
            late = (await waited(http, webhook=good))["run"]["run_id"]
            await told(http, late, "delivered")  # by the same tick, while the slow one is waited for
            assert not ticking.done()
            ticking.cancel()
            await asyncio.gather(ticking, return_exceptions=True)

    on(tmp_path, test, **{**OPEN, "webhook_timeout": 60.0})


def test_tls_is_verified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tls, authority = certified(tmp_path, "localhost")

    async def test(http: Http) -> None:
        async with receiving(tls=tls) as there:
            url = f"https://localhost:{there.port}/"
            stranger = (await waited(http, webhook=url))["run"]["run_id"]
            assert "CERTIFICATE_VERIFY_FAILED" in (await settled(http, stranger, 1))["last_error"]
            monkeypatch.setenv("SSL_CERT_FILE", str(authority))
            outgoing._trust.cache_clear()
            known = (await waited(http, webhook=url))["run"]["run_id"]
            assert (await told(http, known, "delivered"))["attempts"] == 1
            assert len(there.received) == 1

    outgoing._trust.cache_clear()
    try:
        on(tmp_path, test, **OPEN)
    finally:
        outgoing._trust.cache_clear()


def test_private_addresses_are_refused_when_it_is_accepted_and_when_it_is_sent(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        async with receiving() as there:
            body = {"agent_id": "support", "input": "hello"}
            for host in ("127.0.0.1", "localhost", "[::1]", "10.0.0.1", "169.254.169.254", "[::ffff:127.0.0.1]"):
                answer = await http.post("/runs", json={**body, "webhook": f"http://{host}:{there.port}/"})
                refused(answer, 422, "invalid", "webhook")
            assert ok(await http.post("/runs/search", json={})) == []
            run_id = (await waited(http, webhook=f"http://0x7f.1:{there.port}/"))["run"]["run_id"]  # a name, it seems
            found = await settled(http, run_id, 1)
            assert "private address" in found["last_error"]
            assert there.received == []

    on(tmp_path, test, webhook_allow_http=True)


def test_what_is_no_webhook_is_refused(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        bad: list[Any] = [
            "",
            "hook",
            "http://example.com",
            "https://kim:pw@example.com",
            "https://" + "x" * 3000,
            7,
            [],
        ]
        for webhook in bad:
            for path in ("/runs", "/runs/wait", "/runs/stream"):
                answer = await http.post(path, json={"agent_id": "support", "input": "hello", "webhook": webhook})
                refused(answer, 422, "invalid", "webhook")
        assert ok(await http.post("/runs/search", json={})) == ok(await http.post("/threads/search", json={})) == []

    on(tmp_path, test)


def test_deliveries_of_what_does_not_exist_are_not_found(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        nobody, run_id = uuid4(), (await waited(http))["run"]["run_id"]
        assert ok(await http.get(f"/runs/{run_id}/deliveries")) == []
        refused(await http.get(f"/runs/{nobody}/deliveries"), 404, "not_found")
        refused(await http.post(f"/runs/{nobody}/deliveries/{nobody}/redeliver"), 404, "not_found")
        refused(await http.post(f"/runs/{run_id}/deliveries/{nobody}/redeliver"), 404, "not_found")
        refused(await http.get("/runs/7/deliveries"), 422, "invalid", "run_id")
        refused(await http.post(f"/runs/{run_id}/deliveries/7/redeliver"), 422, "invalid", "delivery_id")
        refused(await http.get(f"/runs/{run_id}/deliveries?limit=0"), 422, "invalid", "limit")

    on(tmp_path, test)
