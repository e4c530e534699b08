"""`pubsub://PROJECT/TOPIC`: Google Pub/Sub, pulled from a subscription; what cannot be used goes to TOPIC-dead."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, TypeVar

import grpc
from google.api_core import exceptions
from google.auth.exceptions import DefaultCredentialsError, RefreshError
from google.pubsub_v1 import PublisherAsyncClient, SubscriberAsyncClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcAsyncIOTransport
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcAsyncIOTransport
from google.pubsub_v1.types import PubsubMessage, ReceivedMessage

from agentcore.bus.url import misconfigured, parse, refused
from agentcore.envelope import opened
from agentcore.records import Message
from agentcore.settings import Settings

# Pub/Sub documentation, "Quotas and limits"
_BATCH = 1000  # messages of one publish
_LONGEST_HELD = 600  # seconds of an acknowledgement deadline
_TIMEOUT = 10.0  # seconds for Pub/Sub to answer
_NOTHING = (exceptions.DeadlineExceeded, exceptions.Cancelled)  # what a pull says when nothing came in its time
_WHO = (
    "Give this process a service account with roles/pubsub.publisher and roles/pubsub.subscriber (docs/buses.md); "
    "AGENTCORE_BUS_URL holds no credentials."
)
T = TypeVar("T")


class PubSubBus:
    def __init__(self, url: str, settings: Settings) -> None:
        self.redelivery = settings.redelivery_seconds
        self._url = parse(url, settings, "pubsub://PROJECT/TOPIC?subscription=NAME", 1)
        self._url.only("subscription")
        project, (topic,) = f"projects/{self._url.hosts}", self._url.path
        self._topic, self._dead = f"{project}/topics/{topic}", f"{project}/topics/{topic}-dead"
        self._subscription = f"{project}/subscriptions/{self._url.options.get('subscription', topic)}"
        self._out: Any = None
        self._in: Any = None

    async def send(self, run_ids: Sequence[str], *, delay: float = 0.0) -> None:
        if delay:
            return  # Pub/Sub cannot wait
        messages = [PubsubMessage(data=run_id.encode()) for run_id in run_ids]
        for n in range(0, len(messages), _BATCH):
            await self._publish(self._topic, messages[n : n + _BATCH])

    async def receive(self, *, limit: int, wait: float) -> Sequence[Message]:
        self._open()
        request = {"subscription": self._subscription, "max_messages": limit}
        try:
            answer = await self._call(self._in.pull(request=request, timeout=max(wait, 0.2), retry=None))
        except _NOTHING:
            return ()
        return [_opened(one) for one in answer.received_messages]

    async def ack(self, message: Message) -> None:
        request = {"subscription": self._subscription, "ack_ids": [message.receipt.ack_id]}
        await self._call(self._in.acknowledge(request=request, timeout=_TIMEOUT))

    async def retry(self, message: Message, *, delay: float) -> None:
        request = {
            "subscription": self._subscription, "ack_ids": [message.receipt.ack_id],
            "ack_deadline_seconds": min(round(delay), _LONGEST_HELD),
        }  # fmt: skip
        await self._call(self._in.modify_ack_deadline(request=request, timeout=_TIMEOUT))

    async def dead_letter(self, message: Message, reason: str) -> None:
        came = message.receipt.message
        await self.bury(came.data, dict(came.attributes), reason)
        await self.ack(message)

    async def bury(self, body: bytes, attributes: Mapping[str, str], reason: str) -> None:
        copy = PubsubMessage(data=body, attributes={**attributes, "reason": reason[:1000]})
        await self._publish(self._dead, [copy])

    async def check(self) -> str:
        self._open()
        for topic in (self._topic, self._dead):
            await self._call(self._out.get_topic(request={"topic": topic}, timeout=_TIMEOUT, retry=None))
        request = {"subscription": self._subscription}
        found = await self._call(self._in.get_subscription(request=request, timeout=_TIMEOUT, retry=None))
        if found.topic != self._topic:
            raise misconfigured(self._url, f"{self._subscription} is a subscription of {found.topic}")
        return f"acknowledged within {found.ack_deadline_seconds} s"

    async def close(self) -> None:
        for client in (self._out, self._in):
            if client is not None:
                await client.transport.close()

    async def _publish(self, topic: str, messages: Sequence[PubsubMessage]) -> None:
        self._open()
        request = {"topic": topic, "messages": messages}
        await self._call(self._out.publish(request=request, timeout=_TIMEOUT, retry=None))

    def _open(self) -> None:
        """Inside the loop that uses it: a channel belongs to one."""
        if self._in is not None:
            return
        try:
            if emulator := os.environ.get("PUBSUB_EMULATOR_HOST"):  # as Google's own clients do
                channels = [grpc.aio.insecure_channel(emulator) for _ in range(2)]
                self._out = PublisherAsyncClient(transport=PublisherGrpcAsyncIOTransport(channel=channels[0]))
                self._in = SubscriberAsyncClient(transport=SubscriberGrpcAsyncIOTransport(channel=channels[1]))
            else:
                self._out, self._in = PublisherAsyncClient(), SubscriberAsyncClient()
        except DefaultCredentialsError as error:
            raise refused(self._url, f"No Google credentials were found. {_WHO}", error) from error

    async def _call(self, answer: Awaitable[T]) -> T:
        try:
            return await asyncio.wait_for(answer, 2 * _TIMEOUT)
        except exceptions.NotFound as error:
            raise misconfigured(
                self._url, f"{error.message}. Create the topic, TOPIC-dead and a subscription"
            ) from error
        except (exceptions.PermissionDenied, exceptions.Unauthenticated, RefreshError) as error:
            raise refused(self._url, _WHO, error) from error


def _opened(came: ReceivedMessage) -> Message:
    attributes = dict(came.message.attributes)
    return opened(
        came.message.data, attributes, content_type=attributes.get("content-type", ""),
        attempt=came.delivery_attempt or 1, receipt=came,
    )  # fmt: skip
