"""`amqp(s)://USER@HOST[/VHOST]/QUEUE`: a RabbitMQ quorum queue; what cannot be used goes to QUEUE-dead."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage
from aiormq import exceptions
from yarl import URL

from agentcore.bus.holding import Holding
from agentcore.bus.url import misconfigured, parse, refused
from agentcore.envelope import opened
from agentcore.records import Message
from agentcore.settings import Settings

_FORM = "amqps://USER@HOST/VHOST/QUEUE"
_TIMEOUT = 10.0  # seconds for the broker to answer
_LEAST = 0.1  # seconds of one receive: a queue needs a moment to deliver what it has
_CREATE = 'Create it: rabbitmqadmin declare queue name={} durable=true arguments=\'{{"x-queue-type":"quorum"}}\''


class RabbitBus:
    def __init__(self, url: str, settings: Settings) -> None:
        self.redelivery = settings.redelivery_seconds
        self._url = where = parse(url, settings, _FORM, 1, 2)
        where.only("heartbeat", "cafile", "certfile", "keyfile", "auth")
        *vhost, self._queue = where.path
        self._address = (
            URL(f"{where.scheme}://{where.hosts}")
            .with_path("/" + "/".join(vhost or ["/"]), encoded=False)
            .with_query(dict(where.options))
        )
        if where.username:
            self._address = self._address.with_user(where.username).with_password(where.password or None)
        self._connecting, self._holding = asyncio.Lock(), Holding()
        self._connection: AbstractConnection | None = None
        self._out: AbstractChannel | None = None
        self._in: AbstractChannel | None = None
        self._come: deque[AbstractIncomingMessage] = deque()
        self._hear = asyncio.Event()

    async def send(self, run_ids: Sequence[str], *, delay: float = 0.0) -> None:
        if delay:
            return  # plain RabbitMQ cannot wait
        await self._open()
        await asyncio.gather(*(self._publish(aio_pika.Message(run_id.encode()), self._queue) for run_id in run_ids))

    async def receive(self, *, limit: int, wait: float) -> Sequence[Message]:
        # A consumer for as long as this waits, and no longer: what a busy worker prefetched, no idle one could have.
        await self._open()
        assert self._in is not None
        await self._in.set_qos(prefetch_count=limit)
        queue = await self._in.get_queue(self._queue, ensure=False)
        self._hear.clear()
        try:
            tag = await queue.consume(self._heard, timeout=_TIMEOUT)
        except exceptions.AMQPChannelError as error:
            raise self._explained(error) from error
        try:
            if not self._come:
                await asyncio.wait_for(self._hear.wait(), max(_LEAST, wait))
        except TimeoutError:
            pass
        finally:
            await queue.cancel(tag, timeout=_TIMEOUT)
        return [_opened(self._come.popleft()) for _ in range(min(limit, len(self._come)))]

    async def ack(self, message: Message) -> None:
        await message.receipt.ack()

    async def retry(self, message: Message, *, delay: float) -> None:
        self._holding.later(delay, lambda: message.receipt.nack(requeue=True))

    async def dead_letter(self, message: Message, reason: str) -> None:
        came: AbstractIncomingMessage = message.receipt
        await self._bury(came.body, came.headers, reason, content_type=came.content_type)  # and only then:
        await came.ack()

    async def bury(self, body: bytes, attributes: Mapping[str, str], reason: str) -> None:
        await self._bury(body, attributes, reason)

    async def _bury(self, body: bytes, headers: Mapping[str, Any], reason: str, **more: Any) -> None:
        copy = aio_pika.Message(body, headers={**headers, "reason": reason[:1000]}, **more)
        await self._open()
        await self._publish(copy, f"{self._queue}-dead")

    async def check(self) -> str:
        await self._open()
        assert self._connection is not None
        waiting = [await self._count(self._connection, name) for name in (self._queue, f"{self._queue}-dead")]
        return "{} waiting, {} dead".format(*waiting)

    async def close(self) -> None:
        await self._holding.close()
        if self._connection is not None:
            await self._connection.close()

    async def _open(self) -> None:
        async with self._connecting:
            if self._connection is not None and not self._connection.is_closed and _usable(self._out, self._in):
                return
            if self._connection is not None:
                await self._connection.close()
            self._come.clear()  # they belong to the lost connection, and come again
            try:
                self._connection = await aio_pika.connect(self._address, timeout=_TIMEOUT)
                self._out = await self._connection.channel(publisher_confirms=True, on_return_raises=True)
                self._in = await self._connection.channel(publisher_confirms=False)
            except (exceptions.AuthenticationError, exceptions.ProbableAuthenticationError) as error:
                fix = "Check its user, and AGENTCORE_BUS_USERNAME and AGENTCORE_BUS_PASSWORD."
                raise refused(self._url, fix, error) from error
            except exceptions.ConnectionNotAllowed as error:
                raise refused(self._url, "Check the virtual host and the user's permissions there.", error) from error

    async def _publish(self, message: aio_pika.Message, queue: str) -> None:
        assert self._out is not None
        message.delivery_mode = aio_pika.DeliveryMode.PERSISTENT
        try:
            await self._out.default_exchange.publish(message, queue, mandatory=True, timeout=_TIMEOUT)
        except aio_pika.exceptions.PublishError as error:  # returned: nothing is bound to that name
            raise misconfigured(self._url, f"there is no queue {queue!r}. {_CREATE.format(queue)}") from error

    async def _count(self, connection: AbstractConnection, queue: str) -> int:
        async with connection.channel() as channel:  # of its own: the broker closes it where there is no such queue
            try:
                found = await channel.declare_queue(queue, passive=True, timeout=_TIMEOUT)
            except exceptions.AMQPChannelError as error:
                raise self._explained(error, queue) from error
            return found.declaration_result.message_count or 0

    def _explained(self, error: Exception, queue: str = "") -> Exception:
        queue = queue or self._queue
        if isinstance(error, exceptions.ChannelNotFoundEntity):
            return misconfigured(self._url, f"there is no queue {queue!r}. {_CREATE.format(queue)}")
        if isinstance(error, exceptions.ChannelAccessRefused):
            return refused(self._url, f"The user needs to read {queue!r} and to write to amq.default.", error)
        return error

    async def _heard(self, message: AbstractIncomingMessage) -> None:
        self._come.append(message)
        self._hear.set()


def _usable(*channels: AbstractChannel | None) -> bool:
    return all(channel is not None and not channel.is_closed for channel in channels)


def _opened(came: AbstractIncomingMessage) -> Message:
    before = came.headers.get("x-delivery-count", int(bool(came.redelivered)))
    attempt = 1 + (before if isinstance(before, int) else 0)
    return opened(came.body, came.headers, content_type=came.content_type or "", attempt=attempt, receipt=came)
