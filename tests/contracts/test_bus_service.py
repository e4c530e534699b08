"""A service over each broker: what was accepted is executed, and what nobody can use is put aside."""

from __future__ import annotations

import asyncio
import json
import logging
from argparse import Namespace
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from agents import Agent

from agentcore.commands.doctor import doctor
from agentcore.errors import Misconfigured
from agentcore.ids import new_id
from agentcore.records import Run
from agentcore.registry import EventRule
from agentcore.settings import Settings
from agentcore.store import open_store
from agentcore.testing import Script, advance, say
from agentcore.worker import work_forever
from tests.brokers import Broker
from tests.brokers.broker import eventually
from tests.brokers.kafka import Kafka
from tests.e2e.processes import Process, cli
from tests.harness import Harness, harness

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # clients leave sockets open that were cut
DELAYED = {"specversion": "1.0", "id": "e1", "source": "/shop", "type": "order.delayed", "subject": "1001"}
NOT_A_RUN = new_id()


def over(broker: Broker, folder: Path, test: Callable[[Harness, str], Awaitable[None]], **more: Any) -> None:
    """A service over a queue of its own and a database that no sweep looks at."""
    url = broker.queue(again=60)

    async def go() -> None:
        options = {"bus_url": url, "redelivery_seconds": 3600.0, "bus_password": secret(broker), **more}
        async with harness(f"sqlite:///{folder}/bus.db", **options) as it:
            it.agent(Agent(name="main", model=Script([say("done")])))
            await test(it, url)

    asyncio.run(go())


def secret(broker: Broker) -> str:
    return broker.environment.get("AGENTCORE_BUS_PASSWORD", "")


def database(folder: Path) -> dict[str, str]:
    """The setting of a database with our schema."""
    url = f"sqlite:///{folder}/e2e.db"

    async def migrate() -> None:
        store = open_store(url, Settings(database_url=url))
        await store.open()
        await store.migrate()
        await store.close()

    asyncio.run(migrate())
    return {"AGENTCORE_DATABASE_URL": url}


async def drained(it: Harness) -> dict[str, int]:
    return dict(await work_forever(it.service, stop=asyncio.Event(), drain=True))


def test_runs_go_from_http_over_the_bus_to_a_worker_process(broker: Broker, tmp_path: Path) -> None:
    settings = {
        "AGENTCORE_BUS_URL": broker.queue(again=60), "AGENTCORE_REDELIVERY_SECONDS": "3600",
        "AGENTCORE_MODEL": "offline", **database(tmp_path), **broker.environment,
    }  # fmt: skip
    with Process(tmp_path, "serve", "--port", "0", **settings) as serve:
        runs = [serve.start("Where is order 1001?", agent="support") for _ in range(3)]
        broker.put(settings["AGENTCORE_BUS_URL"], json.dumps(DELAYED).encode())
        worked = cli("work", "--drain", folder=tmp_path, **settings)
        assert worked.returncode == 0, worked.stderr
        assert json.loads(worked.stdout) == {"succeeded": 4, "events": 1}, worked.stderr  # one by the event
        for run in runs:
            assert serve.finished(run["run_id"])["status"] == "success"


