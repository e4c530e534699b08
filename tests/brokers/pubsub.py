"""A Pub/Sub of our own, at the level of its gRPC protocol. Google's real clients speak to it; it is not Google's.

It has topics, subscriptions, publish, unary pull, acknowledgement deadlines, delivery attempts, and a permission to
lose. It has no ordering keys, filters, exactly-once delivery, streaming pull or seek.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf import empty_pb2
from google.pubsub_v1 import types

from tests.brokers.broker import Dead, Traits, fresh
from tests.brokers.proxy import Proxy

_LONG_POLL = 5.0  # seconds that an empty pull is held open
_PROJECT, _STRANGERS = "test-project", "strangers"


@dataclass
class _Held:
    message: types.PubsubMessage
    attempt: int = 0
    visible: float = 0.0  # when it may be given, or given again
    ack_id: str = ""


@dataclass
class _Subscription:
    row: types.Subscription
    messages: list[_Held] = field(default_factory=list)


class _Topics:
    """The state, and the methods of the two services."""

    def __init__(self) -> None:
        self.topics: dict[str, types.Topic] = {}
        self.subscriptions: dict[str, _Subscription] = {}
        self._changed, self._ids = threading.Condition(), itertools.count(1)

    def get_topic(self, request: Any, context: grpc.ServicerContext) -> types.Topic:
        with self._found(context, request.topic):
            return self.topics[request.topic]

    def get_subscription(self, request: Any, context: grpc.ServicerContext) -> types.Subscription:
        with self._found(context, request.subscription):
            return self.subscriptions[request.subscription].row

    def publish(self, request: Any, context: grpc.ServicerContext) -> types.PublishResponse:
        ids = []
        with self._found(context, request.topic):
            self.topics[request.topic]
            for message in request.messages:
                message.message_id = str(next(self._ids))
                ids.append(message.message_id)
                for one in self.subscriptions.values():
                    if one.row.topic == request.topic:
                        one.messages.append(_Held(message))
            self._changed.notify_all()
        return types.PublishResponse(message_ids=ids)

    def pull(self, request: Any, context: grpc.ServicerContext) -> types.PullResponse:
        end = time.monotonic() + _LONG_POLL
        with self._found(context, request.subscription):
            while context.is_active() and (left := end - time.monotonic()) > 0:
                if given := self._give(self.subscriptions[request.subscription], request.max_messages):
                    return types.PullResponse(received_messages=given)
                self._changed.wait(min(left, 0.05))  # a deadline may pass meanwhile
        return types.PullResponse()

    def acknowledge(self, request: Any, context: grpc.ServicerContext) -> empty_pb2.Empty:
        with self._found(context, request.subscription):
            one = self.subscriptions[request.subscription]
            one.messages = [held for held in one.messages if held.ack_id not in request.ack_ids]
        return empty_pb2.Empty()

    def modify_ack_deadline(self, request: Any, context: grpc.ServicerContext) -> empty_pb2.Empty:
        with self._found(context, request.subscription):
            for held in self.subscriptions[request.subscription].messages:
                if held.ack_id in request.ack_ids:
                    held.visible = time.monotonic() + request.ack_deadline_seconds
        return empty_pb2.Empty()

    def _give(self, subscription: _Subscription, most: int) -> list[types.ReceivedMessage]:
        now, given = time.monotonic(), []
        for held in [held for held in subscription.messages if held.visible <= now][:most]:
            held.attempt += 1
            held.visible = now + subscription.row.ack_deadline_seconds
            held.ack_id = f"ack-{next(self._ids)}"  # an earlier one is spent
            given.append(types.ReceivedMessage(ack_id=held.ack_id, message=held.message, delivery_attempt=held.attempt))
        return given

    @contextmanager
    def _found(self, context: grpc.ServicerContext, name: str) -> Iterator[None]:
        if name.startswith(f"projects/{_STRANGERS}/"):
            context.abort(grpc.StatusCode.PERMISSION_DENIED, f"User not authorized to perform this action on {name}")
        with self._changed:
            if name not in self.topics and name not in self.subscriptions:
                context.abort(grpc.StatusCode.NOT_FOUND, f"Resource not found (resource={name})")
            yield


class PubSub:
    name = "pubsub"
    traits = Traits(prefix="ce-", refuses="service account")

    def __init__(self) -> None:
        self._state = state = _Topics()
        self._server = grpc.server(futures.ThreadPoolExecutor(32))
        publisher = {
            "GetTopic": _method(state.get_topic, types.GetTopicRequest),
            "Publish": _method(state.publish, types.PublishRequest),
        }
        subscriber = {
            "GetSubscription": _method(state.get_subscription, types.GetSubscriptionRequest),
            "Pull": _method(state.pull, types.PullRequest),
            "Acknowledge": _method(state.acknowledge, types.AcknowledgeRequest),
            "ModifyAckDeadline": _method(state.modify_ack_deadline, types.ModifyAckDeadlineRequest),
        }
        self._server.add_generic_rpc_handlers(
            (
                grpc.method_handlers_generic_handler("google.pubsub.v1.Publisher", publisher),
                grpc.method_handlers_generic_handler("google.pubsub.v1.Subscriber", subscriber),
            )
        )
        port = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()
        self.proxy = Proxy(port)

    @property
    def environment(self) -> Mapping[str, str]:
        return {"PUBSUB_EMULATOR_HOST": f"127.0.0.1:{self.proxy.port}"}

    def queue(self, *, again: int = 1) -> str:
        name = fresh()
        for topic in (name, f"{name}-dead"):
            path = f"projects/{_PROJECT}/topics/{topic}"
            self._state.topics[path] = types.Topic(name=path)
            where = f"projects/{_PROJECT}/subscriptions/{topic}"
            row = types.Subscription(name=where, topic=path, ack_deadline_seconds=again)  # Google's least is 10
            self._state.subscriptions[where] = _Subscription(row)
        return f"pubsub://{_PROJECT}/{name}"

    def missing(self) -> str:
        return f"pubsub://{_PROJECT}/{fresh()}"

    def stranger(self, url: str) -> tuple[str, Mapping[str, str]]:
        return url.replace(_PROJECT, _STRANGERS), {}

    def put(self, url: str, body: bytes, attributes: Mapping[str, str] | None = None) -> None:
        message = types.PubsubMessage(data=body, attributes=dict(attributes or {}))
        for one in self._state.subscriptions.values():
            if one.row.name.endswith(f"/{url.rpartition('/')[2]}"):
                one.messages.append(_Held(message))

    def dead(self, url: str) -> list[Dead]:
        one = self._state.subscriptions[f"projects/{_PROJECT}/subscriptions/{url.rpartition('/')[2]}-dead"]
        found, one.messages = one.messages, []
        given = [(held.message.data, dict(held.message.attributes)) for held in found]
        return [Dead(body, attributes.pop("reason"), attributes) for body, attributes in given]

    def stop(self) -> None:
        self.proxy.cut()
        self._server.stop(0)


def _method(do: Callable[..., Any], request: Any) -> Any:
    return grpc.unary_unary_rpc_method_handler(do, lambda raw: request.deserialize(raw), _serialized)


def _serialized(message: Any) -> bytes:
    data: bytes = message.SerializeToString() if not hasattr(message, "_pb") else type(message).serialize(message)
    return data
