"""`kafka://HOST:PORT,…/TOPIC`: a topic of any Kafka; what cannot be used goes to TOPIC-dead.

Any property of librdkafka may follow as an option, as in `?security.protocol=SASL_SSL&sasl.mechanism=SCRAM-SHA-256`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka import Message as Record

from agentcore.bus.holding import Holding
from agentcore.bus.offsets import Offsets
from agentcore.bus.url import BusUrl, misconfigured, parse, refused
from agentcore.envelope import opened
from agentcore.records import Message
from agentcore.settings import Settings

log = logging.getLogger("agentcore.bus")
_TIMEOUT = 10.0  # seconds for the brokers to answer
_JOINING = 20.0  # seconds for the group to give this worker its partitions
_REFUSED = {
    KafkaError._AUTHENTICATION, KafkaError.SASL_AUTHENTICATION_FAILED, KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED, KafkaError.CLUSTER_AUTHORIZATION_FAILED,
}  # fmt: skip
_MISSING = {KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION}
_SECRETS = {"sasl.password", "ssl.key.password", "ssl.keystore.password", "sasl.oauthbearer.client.secret"}
_DEFAULTS = {
    "message.timeout.ms": 10_000, "reconnect.backoff.max.ms": 2_000, "socket.keepalive.enable": True,
    "log_level": 2,  # a broker that is away is told of by error_cb
}  # fmt: skip
_CONSUMER = {
    "auto.offset.reset": "earliest", "enable.auto.commit": False, "enable.auto.offset.store": False,
    "session.timeout.ms": 10_000,  # a dead worker's partitions go to others
    "max.poll.interval.ms": 60_000,  # and so do those of one that has had no room for so long
}  # fmt: skip
T = TypeVar("T")


class KafkaBus:
    def __init__(self, url: str, settings: Settings) -> None:
        where = parse(url, settings, "kafka://HOST:PORT,HOST:PORT/TOPIC", 1)
        self._start(where, {"bootstrap.servers": where.hosts, **_sign_in(where)}, settings)

    def _start(self, where: BusUrl, common: Mapping[str, Any], settings: Settings) -> None:
        self.redelivery, self._url, self._topic = settings.redelivery_seconds, where, where.path[0]
        options = {name: value for name, value in where.options.items() if name != "group"}
        if found := _SECRETS & options.keys():
            raise misconfigured(where, f"{found.pop()} does not belong into a URL: set AGENTCORE_BUS_PASSWORD")
        self._config = {**_DEFAULTS, **common, **options, "error_cb": self._fault}
        self._group = where.options.get("group", "agentcore")
        self._out = ThreadPoolExecutor(4, thread_name_prefix="kafka-out")
        self._in = ThreadPoolExecutor(1, thread_name_prefix="kafka-in")  # its consumer has one user at a time
        self._lock, self._offsets, self._holding = Lock(), Offsets(), Holding()
        self._producer: Producer | None = None
        self._consumer: Consumer | None = None
        self._assigned = False
        self._again: deque[Message] = deque()
        self._no: KafkaError | None = None  # the credentials were refused: the client itself would try for ever

    async def send(self, run_ids: Sequence[str], *, delay: float = 0.0) -> None:
        if run_ids and not delay:
            await self._call(self._out, self._send, self._topic, [(run_id.encode(), {}) for run_id in run_ids])

    async def receive(self, *, limit: int, wait: float) -> Sequence[Message]:
        if self._again:
            return [self._again.popleft() for _ in range(min(limit, len(self._again)))]
        records = await self._call(self._in, self._receive, limit, wait)
        return [_opened(record) for record in records]

    async def ack(self, message: Message) -> None:
        self._offsets.settle(message.receipt.partition() or 0, message.receipt.offset() or 0)
        # By the thread that polls: others may wait for one poll after the other, and what they would send waits too.
        self._in.submit(self._tell)

    async def retry(self, message: Message, *, delay: float) -> None:
        # A log gives nothing back: it stays here, uncommitted, so that a successor begins with it.
        async def again() -> None:
            self._again.append(_opened(message.receipt, message.attempt + 1))

        self._holding.later(delay, again)

    async def dead_letter(self, message: Message, reason: str) -> None:
        record: Record = message.receipt
        await self.bury(record.value() or b"", _headers(record), reason)
        await self.ack(message)

    async def bury(self, body: bytes, attributes: Mapping[str, str], reason: str) -> None:
        headers = {**attributes, "reason": reason[:1000]}
        await self._call(self._out, self._send, f"{self._topic}-dead", [(body, headers)])

    async def check(self) -> str:
        return await self._call(self._out, self._check)

    async def close(self) -> None:
        await self._holding.close()
        if self._consumer is not None:
            await self._call(self._in, self._leave)
        self._in.shutdown(wait=False)
        self._out.shutdown(wait=False, cancel_futures=True)

    # -- in a thread

    async def _call(self, threads: ThreadPoolExecutor, do: Callable[..., T], *args: Any) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(threads, do, *args)
        except KafkaException as error:
            raise self._explained(error.args[0]) from error

    def _explained(self, error: KafkaError) -> Exception:
        no = self._no or (error if error.code() in _REFUSED else None)
        if no is not None:
            fix = "Check AGENTCORE_BUS_USERNAME, AGENTCORE_BUS_PASSWORD, and what the user may do with topic and group."
            return refused(self._url, fix, no.str())
        if error.code() in _MISSING:
            return misconfigured(self._url, f"there is no topic {self._topic!r} (any more)")
        if error.code() == KafkaError._INVALID_ARG:
            return misconfigured(self._url, error.str())
        return ConnectionError(f"Kafka: {error.str()}")

    def _fault(self, error: KafkaError) -> None:
        if error.code() in _REFUSED:
            self._no = error
        log.log(logging.WARNING if error.code() in _REFUSED else logging.INFO, "Kafka: %s", error.str())

    def _send(self, topic: str, records: Sequence[tuple[bytes, Mapping[str, str | bytes | None]]]) -> None:
        producer, errors = self._made(), list[KafkaError]()

        def told(error: KafkaError | None, record: Record) -> None:
            if error is not None:
                errors.append(error)

        for body, headers in records:
            producer.produce(topic, body, headers=dict(headers), on_delivery=told)
        left = producer.flush(2 * _TIMEOUT)
        if errors:
            raise KafkaException(errors[0])
        if left:
            raise ConnectionError(f"Kafka did not take {left} messages in time")

    def _made(self) -> Producer:
        with self._lock:
            if self._producer is None:
                producer = Producer(self._config, logger=log)
                self._topics(producer, self._topic)
                self._producer = producer
            return self._producer

    def _topics(self, client: Producer | Consumer, *names: str) -> int:
        """How many partitions the topics have. A missing one would be waited for, and asking for it would create it."""
        client.poll(0)  # a token is fetched by its callback, which waits for this
        try:
            found = client.list_topics(timeout=_TIMEOUT).topics
        finally:
            client.poll(0)  # and so does error_cb, which tells why nobody answered
        for name in names:
            if name not in found:
                raise misconfigured(self._url, f"there is no topic {name!r}, or this user may not see it: create it")
        return sum(len(found[name].partitions) for name in names)

    def _check(self) -> str:
        self._topics(self._made(), f"{self._topic}-dead")
        return f"{self._topics(self._made(), self._topic)} partitions"

    def _receive(self, limit: int, wait: float) -> list[Record]:
        consumer, end = self._joined(), time.monotonic() + wait
        while True:
            first = consumer.poll(max(0.0, end - time.monotonic()))
            rest = consumer.consume(limit - 1, 0.0) if first is not None and limit > 1 else []
            good = [record for record in [first, *rest] if record is not None and self._sound(record)]
            for record in good:
                self._offsets.take(record.partition() or 0, record.offset() or 0)
            if good or time.monotonic() >= end:
                return good

    def _sound(self, record: Record) -> bool:
        error = record.error()
        if error is None:
            return True
        if error.code() in _REFUSED | _MISSING or error.fatal():
            raise KafkaException(error)
        log.info("Kafka: %s", error.str())  # the client mends the rest
        return False

    def _joined(self) -> Consumer:
        """The consumer, once it has its partitions: before that, an empty answer would say nothing."""
        if self._consumer is None:
            consumer = Consumer({**_CONSUMER, **self._config, "group.id": self._group}, logger=log)
            try:
                self._topics(consumer, self._topic)
            except BaseException:
                consumer.close()
                raise
            consumer.subscribe([self._topic], on_assign=self._assign, on_revoke=self._revoke, on_lost=self._lose)
            self._consumer = consumer
        end = time.monotonic() + _JOINING
        while not self._assigned:
            if (record := self._consumer.poll(0.1)) is not None and self._sound(record):
                self._consumer.seek(TopicPartition(self._topic, record.partition() or 0, record.offset() or 0))
            if time.monotonic() > end:
                raise ConnectionError(f"Kafka gave no partitions to a member of group {self._group!r} in time")
        return self._consumer

    def _assign(self, consumer: Consumer, partitions: Sequence[TopicPartition]) -> None:
        self._assigned = True

    def _revoke(self, consumer: Consumer, partitions: Sequence[TopicPartition]) -> None:
        self._commit(consumer, self._offsets.resume(), asynchronous=False)
        self._lose(consumer, partitions)

    def _lose(self, consumer: Consumer, partitions: Sequence[TopicPartition]) -> None:
        self._assigned = False
        self._offsets.lose(one.partition for one in partitions)

    def _tell(self) -> None:
        if self._consumer is not None:
            self._commit(self._consumer, self._offsets.moved(), asynchronous=True)

    def _commit(self, consumer: Consumer, resume: Mapping[int, int], *, asynchronous: bool) -> None:
        offsets = [TopicPartition(self._topic, partition, offset) for partition, offset in resume.items()]
        try:
            if offsets and asynchronous:
                consumer.commit(offsets=offsets, asynchronous=True)
            elif offsets:
                consumer.commit(offsets=offsets, asynchronous=False)
        except KafkaException as error:
            log.info("Kafka: what was done is not told, so it comes again: %s", error)

    def _leave(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            consumer.close()  # revokes, and so commits


def _sign_in(where: BusUrl) -> dict[str, Any]:
    if not where.username:
        return {}
    return {
        "security.protocol": "SASL_SSL", "sasl.mechanism": "PLAIN", "sasl.username": where.username,
        "sasl.password": where.password,
    }  # fmt: skip


def _headers(record: Record) -> dict[str, str]:
    given: Any = record.headers() or []  # pairs, whatever its type says
    return {name: value.decode(errors="replace") for name, value in given if value is not None}


def _opened(record: Record, attempt: int = 1) -> Message:
    headers = _headers(record)
    kind = headers.get("content-type", "")
    return opened(record.value() or b"", headers, content_type=kind, attempt=attempt, receipt=record)
