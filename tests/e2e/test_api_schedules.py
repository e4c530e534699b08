"""Schedules over HTTP, and those that registrations bring."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from agentcore import app
from agentcore.registry import AgentSpec, Registry
from agentcore.service import Service
from agentcore.testing.travel import advance
from tests.e2e.http import Http, ok, on, refused
from tests.harness import Harness
from tests.harness import on as with_service

DAILY = {"agent_id": "support", "input": "hello", "cron": "0 9 * * *", "timezone": "Europe/Oslo", "name": "daily"}


def service_of(http: Http) -> Service:
    found: Service = http._transport.app.state.service  # type: ignore[attr-defined]  # an ASGITransport over a FastAPI
    return found


async def made(http: Http, **changes: Any) -> Any:
    return ok(await http.post("/schedules", json={**DAILY, **changes}))


async def runs(http: Http) -> list[dict[str, Any]]:
    return list(ok(await http.post("/runs/search", json={})))


def test_a_schedule_is_changed(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        one = await made(http, metadata={"a": 1})
        path = f"/schedules/{one['schedule_id']}"
        assert (one["enabled"], one["registered"]) == (True, False)
        changed = ok(
            await http.patch(path, json={"name": "new", "input": {"q": 1}, "overlap": "skip", "misfire": "all"})
        )
        assert (changed["name"], changed["input"], changed["due_at"]) == ("new", '{"q": 1}', one["due_at"])
        assert (changed["overlap"], changed["misfire"], changed["metadata"]) == ("skip", "all", {"a": 1})
        moved = ok(await http.patch(path, json={"cron": "30 10 * * *"}))
        assert moved["due_at"] != one["due_at"]
        assert ok(await http.patch(path, json={"timezone": "Asia/Tokyo"}))["due_at"] != moved["due_at"]
        once = ok(await http.patch(path, json={"cron": None, "due_at": "2030-01-01T09:00:00+09:00"}))
        assert (once["cron"], once["due_at"]) == (None, "2030-01-01T00:00:00Z")
        thread_id = ok(await http.post("/threads", json={}))["thread_id"]
        assert ok(await http.patch(path, json={"thread_id": thread_id}))["thread_id"] == thread_id
        assert ok(await http.patch(path, json={"thread_id": None, "metadata": {}}))["thread_id"] is None
        assert ok(await http.patch(path, json={"agent_id": "account_manager"}))["agent_id"] == "account_manager"
        assert ok(await http.get(path)) == ok(await http.patch(path, json={}))
        assert [s["schedule_id"] for s in ok(await http.get("/schedules"))] == [one["schedule_id"]]

    on(tmp_path, test)


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"cron": "* * * * * *"}, 422, "cron"),
        ({"cron": "*/1 * * * *"}, 422, "cron"),
        ({"timezone": "Europe/Atlantis"}, 422, "timezone"),
        ({"due_at": "soon"}, 422, "due_at"),
        ({"input": ""}, 422, "input"),
        ({"input": None}, 422, "input"),
        ({"input": "x" * 20_000}, 422, "input"),
        ({"agent_id": "nobody"}, 404, "agent_id"),
        ({"enabled": "perhaps"}, 422, "enabled"),
        ({"last_run_id": None}, 422, "last_run_id"),
        ({"name": None}, 422, "name"),
    ],
)
def test_a_change_that_cannot_be_is_refused(tmp_path: Path, change: dict[str, Any], status: int, field: str) -> None:
    async def test(http: Http) -> None:
        one = await made(http)
        path = f"/schedules/{one['schedule_id']}"
        answer = await http.patch(path, json=change)
        assert (answer.status_code, answer.json()["field"]) == (status, field)
        assert ok(await http.get(path)) == one

    on(tmp_path, test, input_bytes=10_000, schedule_gap=120.0)


def test_a_paused_schedule_is_silent_and_a_resumed_one_makes_nothing_up(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        path = f"/schedules/{(await made(http, misfire='all'))['schedule_id']}"
        assert ok(await http.post(f"{path}/pause"))["enabled"] is False
        assert ok(await http.post(f"{path}/pause"))["enabled"] is False
        await advance(service_of(http).store, 3 * 86_400)
        await service_of(http).tick()
        assert await runs(http) == []
        resumed = ok(await http.post(f"{path}/resume"))
        assert datetime.fromisoformat(resumed["due_at"]) > datetime.now(UTC)
        await service_of(http).tick()
        assert await runs(http) == []
        await advance(service_of(http).store, 86_400)
        await service_of(http).tick()
        assert len(await runs(http)) == 1

    on(tmp_path, test)


def test_one_that_rang_once_is_resumed_with_another_time(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        path = f"/schedules/{(await made(http, cron=None, due_at='1m'))['schedule_id']}"
        await advance(service_of(http).store, 61)
        await service_of(http).tick()
        assert ok(await http.get(path))["enabled"] is False
        refused(await http.post(f"{path}/resume"), 422, "invalid", "due_at")
        assert ok(await http.patch(path, json={"due_at": "1m", "enabled": True}))["enabled"] is True
        await advance(service_of(http).store, 61)
        await service_of(http).tick()
        assert len(await runs(http)) == 2

    on(tmp_path, test)


def test_it_is_run_now_once_a_call_and_its_time_stays(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        one = await made(http)
        path = f"/schedules/{one['schedule_id']}"
        key = {"Idempotency-Key": "k"}
        first = ok(await http.post(f"{path}/run", headers=key))
        assert (first["trigger"], first["metadata"]) == ("schedule", {"schedule": one["schedule_id"]})
        assert ok(await http.post(f"{path}/run", headers=key))["run_id"] == first["run_id"]
        ok(await http.post(f"{path}/pause"))
        second = ok(await http.post(f"{path}/run"))
        assert len(await runs(http)) == 2
        after = ok(await http.get(path))
        assert (after["due_at"], after["last_run_id"], after["enabled"]) == (one["due_at"], second["run_id"], False)
        assert ok(await http.get(f"/runs/{first['run_id']}/wait"))["run"]["status"] == "success"
        refused(await http.post(f"{path}/run", headers={"Idempotency-Key": "k" * 300}), 422, "invalid")

    on(tmp_path, test)


def test_schedules_are_limited_by_thread_and_by_tenant(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        thread_id = ok(await http.post("/threads", json={}))["thread_id"]
        await made(http, thread_id=thread_id)
        refused(await http.post("/schedules", json={**DAILY, "thread_id": thread_id}), 429, "limit_exceeded")
        one = await made(http)
        ok(await http.post(f"/schedules/{one['schedule_id']}/pause"))
        refused(await http.post("/schedules", json=DAILY), 429, "limit_exceeded")
        ok(await http.post(f"/schedules/{one['schedule_id']}/resume"))

    on(tmp_path, test, schedules_per_thread=1, schedules_per_tenant=2)


def test_a_schedule_that_does_not_exist_is_not_found(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        path = f"/schedules/{uuid4()}"
        refused(await http.patch(path, json={"name": "n"}), 404, "not_found")
        for verb in ("pause", "resume", "run"):
            refused(await http.post(f"{path}/{verb}"), 404, "not_found")
            refused(await http.post(f"/schedules/7/{verb}"), 422, "invalid", "schedule_id")

    on(tmp_path, test)


def test_a_registered_schedule_is_changed_in_its_code_and_paused_here(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        service = service_of(http)
        service.registry = Registry({"daily": AgentSpec(name="daily", target="x:y", schedules=[_registered()])})
        await app.put_schedules(service)
        [one] = ok(await http.get("/schedules"))
        path = f"/schedules/{one['schedule_id']}"
        assert one["registered"] is True
        refused(await http.patch(path, json={"cron": "0 10 * * *"}), 409, "conflict")
        ok(await http.post(f"{path}/pause"))
        await app.put_schedules(service)
        assert ok(await http.get(path))["enabled"] is False

    on(tmp_path, test)


def _registered(**changes: Any) -> dict[str, Any]:
    return {"name": "report", "cron": "0 9 * * *", "input": "report", **changes}


def test_schedules_that_are_no_longer_registered_are_gone_at_the_next_start(tmp_path: Path) -> None:
    async def test(it: Harness) -> None:
        service = it.service

        async def start(**agents: Any) -> dict[str, Any]:
            specs = {name: AgentSpec(name=name, target="x:y", schedules=given) for name, given in agents.items()}
            service.registry.specs = specs
            await asyncio.gather(app.put_schedules(service), app.put_schedules(service))
            return {s.agent + "/" + s.name: s for s in await it.store.schedules(app.TENANT)}

        first = await start(a=[_registered(), _registered(name="second")], b=[_registered()])
        assert set(first) == {"a/report", "a/second", "b/report"}
        second = await start(a=[_registered()], b=[_registered(input="other")])
        assert set(second) == {"a/report", "b/report"}
        assert second["a/report"] == first["a/report"]  # with its time, and its last run
        assert second["b/report"].input == "other"
        own = second["a/report"]
        await service.change_schedule(app.TENANT, own.id, {"enabled": False})
        assert (await start(a=[_registered(cron="0 8 * * *")]))["a/report"].enabled is False
        assert await start() == {}

    with_service(tmp_path, test)


def test_a_deployment_beside_this_one_keeps_its_registered_schedules(tmp_path: Path) -> None:
    async def test(it: Harness) -> None:
        spec = AgentSpec(name="a", target="x:y", schedules=[_registered()])
        it.service.registry.specs = {"a": spec}
        await app.put_schedules(it.service)
        other = Service(
            store=it.store, bus=it.service.bus, registry=Registry(),
            settings=type(it.service.settings)(agents="other.agents"),
        )  # fmt: skip
        await app.put_schedules(other)
        assert len(await it.store.schedules(app.TENANT)) == 1

    with_service(tmp_path, test)


def test_the_run_of_a_schedule_has_its_agents_version(tmp_path: Path) -> None:
    async def test(it: Harness) -> None:
        it.service.registry.specs = {"a": AgentSpec(name="a", target="x:y", version="7", schedules=[_registered()])}
        await app.put_schedules(it.service)
        await advance(it.store, timedelta(days=1).total_seconds())
        await it.service.tick()
        [run] = await it.store.runs(app.TENANT)
        [one] = await it.store.schedules(app.TENANT)
        now = await it.service.ring_now(app.TENANT, one.id)
        assert (run.agent_version, now.agent_version) == ("7", "7")

    with_service(tmp_path, test)
