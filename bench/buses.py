"""What a bus adds between the acceptance of a run and its end, and how fast a worker acknowledges what is on it."""

from __future__ import annotations

import os
import statistics
import time
from asyncio import Event
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from datetime import timedelta
from functools import partial
from typing import Any

from agentcore.records import Message
from agentcore.worker import work_forever
from bench.measures import Bench
from bench.processes import command, environment
from bench.results import Results, Row
from bench.rounds import Case, interleaved, ratio
from bench.subjects import TENANT, Product, product
from tests.brokers import KINDS, Absent, Broker, start

NAMES = {
    "rabbitmq": "RabbitMQ", "sqs": "SQS (moto)", "kafka": "Kafka (Tansu)", "pubsub": "Pub/Sub (the tests' own)",
    "servicebus": "Service Bus (the tests' own)",
}  # fmt: skip


async def run(bench: Bench) -> Results:
    with _brokers() as (brokers, absent):
        passed, acked = await _passed(bench, brokers), await _acked(bench, brokers)
    base = passed.pop("memory")
    rows = [
        *(Row(measure=f"accepted to finished through {_name(bus)}", unit="x in one process", ours=ratio(found, base),
              note=f"{statistics.median(found):.0f} ms") for bus, found in passed.items()),
        *(Row(measure=f"messages acknowledged by a worker, {_name(bus)}", unit="x memory://",
              ours=ratio(found, acked["memory"]), note=f"{statistics.median(found):.0f} a second")
          for bus, found in acked.items() if bus != "memory"),
    ]  # fmt: skip
    return Results(rows=rows, absent=[*absent, "acknowledging on store://: the row is the message"])


def _name(bus: str) -> str:
    return NAMES.get(bus, f"{bus}://")


@contextmanager
def _brokers() -> Iterator[tuple[dict[str, Broker], list[str]]]:
    """Those that can run here; and of the others, why not."""
    running, absent, before = dict[str, Broker](), list[str](), dict(os.environ)
    try:
        for name in KINDS:
            try:
                running[name] = start(name)
            except Absent as why:
                absent.append(f"{NAMES[name]}: {why}")
            else:
                os.environ.update(running[name].environment)
        yield running, absent
    finally:
        os.environ.clear()
        os.environ.update(before)
        for broker in running.values():
            broker.stop()


def _settings(broker: Broker) -> Mapping[str, str]:
    return {"bus_url": broker.queue(again=60), "bus_password": broker.environment.get("AGENTCORE_BUS_PASSWORD", "")}


# -- a run, from one process to another


async def _passed(bench: Bench, brokers: Mapping[str, Broker]) -> dict[str, list[float]]:
    """Milliseconds from accepting a run to its end; `memory`: where it is executed by the process that accepted it."""
    buses = {"store": {"bus_url": "store://"}, **{name: _settings(one) for name, one in brokers.items()}}
    async with AsyncExitStack() as open:
        alone = await open.enter_async_context(product(bench.database()))
        cases: dict[str, Case] = {"memory": partial(_inside, alone, bench.count)}
        for name, settings in buses.items():
            here = await open.enter_async_context(_with_worker(bench.database(), settings))
            cases[name] = partial(_through, here, bench.count)
        return await interleaved(cases, bench.rounds)


@asynccontextmanager
async def _with_worker(url: str, settings: Mapping[str, str]) -> AsyncIterator[Product]:
    """The product here, and a worker process on the same bus."""
    named = {f"AGENTCORE_{name.upper()}": value for name, value in settings.items() if value}
    async with (
        product(url, **settings) as here,
        command("-m", "agentcore", "work", **environment(url, **named)),
    ):
        yield here


async def _inside(here: Product, count: int) -> float:
    return statistics.median([await _taken(here, (await here.turn("text")).id) for _ in range(count)])


async def _through(here: Product, count: int) -> float:
    taken = []
    for _ in range(count):
        accepted = await here.accept(TENANT, agent="text", input="hi", deltas=False)
        await here.wait(accepted, 120)  # the first time, the worker has to start
        taken.append(await _taken(here, accepted.id))
    return statistics.median(taken)


async def _taken(here: Product, run_id: str) -> float:
    """By the database's clock."""
    run = await here.store.run(TENANT, run_id)
    assert run.created_at
    assert run.finished_at
    return (run.finished_at - run.created_at) / timedelta(milliseconds=1)


# -- messages that need no work


async def _acked(bench: Bench, brokers: Mapping[str, Broker]) -> dict[str, list[float]]:
    """Messages a second of runs that have ended: each is received, looked up and acknowledged."""
    url, cases = bench.database(), dict[str, Case]()
    buses: dict[str, Mapping[str, str]] = {"memory": {"bus_url": "memory://"}}
    buses |= {name: _settings(one) for name, one in brokers.items()}
    async with AsyncExitStack() as open:
        for name, settings in buses.items():
            here = await open.enter_async_context(product(url, **settings))
            if name == "memory":
                ids = [(await here.turn("text")).id for _ in range(bench.count * 5)]
            cases[name] = partial(_rate, here, ids)
        return await interleaved(cases, bench.rounds)


async def _rate(here: Product, ids: Sequence[str]) -> float:
    stop, left, ended, bus = Event(), set(ids), 0.0, here.bus
    ack: Any = bus.ack

    async def counted(message: Message) -> None:
        nonlocal ended
        await ack(message)
        left.discard(message.run_id)
        if not left and not stop.is_set():
            ended = time.perf_counter()
            stop.set()

    bus.ack = counted  # type: ignore[method-assign]  # this one only
    try:
        await bus.send(ids)
        began = time.perf_counter()
        await work_forever(here, stop=stop)
    finally:
        bus.ack = ack  # type: ignore[method-assign]
    return len(ids) / (ended - began)
