"""RabbitMQ, as Debian packages it (apt-get install rabbitmq-server), in a folder of its own and on loopback only."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import aio_pika
from aio_pika.abc import AbstractChannel

from tests.brokers.broker import Dead, Server, Traits, fresh
from tests.brokers.proxy import Proxy
from tests.e2e.processes import free_port

_BIN = Path("/usr/lib/rabbitmq/bin")
ABSENT = "" if (_BIN / "rabbitmq-server").exists() else "rabbitmq-server is not installed (apt-get install it)"
_QUORUM = {"x-queue-type": "quorum"}
T = TypeVar("T")


class RabbitMq:
    name = "rabbitmq"
    traits = Traits(prefix="cloudEvents:", refuses="AGENTCORE_BUS_PASSWORD")
    environment: Mapping[str, str] = {}

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="agentcore-rabbit-"))
        self._port, self._names = free_port(), free_port()
        conf = f"listeners.tcp.1 = 127.0.0.1:{self._port}\ntotal_memory_available_override_value = 1GB\n"
        (self.folder / "rabbitmq.conf").write_text(conf)
        (self.folder / "plugins").write_text("[].")
        self.server = Server([str(_BIN / "rabbitmq-server")], self._port, self.folder, self._environment())
        self.server.start()
        self.proxy = Proxy(self._port)

    def _environment(self) -> dict[str, str]:
        loopback = "-kernel inet_dist_use_interface {127,0,0,1}"
        return {
            "PATH": os.environ["PATH"], "HOME": str(self.folder), "LC_ALL": "C.UTF-8",
            "RABBITMQ_NODENAME": f"test{self._port}@localhost", "RABBITMQ_MNESIA_BASE": str(self.folder / "data"),
            "RABBITMQ_LOG_BASE": str(self.folder), "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
            "RABBITMQ_PID_FILE": str(self.folder / "pid"), "RABBITMQ_DIST_PORT": str(free_port()),
            "ERL_EPMD_ADDRESS": "127.0.0.1", "ERL_EPMD_PORT": str(self._names),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": loopback,
        }  # fmt: skip

    def queue(self, *, again: int = 1) -> str:
        name = fresh()

        async def declare(channel: AbstractChannel) -> None:
            for one in (name, f"{name}-dead"):
                await channel.declare_queue(one, durable=True, arguments=dict(_QUORUM))

        self._do(declare)
        return f"amqp://guest:guest@127.0.0.1:{self.proxy.port}/{name}"

    def missing(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.proxy.port}/{fresh()}"

    def stranger(self, url: str) -> tuple[str, Mapping[str, str]]:
        return url.replace("guest:guest", "guest:wrong"), {}

    def put(self, url: str, body: bytes, attributes: Mapping[str, str] | None = None) -> None:
        async def publish(channel: AbstractChannel) -> None:
            await channel.default_exchange.publish(aio_pika.Message(body, headers=dict(attributes or {})), _name(url))

        self._do(publish)

    def dead(self, url: str) -> list[Dead]:
        async def take(channel: AbstractChannel) -> list[Dead]:
            queue, found = await channel.get_queue(f"{_name(url)}-dead", ensure=False), []
            while message := await queue.get(fail=False, no_ack=True):
                attributes = {name: str(value) for name, value in message.headers.items()}
                attributes.pop("x-delivery-count", None)  # of this delivery: of a quorum queue
                found.append(Dead(message.body, attributes.pop("reason"), attributes))
            return found

        return self._do(take)

    def restart(self) -> None:
        self.server.stop()
        self.server.start()

    def stop(self) -> None:
        self.proxy.cut()
        self.server.stop(signal.SIGKILL)  # it takes seconds to end politely
        subprocess.run(["epmd", "-port", str(self._names), "-kill"], stdout=subprocess.DEVNULL, check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _do(self, work: Callable[[AbstractChannel], Awaitable[T]]) -> T:
        async def go() -> T:
            connection = await aio_pika.connect(f"amqp://guest:guest@127.0.0.1:{self._port}/")
            async with connection, connection.channel() as channel:
                return await work(channel)

        with ThreadPoolExecutor(1) as thread:  # the caller may be inside a loop
            return thread.submit(lambda: asyncio.run(go())).result()


def _name(url: str) -> str:
    return url.rpartition("/")[2]
