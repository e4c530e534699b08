"""Usage, metrics and readiness over HTTP."""

from __future__ import annotations

import asyncio
import re
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from agentcore import app
from agentcore.api import create_app, health
from agentcore.errors import Unavailable
from agentcore.settings import Settings
from tests.e2e.http import Http, ok, on, refused, waited
from tests.e2e.operations import app_of
from tests.e2e.processes import Process, cli, command, eventually, free_port
from tests.e2e.test_door import a_key, as_key

# -- usage


def test_usage_is_told_by_agent_and_day(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        done = (await waited(http))["run"]
        await waited(http, agent="account_manager")
        await waited(http)
        found = ok(await http.get("/usage"))
        assert {row["agent"]: row["runs"] for row in found} == {"support": 2, "account_manager": 1}
        (row,) = ok(await http.get("/usage", params={"agent": "support"}))
        assert row["day"] == done["created_at"][:10]
        assert row["total_tokens"] == 2 * done["usage"]["total_tokens"] > 0
        assert row.keys() == {"agent", "day", "runs", *done["usage"]}
        assert ok(await http.get("/usage", params={"limit": 1, "offset": 1})) == found[1:]
        assert ok(await http.get("/usage", params={"agent": "nobody"})) == []

    on(tmp_path, test)


def test_usage_is_asked_for_by_days(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        run = (await waited(http))["run"]
        day = datetime.fromisoformat(run["created_at"]).astimezone(UTC).date()

        async def rows(**params: str) -> int:
            return len(ok(await http.get("/usage", params=params)))

        one, month = timedelta(days=1), timedelta(days=29)
        assert await rows(**{"from": f"{day}", "to": f"{day}"}) == 1
        assert await rows(**{"from": f"{day + one}", "to": f"{day + one}"}) == 0
        assert (await rows(to=f"{day + month}"), await rows(to=f"{day + month + one}")) == (1, 0)
        assert await rows(**{"from": f"{day - timedelta(days=365)}", "to": f"{day}"}) == 1

    on(tmp_path, test)


WRONG_DAYS = [
    ({"from": "2027-01-02", "to": "2027-01-01"}, "from"),
    ({"from": "2026-01-01", "to": "2027-01-02"}, "from"),
    ({"from": "soon"}, "from"),
    ({"to": "2027-02-30"}, "to"),
    ({"to": "0001-01-01"}, "to"),
    ({"to": "9999-12-31"}, "to"),
    ({"from": "0001-01-01"}, "from"),
    ({"agent": ""}, "agent"),
    ({"agent": "a\0b"}, "agent"),
    ({"agent": "a" * 201}, "agent"),
    ({"limit": "10001"}, "limit"),
]


@pytest.mark.parametrize(("params", "field"), WRONG_DAYS)
def test_days_that_cannot_be_asked_for_are_refused(tmp_path: Path, params: dict[str, str], field: str) -> None:
    async def test(http: Http) -> None:
        refused(await http.get("/usage", params=params), 422, "invalid", field)

    on(tmp_path, test)


def test_usage_is_each_tenants_own(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        admin = await as_key(http, "admin")
        ok(await http.post("/runs/wait", json={"agent_id": "support", "input": "hello"}, headers=admin))
        assert len(ok(await http.get("/usage", headers=await as_key(http, "usage:read")))) == 1
        other = {"Authorization": f"Bearer {await a_key(app_of(http), 'usage:read', tenant='eve')}"}
        assert ok(await http.get("/usage", headers=other)) == []

    on(tmp_path, test, auth="keys")


# -- metrics


def test_metrics_are_told_to_keys_with_the_scope(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        refused(await http.get("/metrics"), 401, "unauthenticated")
        refused(await http.get("/metrics", headers=await as_key(http, "admin")), 403, "forbidden")
        ok(
            await http.post(
                "/runs/wait", json={"agent_id": "support", "input": "hello"}, headers=await as_key(http, "admin")
            )
        )
        answer = await http.get("/metrics", headers=await as_key(http, "system"))
        assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (200, "text/plain")
        assert "agentcore_database_up 1.0" in answer.text
        assert 'agentcore_runs{state="queued"} 0.0' in answer.text
        assert re.search(r'^agentcore_tokens_total{agent="support",direction="output"} [1-9]', answer.text, re.M)
        assert re.search(r'^agentcore_runs_ended_total{agent="support",status="succeeded"} [1-9]', answer.text, re.M)
        assert "acme" not in answer.text  # no label names a tenant

    on(tmp_path, test, auth="keys")


def test_metrics_are_told_while_the_database_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away() -> Any:
        raise Unavailable("password=hunter2")

    async def test(http: Http) -> None:
        monkeypatch.setattr(app_of(http).state.service.store, "backlog", away)
        answer = await http.get("/metrics")
        assert answer.status_code == 200
        assert "agentcore_database_up 0.0" in answer.text
        assert "agentcore_leases_lost_total" in answer.text
        assert "hunter2" not in answer.text

    on(tmp_path, test)


def test_dev_and_a_worker_tell_their_metrics(tmp_path: Path) -> None:
    port = free_port()
    with Process(tmp_path) as dev:
        assert "agentcore_database_up 1.0" in dev.http.get("/metrics").text
        assert dev.http.post("/tick").json()["rang"] == 0
    worker = command("work", folder=tmp_path, AGENTCORE_METRICS_PORT=str(port))
    try:
        with httpx.Client(trust_env=False) as http:

            def look() -> str | None:
                try:
                    return http.get(f"http://127.0.0.1:{port}/metrics").text
                except httpx.TransportError:
                    return None

            text = eventually(look)
    finally:
        worker.terminate()
    assert worker.wait(30) == 0
    assert "agentcore_takeovers_total 0.0" in text
    assert "process_resident_memory_bytes" in text
    assert "agentcore_database_up" not in text  # that is for those who serve the API


def test_a_worker_whose_port_is_taken_says_so(tmp_path: Path) -> None:
    cli("migrate", folder=tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for wrong in (port, "70000"):
            done = cli("work", "--drain", folder=tmp_path, AGENTCORE_METRICS_PORT=wrong)
            assert done.returncode == 2
            assert f"AGENTCORE_METRICS_PORT: cannot listen on 127.0.0.1:{wrong}" in done.stderr
            assert "Traceback" not in done.stderr


# -- readiness


@pytest.mark.parametrize("away", [["bus"], ["database"], ["database", "bus"]])
def test_readiness_says_which_of_the_two_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, away: list[str]
) -> None:
    async def fails() -> Any:
        raise ConnectionError("amqp://user:hunter2@broker")

    async def test(http: Http) -> None:
        service = app_of(http).state.service
        assert ok(await http.get("/readyz")) == {"status": "ok"}
        verbs = {"database": (service.store, "now"), "bus": (service.bus, "check")}
        with monkeypatch.context() as patch:
            for name in away:
                patch.setattr(*verbs[name], fails)
            answer = await http.get("/readyz")
        found = refused(answer, 503, "not_ready")
        assert found["failed"] == found["metadata"]["failed"] == away
        assert "hunter2" not in answer.text
        assert answer.headers["retry-after"] == "5"
        assert ok(await http.get("/readyz")) == {"status": "ok"}

    on(tmp_path, test)


def test_a_bus_that_hangs_is_away_and_asked_once_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    async def hangs() -> str:
        asked.append(1)
        await asyncio.sleep(3600)
        return ""

    async def test(http: Http) -> None:
        monkeypatch.setattr(app_of(http).state.service.bus, "check", hangs)
        answers = await asyncio.gather(*(http.get("/readyz") for _ in range(20)))
        assert [refused(answer, 503, "not_ready")["failed"] for answer in answers] == [["bus"]] * 20
        assert len(asked) == 1

    monkeypatch.setattr(health, "_PATIENCE", 0.3)
    on(tmp_path, test)


def test_a_broker_that_is_not_there_makes_it_not_ready(tmp_path: Path) -> None:
    """A real bus, whose broker nobody has started."""

    async def test() -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        settings = Settings(
            database_url=f"sqlite:///{tmp_path}/api.db", bus_url=f"amqp://127.0.0.1:{port}/runs", auth="none"
        )
        async with app.running(app.build(settings), migrate=True) as service:
            transport = httpx.ASGITransport(create_app(service))
            async with Http(transport=transport, base_url="http://test") as http:
                assert refused(await http.get("/readyz"), 503, "not_ready")["failed"] == ["bus"]

    pytest.importorskip("aio_pika")
    asyncio.run(test())