def test_what_nobody_can_use_goes_to_the_dead_letters_and_holds_nothing_up(
    broker: Broker, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bad = json.dumps({**DELAYED, "type": ""}).encode()

    async def test(it: Harness, url: str) -> None:
        hears = Agent(name="hears", model=Script([say("heard")]))
        it.agent(hears, "hears", events=[EventRule(name="order.delayed")])
        first = await it.accept()
        for body in (b"\x7b not json", NOT_A_RUN.encode(), bad, json.dumps(DELAYED).encode()):
            broker.put(url, body)
        second = await it.accept()
        assert await drained(it) == {"succeeded": 3, "dead_letters": 3, "events": 1}
        assert [(await it.get(run)).status for run in (first, second)] == ["succeeded"] * 2
        found = {dead.body: dead.reason for dead in await asyncio.to_thread(eventually, lambda: broker.dead(url), 3)}
        assert "not JSON" in found[b"\x7b not json"]
        assert NOT_A_RUN in found[NOT_A_RUN.encode()]
        assert "type" in found[bad]

    with caplog.at_level(logging.CRITICAL):
        over(broker, tmp_path, test)


def test_a_message_of_a_run_that_is_done_or_held_elsewhere_is_acknowledged(broker: Broker, tmp_path: Path) -> None:
    async def test(it: Harness, url: str) -> None:
        done = await it.accept()
        await drained(it)
        held = await it.accept()
        assert await it.store.claim(held.id, lease=600.0, window=1)  # another worker's
        await it.service.bus.send([done.id, done.id, held.id])
        counts = await drained(it)
        assert set(counts) == {"nothing_to_do"}
        assert not await asyncio.to_thread(broker.dead, url)
        assert await drained(it) == {}

    over(broker, tmp_path, test)


def test_runs_of_a_thread_go_in_order_whatever_order_their_ids_come_in(broker: Broker, tmp_path: Path) -> None:
    async def test(it: Harness, url: str) -> None:
        first = await it.accept()
        second = await it.accept("again", thread_id=first.thread_id)
        await it.service.bus.send([second.id, first.id, second.id])
        for _ in range(5):
            await drained(it)
        ended, begun = (await it.get(first)).finished_at, (await it.get(second)).started_at
        assert ended is not None
        assert begun is not None
        assert ended <= begun
        assert (await it.get(second)).status == "succeeded"

    over(broker, tmp_path, test)


def test_without_the_broker_a_run_is_accepted_and_the_sweep_sends_it_later(broker: Broker, tmp_path: Path) -> None:
    async def test(it: Harness, url: str) -> None:
        await it.service.bus.send([])
        broker.proxy.cut()
        run = await it.accept()
        assert (await it.get(run)).status == "queued"
        broker.proxy.restore()
        await asyncio.sleep(0.5)
        await swept_and_done(it, run)

    over(broker, tmp_path, test)


def test_kafka_may_come_back_without_its_log_and_no_run_is_lost(
    brokers: Callable[[str], Broker], tmp_path: Path
) -> None:
    broker = brokers("kafka")
    assert isinstance(broker, Kafka)

    async def test(it: Harness, url: str) -> None:
        before = await it.accept()
        await drained(it)  # it is a member of its group
        lost = await it.accept()
        await asyncio.to_thread(broker.restart, url)
        await swept_and_done(it, lost)
        assert (await it.get(before)).status == "succeeded"

    over(broker, tmp_path, test)


async def swept_and_done(it: Harness, run: Run) -> None:
    """The clock sends the run's id again, and a worker moves it."""
    await advance(it.store, 4000.0)
    assert (await it.service.tick())["swept"] == 1
    for _ in range(20):  # the first looks may still meet the lost connection
        try:
            await drained(it)
        except Exception:
            await asyncio.sleep(0.3)
        if (await it.get(run)).terminal:
            break
        await advance(it.store, 4000.0)
        await it.service.tick()
    assert (await it.get(run)).status == "succeeded"


def test_what_fails_each_time_goes_to_the_dead_letters_and_its_run_is_not_lost(
    broker: Broker, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def test(it: Harness, url: str) -> None:
        take, counts = it.service.take, dict[str, int]()

        async def away(message: object) -> None:
            raise ConnectionError("the database is away")

        it.service.take = away  # type: ignore[method-assign]  # a test's own
        run = await it.accept()
        async with asyncio.timeout(60):
            while "dead_letters" not in counts:
                counts |= await drained(it)
        (dead,) = await asyncio.to_thread(eventually, lambda: broker.dead(url))
        assert dead.body == run.id.encode()
        assert "failed 2 times" in dead.reason
        assert "the database is away" in dead.reason
        it.service.take = take  # type: ignore[method-assign]
        await swept_and_done(it, run)

    with caplog.at_level(logging.CRITICAL):
        over(broker, tmp_path, test, bus_attempts=2)


def test_an_event_that_cannot_be_taken_now_is_taken_later(broker: Broker, tmp_path: Path) -> None:
    async def test(it: Harness, url: str) -> None:
        it.agent(Agent(name="hears", model=Script([say("heard")])), "hears", events=[EventRule(name="order.delayed")])
        broker.put(url, json.dumps(DELAYED).encode())
        signal, failures = it.service.signal, iter([ConnectionError("the database is away")])

        async def away(event: object) -> object:
            if error := next(failures, None):
                raise error
            return await signal(event)  # type: ignore[arg-type]  # it is one

        it.service.signal = away  # type: ignore[method-assign,assignment]  # a test's own
        counts: dict[str, int] = {}
        for _ in range(10):
            for name, count in (await drained(it)).items():
                counts[name] = counts.get(name, 0) + count
            if "succeeded" in counts:
                break
        assert counts == {"retried": 1, "events": 1, "succeeded": 1}

    over(broker, tmp_path, test)


def test_the_doctor_looks_at_the_bus(broker: Broker, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def said(url: str) -> str:
        doctor(
            Namespace(),
            Settings(
                bus_url=url, bus_password=secret(broker), database_url=f"sqlite:///{tmp_path}/none.db", model="offline"
            ),
        )
        lines = capsys.readouterr().out.splitlines()
        at = next(n for n, line in enumerate(lines) if "  bus " in line)
        return "\n".join(lines[at : at + 2])

    url = broker.queue()
    assert said(url).startswith("ok")
    ill = said(broker.missing())
    assert ill.startswith("FAIL")
    assert "AGENTCORE_BUS_URL" in ill
    broker.proxy.cut()
    assert "does not answer" in said(url)


def test_a_worker_whose_queue_is_missing_ends_and_says_so(broker: Broker, tmp_path: Path) -> None:
    async def test() -> None:
        async with harness(f"sqlite:///{tmp_path}/bus.db", bus_url=broker.missing(), bus_password=secret(broker)) as it:
            with pytest.raises(Misconfigured, match="AGENTCORE_BUS_URL"):
                await work_forever(it.service, stop=asyncio.Event())

    asyncio.run(test())
