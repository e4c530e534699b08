"""How run ids travel. One file an adapter, imported on use by the URL's scheme."""

from __future__ import annotations

from agentcore.errors import Misconfigured
from agentcore.ports import Bus, StateStore
from agentcore.settings import Settings


def open_bus(url: str, store: StateStore, settings: Settings) -> Bus:
    """The bus that a URL names. Raises Misconfigured for a scheme that has no adapter."""
    match url.partition("://")[0]:
        case "memory":
            from agentcore.bus.memory import MemoryBus

            return MemoryBus(redelivery=settings.redelivery_seconds)
        case "store":
            from agentcore.bus.store import StoreBus

            return StoreBus(store, redelivery=settings.redelivery_seconds)
        case scheme:
            raise Misconfigured(
                f"AGENTCORE_BUS_URL: there is no bus {scheme!r}. "
                "Known: memory:// (within one process), store:// (workers poll the database).",
                setting="AGENTCORE_BUS_URL",
            )
