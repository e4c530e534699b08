"""How run ids travel. One file an adapter, imported on use by the URL's scheme."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from agentcore.errors import Misconfigured
from agentcore.ports import Bus, Hints, StateStore
from agentcore.settings import Settings

_Factory = Callable[[str, Settings], Bus]
_ADAPTERS = {  # scheme: module, class, and the extra that brings its client
    "amqp": ("rabbitmq", "RabbitBus", "rabbitmq"),
    "amqps": ("rabbitmq", "RabbitBus", "rabbitmq"),
    "sqs": ("sqs", "SqsBus", "aws"),
    "kafka": ("kafka", "KafkaBus", "kafka"),
    "eventhubs": ("eventhubs", "EventHubsBus", "kafka,azure"),
    "servicebus": ("servicebus", "ServiceBus", "azure"),
    "pubsub": ("pubsub", "PubSubBus", "gcp"),
}


def open_bus(url: str, store: StateStore, settings: Settings, *, hints: Hints | None = None) -> Bus:
    """The bus that a URL names; nothing is connected yet. `hints`: how processes tell each other, if not by the store.

    Raises Misconfigured for a scheme that has no adapter, a client that is not installed, and a URL that lacks a part.
    """
    match url.partition("://")[0]:
        case "memory":
            from agentcore.bus.memory import MemoryBus

            return MemoryBus(redelivery=settings.redelivery_seconds)
        case "store":
            from agentcore.bus.store import StoreBus

            return StoreBus(store, hints or store, redelivery=settings.redelivery_seconds)
        case scheme if scheme in _ADAPTERS:
            return _adapter(scheme)(url, settings)
        case scheme:
            raise Misconfigured(
                f"AGENTCORE_BUS_URL: there is no bus {scheme!r}. Known: memory:// (within one process), "
                f"store:// (workers poll the database), {', '.join(f'{one}://' for one in _ADAPTERS)}.",
                setting="AGENTCORE_BUS_URL",
            )


def _adapter(scheme: str) -> _Factory:
    module, name, extra = _ADAPTERS[scheme]
    try:
        found: _Factory = getattr(import_module(f"agentcore.bus.{module}"), name)
    except ModuleNotFoundError as error:
        raise Misconfigured(
            f"AGENTCORE_BUS_URL: {scheme}:// needs a client that is not installed ({error.name}). "
            f'Run: pip install "agentcore[{extra}]"',
            setting="AGENTCORE_BUS_URL",
        ) from error
    return found
