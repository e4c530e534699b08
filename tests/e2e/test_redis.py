"""Processes that hear of each other over Redis, on a database that tells them nothing."""

from __future__ import annotations

import asyncio
import logging
import statistics
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from agents import Agent

from agentcore import app
from agentcore.api import create_app
from agentcore.bus import open_bus
from agentcore.keys import mint
from agentcore.redis import open_shared
from agentcore.registry import Registry
from agentcore.service import Service
from agentcore.store import open_store
from agentcore.testing import Script, say
from agentcore.worker import listen_for_news
from tests.e2e.processes import Process, cli, command, eventually, ok
from tests.harness import TENANT, Harness, settings
from tests.redis.rig import Rig

NEVER = 3600.0  # seconds between two looks: so whoever hears of something was told
TIMES = 20


@asynccontextmanager
async def process(url: str, rig: Rig, **options: Any) -> AsyncIterator[Harness]:
    """A service as one more process would have it, with ears."""
    chosen = settings(url, **{"bus_url": "store://", **rig.settings, **options})
    store, shared = open_store(url, chosen), open_shared(chosen)
    bus = open_bus(chosen.bus_url, store, chosen, hints=shared)
    service = Service(store=store, bus=bus, registry=Registry(), settings=chosen, shared=shared)
    async with app.running(service, migrate=True):
        listening = asyncio.create_task(listen_for_news(service))
        try:
            yield Harness(service)
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)


async def until(look: Callable[[], object]) -> None:
    while not look():  # noqa: ASYNC110  # what others do sets no event, and tests may poll
        await asyncio.sleep(0.005)


def listeners(rig: Rig, channel: str) -> int:
    count: int = rig.valkey.ask("PUBSUB", "NUMSUB", channel)[1]
    return count


def between(folder: Path, rig: Rig, test: Callable[[Harness, Harness], Awaitable[None]], **options: Any) -> None:
    url = f"sqlite:///{folder}/test.db"

    async def go() -> None:
        async with asyncio.timeout(90), process(url, rig, **options) as here, process(url, rig, **options) as there:
            await until(lambda: listeners(rig, "agentcore_events") == 2)
            await test(here, there)

    logging.getLogger("openai.agents").setLevel(logging.CRITICAL)
    asyncio.run(go())


def test_a_stream_hears_at_once_what_another_process_does(
    shared_by: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agentcore.look.LEAST", NEVER)
    took: list[float] = []

    async def test(here: Harness, there: Harness) -> None:
        for one in here, there:
            one.agent(Agent(name="main", model=Script(*[[say("hello")]] * TIMES)))
        for _ in range(TIMES):
            run = await here.accept()
            reading = asyncio.create_task(end_of(here, run.id))
            await until(lambda: here.service.live.watched()[0])
            await there.service.work(run.id)
            ended = time.time()
            took.append(await reading - ended)

    between(tmp_path, shared_by, test)
    print(f"\n{shared_by.url}: median of {len(took)} {1000 * statistics.median(took):.1f} ms after the run was done")


async def end_of(it: Harness, run_id: str) -> float:
    """When a reader of this process has a run's last event."""
    async for _ in it.service.events(TENANT, run_id):
        pass
    return time.time()


def test_an_idle_worker_hears_at_once_of_new_work(
    shared_by: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agentcore.bus.store._LEAST", NEVER)
    monkeypatch.setattr("agentcore.bus.store._MOST", NEVER)
    took: list[float] = []

    async def test(here: Harness, there: Harness) -> None:
        here.agent(Agent(name="main"))
        there.agent(Agent(name="main"))
        for _ in range(TIMES):
            receiving = asyncio.create_task(there.service.bus.receive(limit=1, wait=NEVER))
            await until(lambda: listeners(shared_by, "agentcore_work"))
            run = await here.accept()
            accepted = time.perf_counter()
            (message,) = await receiving
            took.append(time.perf_counter() - accepted)
            assert message.run_id == run.id

    between(tmp_path, shared_by, test)
    print(f"\n{shared_by.url}: median of {len(took)} {1000 * statistics.median(took):.1f} ms from accept to the worker")


def test_a_revoked_key_ends_at_once_in_every_process(shared_by: Rig, tmp_path: Path) -> None:
    async def test(here: Harness, there: Harness) -> None:
        key, token = mint(here.store.new_id(), tenant=TENANT, name="k", scopes={"schedules:read"})
        await here.store.add_key(key)
        bearer = {"Authorization": f"Bearer {token}"}
        transport = httpx.ASGITransport(create_app(there.service))
        async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=bearer) as http:
            ok(await http.get("/schedules"))
            done = await asyncio.to_thread(
                cli, "keys", "revoke", key.id, folder=tmp_path, **shared_by.environment,
                AGENTCORE_DATABASE_URL=here.service.settings.database_url,
            )  # fmt: skip
            assert done.returncode == 0, done.stderr
            while (await http.get("/schedules")).status_code == 200:
                pass

    between(tmp_path, shared_by, test, auth="keys", key_cache_seconds=NEVER)


def test_all_processes_together_limit_a_caller(shared_by: Rig, tmp_path: Path) -> None:
    async def test(here: Harness, there: Harness) -> None:
        key, token = mint(here.store.new_id(), tenant=TENANT, name="k", scopes={"schedules:read"})
        await here.store.add_key(key)
        statuses = []
        for one in here, there:
            transport = httpx.ASGITransport(create_app(one.service))
            bearer = {"Authorization": f"Bearer {token}"}
            async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=bearer) as http:
                statuses += [(await http.get("/schedules")).status_code for _ in range(3)]
        assert statuses == [200, 200, 200, 200, 429, 429]

    between(tmp_path, shared_by, test, auth="keys", rate_per_second=0.01, rate_burst=4)


