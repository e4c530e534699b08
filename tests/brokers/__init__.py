"""Real brokers for tests, and wire-level ones of our own where no real one can run."""

from __future__ import annotations

from importlib.util import find_spec

from tests.brokers.broker import Absent, Broker

KINDS = ["rabbitmq", "sqs", "kafka", "pubsub", "servicebus"]

__all__ = ["KINDS", "Absent", "Broker", "start"]


def start(name: str) -> Broker:
    """Start a broker. Raises Absent."""
    match name:
        case "rabbitmq":
            from tests.brokers import rabbitmq

            if rabbitmq.ABSENT:
                raise Absent(rabbitmq.ABSENT)
            return rabbitmq.RabbitMq()
        case "sqs":
            from tests.brokers.sqs import Sqs

            return Sqs()
        case "kafka":
            from tests.brokers.kafka import Kafka

            return Kafka()
        case "pubsub":
            from tests.brokers.pubsub import PubSub

            return PubSub()
        case "servicebus":
            if find_spec("proton") is None:
                raise Absent("python-qpid-proton is not installed: it could not be built (make test says why)")
            from tests.brokers.servicebus import ServiceBusBroker

            return ServiceBusBroker()
    raise AssertionError(name)
