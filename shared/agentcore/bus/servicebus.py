"""`servicebus://NAMESPACE/QUEUE`: an Azure Service Bus queue, with the process's own Azure identity."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from azure.core.exceptions import ClientAuthenticationError
from azure.identity.aio import DefaultAzureCredential
from azure.servicebus import ServiceBusMessage, ServiceBusReceivedMessage, exceptions
from azure.servicebus.aio import ServiceBusClient, ServiceBusReceiver, ServiceBusSender
from azure.servicebus.amqp import AmqpMessageBodyType

from agentcore.bus.holding import Holding
from agentcore.bus.url import misconfigured, parse, refused
from agentcore.envelope import opened
from agentcore.records import Message
from agentcore.settings import Settings

_BATCH = 100  # messages of one request: far below the 256 KiB that it may have
_TIMEOUT = 15.0  # seconds for Service Bus to answer
_MOST_HELD = 20.0  # seconds: within a lock (one minute by default, five at most)
_WHO = (
    "Give this process an identity with the roles Azure Service Bus Data Sender and Data Receiver on the queue "
    "(docs/buses.md); AGENTCORE_BUS_URL holds no credentials."
)
T = TypeVar("T")


class ServiceBus:
    def __init__(self, url: str, settings: Settings) -> None:
        self.redelivery = settings.redelivery_seconds
        self._url = parse(url, settings, "servicebus://NAMESPACE/QUEUE", 1)
        self._url.only()
        (self._queue,) = self._url.path
        self._connection_string = settings.bus_password  # of an emulator, or where there are no identities
        self._sending, self._holding = asyncio.Lock(), Holding()
        self._credential: DefaultAzureCredential | None = None
        self._client: ServiceBusClient | None = None
        self._sender: ServiceBusSender | None = None
        self._receiver: ServiceBusReceiver | None = None

    async def send(self, run_ids: Sequence[str], *, delay: float = 0.0) -> None:
        at = datetime.now(UTC) + timedelta(seconds=delay) if delay else None
        sender, _ = await self._links()
        async with self._sending:
            await self._call(sender.__aenter__())
        for n in range(0, len(run_ids), _BATCH):
            batch = [ServiceBusMessage(one, scheduled_enqueue_time_utc=at) for one in run_ids[n : n + _BATCH]]
            async with self._sending:  # a link has one user at a time
                await self._call(sender.send_messages(batch, timeout=_TIMEOUT))

    async def receive(self, *, limit: int, wait: float) -> Sequence[Message]:
        _, receiver = await self._links()
        # Opened first, unless it is: else the opening would have to fit into `wait`.
        await self._call(receiver.__aenter__())
        found = await self._call(receiver.receive_messages(max_message_count=limit, max_wait_time=max(wait, 0.2)))
        return [_opened(one) for one in found]

    async def ack(self, message: Message) -> None:
        _, receiver = await self._links()
        await self._call(receiver.complete_message(message.receipt))

    async def retry(self, message: Message, *, delay: float) -> None:
        _, receiver = await self._links()
        self._holding.later(min(delay, _MOST_HELD), lambda: receiver.abandon_message(message.receipt))

    async def dead_letter(self, message: Message, reason: str) -> None:
        _, receiver = await self._links()
        await self._call(
            receiver.dead_letter_message(message.receipt, reason="unusable", error_description=reason[:1000])
        )

    async def bury(self, body: bytes, attributes: Mapping[str, str], reason: str) -> None:
        raise NotImplementedError("Service Bus moves a message to its dead letters only for whoever holds its lock")

    async def check(self) -> str:
        sender, receiver = await self._links()
        await self._call(receiver.__aenter__())
        waiting = await self._call(receiver.peek_messages(max_message_count=1, timeout=_TIMEOUT))
        async with self._sending:
            await self._call(sender.__aenter__())
        return "messages wait" if waiting else "nothing waits"

    async def close(self) -> None:
        await self._holding.close()
        for one in (self._sender, self._receiver, self._client, self._credential):
            if one is not None:
                await one.close()

    async def _links(self) -> tuple[ServiceBusSender, ServiceBusReceiver]:
        """Made inside the loop that uses them, and kept: each costs half a second to open."""
        if self._client is None:
            self._client = self._connect()
            self._sender = self._client.get_queue_sender(self._queue)
            self._receiver = self._client.get_queue_receiver(self._queue)
        assert self._sender is not None
        assert self._receiver is not None
        return self._sender, self._receiver

    def _connect(self) -> ServiceBusClient:
        options: dict[str, Any] = {"retry_total": 1, "retry_backoff_factor": 0.2}  # what fails, our caller repeats
        if self._connection_string:
            try:
                return ServiceBusClient.from_connection_string(self._connection_string, **options)
            except ValueError as error:
                raise misconfigured(self._url, "AGENTCORE_BUS_PASSWORD is no connection string") from error
        host = self._url.hosts if "." in self._url.hosts else f"{self._url.hosts}.servicebus.windows.net"
        self._credential = DefaultAzureCredential()
        return ServiceBusClient(host, self._credential, **options)

    async def _call(self, answer: Awaitable[T]) -> T:
        try:
            return await asyncio.wait_for(answer, 3 * _TIMEOUT)
        except exceptions.MessagingEntityNotFoundError as error:
            raise misconfigured(self._url, f"there is no queue {self._queue!r}: create it") from error
        except (
            exceptions.ServiceBusAuthenticationError, exceptions.ServiceBusAuthorizationError,
            ClientAuthenticationError,
        ) as error:  # fmt: skip
            raise refused(self._url, _WHO, error) from error


def _opened(came: ServiceBusReceivedMessage) -> Message:
    body = b"".join(came.body) if came.body_type == AmqpMessageBodyType.DATA else str(came).encode()
    attributes = {_text(name): _text(value) for name, value in (came.application_properties or {}).items()}
    attempt = 1 + (came.delivery_count or 0)
    return opened(body, attributes, content_type=came.content_type or "", attempt=attempt, receipt=came)


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