def test_a_worker_process_is_heard_by_an_api_process(shared_by: Rig, tmp_path: Path) -> None:
    migrated = cli("migrate", folder=tmp_path)
    assert migrated.returncode == 0, migrated.stderr
    worker = command("work", folder=tmp_path, stdin=subprocess.DEVNULL, **shared_by.environment)
    try:
        with Process(tmp_path, "serve", "--port", "0", **shared_by.environment) as api:
            eventually(lambda: listeners(shared_by, "agentcore_work") or None)
            run = api.start("Where is order 1001?", agent="support")
            assert api.finished(run["run_id"])["status"] == "success"
            # One by each; the worker's comes a moment after the end, which the API may have seen by then.
            eventually(lambda: shared_by.valkey.ask("INFO", "commandstats")["cmdstat_publish"]["calls"] >= 2)
            assert shared_by.token not in api.errors()
    finally:
        worker.kill()
        worker.wait()


def test_where_the_password_is_wrong_the_product_serves_and_says_so(shared_by: Rig, tmp_path: Path) -> None:
    wrong = {"AGENTCORE_REDIS_TOKEN": "wr0ng"}
    with Process(tmp_path, **{**shared_by.environment, **wrong}) as api:
        run = api.start("Where is order 1001?", agent="support")
        assert api.finished(run["run_id"])["status"] == "success"
        assert ok(api.http.get("/readyz")) == {"status": "ok"}
        said = eventually(lambda: api.errors() if "polling" in api.errors() else None)
        assert "wr0ng" not in said
        assert shared_by.token not in said
        assert "Traceback" not in said
    done = cli("doctor", folder=tmp_path, **{**shared_by.environment, **wrong})
    assert done.returncode == 1
    assert "FAIL  redis" in done.stdout
    assert "AGENTCORE_REDIS_URL=" in done.stdout
    assert "wr0ng" not in done.stdout + done.stderr


def test_doctor_says_that_it_is_well(shared_by: Rig, tmp_path: Path) -> None:
    done = cli("doctor", folder=tmp_path, **shared_by.environment)
    assert f"ok    redis     {shared_by.url}, answers in" in done.stdout
    assert shared_by.token not in done.stdout


def test_nothing_of_it_is_imported_where_it_is_not_used(tmp_path: Path) -> None:
    from tests.unit.test_imports import python

    code = """
import sys
from agentcore import app, settings
from agentcore.api import create_app
create_app(app.build(settings.load({"AGENTCORE_AUTH": "keys"})))
print([m for m in ("redis", "upstash_redis", "httpx") if m in sys.modules])
"""
    assert python(code, tmp_path) == "[]"
