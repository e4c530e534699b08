"""What the bus contract asks where a broker keeps the messages: settling them, and living without the broker."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar, cast

import pytest

from agentcore import settings as environment
from agentcore.bus import open_bus
from agentcore.errors import Misconfigured
from agentcore.ids import new_id
from agentcore.ports import Bus, StateStore
from agentcore.records import Message
from tests.brokers import Broker
from tests.brokers.broker import PATIENCE, Dead, eventually
from tests.brokers.rabbitmq import RabbitMq
from tests.e2e import processes

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # clients leave sockets open that were cut
EVENT = {"specversion": "1.0", "id": "1", "source": "/shop", "type": "paid", "subject": "o-1", "data": {"sum": 7}}
T = TypeVar("T")
_NOTHING = 1.5  # seconds without a message: longer than what was not settled needs to come again


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Bus]:
    bus = open_bus(url, cast(StateStore, None), environment.load(bus_url=url))
    try:
        yield bus
    finally:
        await bus.close()


async def take(bus: Bus, count: int = 1, *, limit: int = 10) -> list[Message]:
    """Receive until that many different ones have come."""
    found: dict[str, Message] = {}
    async with asyncio.timeout(PATIENCE):
        while len(found) < count:
            for message in await bus.receive(limit=limit, wait=1.0):
                found.setdefault(message.run_id or str(message.event) or message.flaw, message)
    return list(found.values())


async def nothing(bus: Bus) -> bool:
    end = time.monotonic() + _NOTHING
    while time.monotonic() < end:
        if await bus.receive(limit=10, wait=0.5):
            return False
    return True


def over(broker: Broker, test: Callable[[Bus, str], Awaitable[None]]) -> None:
    """Run a test over a queue of its own."""
    url = broker.queue()

    async def go() -> None:
        async with opened(url) as bus:
            await test(bus, url)

    asyncio.run(go())


# -- carrying


def test_what_is_sent_comes_and_once_acknowledged_never_again(broker: Broker) -> None:
    async def test(bus: Bus, url: str) -> None:
        ids = [new_id() for _ in range(25)]  # more than one request or batch of any broker
        await bus.send(ids)
        messages = await take(bus, 25)
        assert sorted(message.run_id for message in messages) == sorted(ids)
        for message in messages:
            await bus.ack(message)
        assert await nothing(bus)

    over(broker, test)


def test_no_more_comes_than_the_limit_and_the_rest_stays(broker: Broker) -> None:
    async def test(bus: Bus, url: str) -> None:
        await bus.send([new_id() for _ in range(5)])
        first: list[Message] = []
        async with asyncio.timeout(PATIENCE):
            while not first:
                first += await bus.receive(limit=2, wait=1.0)
        assert len(first) <= 2
        async with opened(url) as other:  # what one worker has no room for, another gets
            rest = await take(other, 5 - len(first)) if broker.traits.shares else await take(bus, 5 - len(first))
        assert len({message.run_id for message in [*first, *rest]}) == 5

    over(broker, test)


def test_a_receiver_that_waits_hears_of_what_is_sent_later(broker: Broker) -> None:
    async def test(bus: Bus, url: str) -> None:
        waiting = asyncio.create_task(take(bus))
        await asyncio.sleep(0.3)
        run_id = new_id()
        await bus.send([run_id])
        assert [message.run_id for message in await waiting] == [run_id]

    over(broker, test)


def test_acknowledging_while_a_receiver_waits_holds_up_nothing_that_is_sent(broker: Broker) -> None:
    async def test(bus: Bus, url: str) -> None:
        await bus.send([new_id() for _ in range(8)])
        messages = await take(bus, 8)
        waiting = asyncio.create_task(bus.receive(limit=1, wait=PATIENCE))
        await asyncio.sleep(0.5)
        acknowledging = asyncio.gather(*(bus.ack(message) for message in messages))
        await asyncio.sleep(0.5)
        async with asyncio.timeout(PATIENCE / 2):
            await bus.send([late := new_id()])
            assert [message.run_id for message in await waiting] == [late]
            await acknowledging

    over(broker, test)


def test_an_id_sent_twice_may_come_twice_and_both_can_be_acknowledged(broker: Broker) -> None:
    async def test(bus: Bus, url: str) -> None:
        run_id = new_id()
        await bus.send([run_id])
        await bus.send([run_id])
        came = 0
        async with asyncio.timeout(PATIENCE):
            while (messages := await bus.receive(limit=10, wait=1.0)) or not came:
                for message in messages:
                    assert message.run_id == run_id
                    await bus.ack(message)
                came += len(messages)
        assert await nothing(bus)

    over(broker, test)


def test_sending_for_later_comes_later_or_not_at_all(broker: Broker) -> None:
    async def test(bus: Bus, url: str) -> None:
        run_id, began = new_id(), time.monotonic()
        await bus.send([run_id], delay=2.0)
        if not broker.traits.delays:
            assert await nothing(bus)
            return
        assert [message.run_id for message in await take(bus)] == [run_id]
        assert time.monotonic() - began > 1.0  # a broker may count whole seconds

    over(broker, test)


# -- settling


def test_what_its_receiver_did_not_settle_before_it_died_comes_again(broker: Broker) -> None:
    url, ids = broker.queue(), [new_id() for _ in range(3)]

    async def test() -> None:
        async with opened(url) as bus:
            await bus.send(ids)
            first, *_ = await take(bus, 3)
            await bus.ack(first)
        async with opened(url) as bus:
            again = await take(bus, 2)
        assert sorted([first.run_id, *(message.run_id for message in again)]) == sorted(ids)

    asyncio.run(test())


def test_messages_are_settled_in_any_order_and_none_of_them_comes_again(broker: Broker) -> None:
    url, ids = broker.queue(), [new_id() for _ in range(6)]

    async def test() -> None:
        async with opened(url) as bus:
            await bus.send(ids)
            for message in reversed(await take(bus, 6)):
                await bus.ack(message)
        async with opened(url) as successor:
            assert await nothing(successor)

    asyncio.run(test())


def test_what_a_process_held_when_it_was_killed_comes_again(broker: Broker) -> None:
    url, ids = broker.queue(), [new_id() for _ in range(3)]

    async def test() -> None:
        async with opened(url) as bus:
            await bus.send(ids)
        first = await asyncio.to_thread(held_by_a_process_that_is_killed, broker, url, len(ids))
        async with opened(url) as bus:
            again = await take(bus, 2)
        assert {message.run_id for message in again} >= set(ids) - {first}

    asyncio.run(test())


def held_by_a_process_that_is_killed(broker: Broker, url: str, count: int) -> str:
    """Let a process take so many messages, and kill it; which one it had acknowledged."""
    command = [sys.executable, "-m", "tests.brokers.holder", url, str(count)]
    env = processes.environment(**broker.environment)
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, cwd=processes.ROOT) as process:
        assert process.stdout
        line = process.stdout.readline()
        process.kill()
    acknowledged: str = json.loads(line)
    return acknowledged


def test_what_is_to_be_tried_again_comes_again_later_and_counted(broker: Broker) -> None:
    async def test(bus: Bus, url: str) -> None:
        await bus.send([new_id()])
        (first,) = await take(bus)
        began = time.monotonic()
        await bus.retry(first, delay=1.0)
        (second,) = await take(bus)
        assert second.run_id == first.run_id
        assert time.monotonic() - began > 0.8
        assert second.attempt > first.attempt or not broker.traits.counts
        await bus.ack(second)
        assert await nothing(bus)

    over(broker, test)


def test_a_dead_letter_is_put_aside_with_its_reason(broker: Broker) -> None:
    url = broker.queue()
    broker.put(url, b"not for us")

    async def test() -> None:
        async with opened(url) as bus:
            (message,) = await take(bus)
            assert "CloudEvent" in message.flaw
            await bus.dead_letter(message, "nobody knows it")
            assert await nothing(bus)

    asyncio.run(test())
    assert eventually(lambda: broker.dead(url)) == [Dead(b"not for us", "nobody knows it")]


def test_what_somebody_else_received_is_put_aside_with_its_attributes(broker: Broker) -> None:
    async def test(bus: Bus, url: str) -> None:
        burying = bus.bury(b"not for us", {"colour": "blue"}, "nobody knows it")
        if not broker.traits.buries:
            with pytest.raises(NotImplementedError):
                await burying
            return
        await burying
        found = await asyncio.to_thread(eventually, lambda: broker.dead(url))
        assert found == [Dead(b"not for us", "nobody knows it", {"colour": "blue"})]
        assert await nothing(bus)

    over(broker, test)


def test_only_the_message_that_failed_fails(broker: Broker) -> None:
    async def test(bus: Bus, url: str) -> None:
        ids = [new_id() for _ in range(6)]
        await bus.send(ids)
        messages = await take(bus, 6)
        await bus.dead_letter(messages[1], "bad")
        await bus.retry(messages[3], delay=0.0)
        for index in (0, 2, 4, 5):
            await bus.ack(messages[index])
        (again,) = await take(bus)
        assert again.run_id == messages[3].run_id
        await bus.ack(again)
        assert await nothing(bus)

    over(broker, test)


# -- events from others


@pytest.mark.parametrize("binary", [False, True], ids=["structured", "binary"])
def test_a_cloud_event_comes_as_an_event(broker: Broker, binary: bool) -> None:
    url = broker.queue()
    if binary:
        attributes = {f"{broker.traits.prefix}{k}": str(v) for k, v in EVENT.items() if k != "data"}
        broker.put(url, json.dumps(EVENT["data"]).encode(), attributes)
    else:
        broker.put(url, json.dumps(EVENT).encode())

    async def test() -> None:
        async with opened(url) as bus:
            (message,) = await take(bus)
            await bus.ack(message)
        assert message.event is not None, message.flaw
        assert (message.event.name, message.event.source, message.event.id) == ("paid", "/shop", "1")
        assert (message.event.correlation, message.event.data) == ("o-1", {"sum": 7})

    asyncio.run(test())


# -- a broker that is gone, and one that says no


def test_a_broker_that_is_gone_is_an_error_and_the_same_bus_works_when_it_is_back(broker: Broker) -> None:
    async def test(bus: Bus, url: str) -> None:
        before, after = new_id(), new_id()
        await bus.send([before])
        await take(bus)  # connected both ways; not settled
        broker.proxy.cut()
        with pytest.raises(Exception) as failed:  # noqa: PT011 - whichever its client raises
            await asyncio.wait_for(bus.send([after]), PATIENCE)
        assert not isinstance(failed.value, Misconfigured)
        broker.proxy.restore()
        await patiently(lambda: bus.send([after]))
        found: set[str] = set()
        async with asyncio.timeout(PATIENCE):
            while after not in found:
                found |= {m.run_id for m in await patiently(lambda: bus.receive(limit=10, wait=1.0))}

    over(broker, test)


def test_a_broker_that_goes_while_a_receiver_waits_is_read_again(broker: Broker) -> None:
    async def test(bus: Bus, url: str) -> None:
        await bus.receive(limit=1, wait=0.2)
        waiting = asyncio.create_task(bus.receive(limit=1, wait=3.0))
        await asyncio.sleep(0.3)
        broker.proxy.cut()
        await asyncio.wait([waiting], timeout=PATIENCE)
        if waiting.exception() is None:  # an error or nothing: both will do, as long as it ends
            assert not waiting.result()
        broker.proxy.restore()
        run_id = new_id()
        await patiently(lambda: bus.send([run_id]))
        found: list[Message] = []
        async with asyncio.timeout(PATIENCE):
            while not found:
                found += await patiently(lambda: bus.receive(limit=1, wait=1.0))
        assert found[0].run_id == run_id

    over(broker, test)


def test_rabbitmq_keeps_what_it_took_over_a_restart(brokers: Callable[[str], Broker]) -> None:
    broker = brokers("rabbitmq")
    assert isinstance(broker, RabbitMq)

    async def test(bus: Bus, url: str) -> None:
        sent, later = new_id(), new_id()
        await bus.send([sent])
        await asyncio.to_thread(broker.restart)
        await patiently(lambda: bus.send([later]))
        found: set[str] = set()
        async with asyncio.timeout(PATIENCE):
            while not {sent, later} <= found:
                for message in await patiently(lambda: bus.receive(limit=10, wait=1.0)):
                    found.add(message.run_id)
                    await bus.ack(message)

    over(broker, test)


def test_a_send_that_breaks_half_way_says_so_and_can_be_repeated(broker: Broker) -> None:
    url, ids = broker.queue(again=60), [new_id() for _ in range(300)]

    async def test() -> None:
        async with opened(url) as bus:
            await bus.send(ids[:1])
            broker.proxy.cut_after(8_000)
            with pytest.raises(Exception):  # noqa: B017, PT011 - whichever its client raises
                await asyncio.wait_for(bus.send(ids), PATIENCE)
            broker.proxy.restore()
            await patiently(lambda: bus.send(ids))
            assert {message.run_id for message in await take(bus, len(ids), limit=100)} == set(ids)

    asyncio.run(test())


def test_a_queue_that_is_not_there_names_the_setting(broker: Broker) -> None:
    verbs: list[Callable[[Bus], Awaitable[object]]] = [lambda bus: bus.check(), until_raised]

    async def test() -> None:
        for verb in verbs:
            async with opened(broker.missing()) as bus:
                with pytest.raises(Misconfigured, match="AGENTCORE_BUS_URL"):
                    await verb(bus)
        async with opened(broker.missing()) as bus:
            with pytest.raises(Misconfigured if broker.traits.tells_senders else Exception):
                await bus.send([new_id()])

    asyncio.run(test())


def test_refused_credentials_name_the_setting_and_show_no_secret(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, environment = broker.stranger(broker.queue())
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    async def test() -> None:
        async with opened(url) as bus:
            with pytest.raises(Misconfigured, match=broker.traits.refuses) as refused:
                await bus.check()
            assert "wrong" not in str(refused.value)
            with pytest.raises(Misconfigured, match="AGENTCORE_BUS_URL"):
                await until_raised(bus)

    asyncio.run(test())


def test_kafka_s_workers_share_the_partitions_and_take_over_from_each_other(
    brokers: Callable[[str], Broker],
) -> None:
    url, got = brokers("kafka").queue(), (set[str](), set[str]())
    everything = set[str]()

    async def work(bus: Bus, into: set[str]) -> None:
        while True:
            for message in await bus.receive(limit=10, wait=0.2):
                into.add(message.run_id)
                await bus.ack(message)

    async def send(bus: Bus) -> None:
        ids = [new_id() for _ in range(5)]
        everything.update(ids)
        await bus.send(ids)
        await asyncio.sleep(0.2)

    async def test() -> None:
        async with opened(url) as stays, asyncio.timeout(2 * PATIENCE):
            await send(stays)
            (held, *_) = await take(stays)  # and never settled: the partition goes with it, or comes back
            staying = asyncio.create_task(work(stays, got[0]))
            async with opened(url) as leaves:
                leaving = asyncio.create_task(work(leaves, got[1]))
                while not (got[0] and got[1]):
                    await send(stays)
                leaving.cancel()
                await asyncio.wait([leaving])
            await send(stays)
            while not everything <= got[0] | got[1]:  # noqa: ASYNC110 - the other task sets no event
                await asyncio.sleep(0.1)
            staying.cancel()
            await asyncio.wait([staying])
            assert held.run_id in got[0] | got[1]

    asyncio.run(test())


def test_the_check_says_what_there_is(broker: Broker) -> None:
    async def test(bus: Bus, url: str) -> None:
        assert await bus.check()

    over(broker, test)


def test_the_script_of_compose_creates_rabbitmqs_queues_and_may_be_repeated(brokers: Callable[[str], Broker]) -> None:
    url = brokers("rabbitmq").missing()
    told = {
        "AGENTCORE_BUS_URL": url.replace("guest:guest@", ""),
        "AGENTCORE_BUS_USERNAME": "guest",
        "AGENTCORE_BUS_PASSWORD": "guest",
    }
    script = processes.ROOT / "infra/compose/queues.py"
    for _ in range(2):
        subprocess.run([sys.executable, script], env={**os.environ, **told}, check=True)

    async def check() -> str:
        async with opened(url) as bus:
            return await bus.check()

    assert asyncio.run(check()) == "0 waiting, 0 dead"


async def until_raised(bus: Bus) -> None:
    """Receive until that fails: some clients find out in the background."""
    async with asyncio.timeout(PATIENCE):
        while True:
            await bus.receive(limit=1, wait=1.0)


async def patiently(do: Callable[[], Awaitable[T]]) -> T:
    """Try again while the connection is made again."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return await do()
        except Exception:
            if time.monotonic() > end:
                raise
            logging.getLogger("tests").debug("not yet", exc_info=True)
            await asyncio.sleep(0.2)
