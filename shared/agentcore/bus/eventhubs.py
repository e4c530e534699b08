"""`eventhubs://NAMESPACE/HUB`: Azure Event Hubs, by its Kafka endpoint and the process's own Azure identity."""

from __future__ import annotations

from typing import Any

from azure.identity import DefaultAzureCredential

from agentcore.bus.kafka import KafkaBus
from agentcore.bus.url import parse
from agentcore.settings import Settings


class EventHubsBus(KafkaBus):
    def __init__(self, url: str, settings: Settings) -> None:
        where = parse(url, settings, "eventhubs://NAMESPACE/HUB", 1)
        host = where.hosts if "." in where.hosts else f"{where.hosts}.servicebus.windows.net"
        credential = DefaultAzureCredential()

        def token(_: str) -> tuple[str, float]:
            found = credential.get_token(f"https://{host}/.default")
            return found.token, float(found.expires_on)

        # Microsoft, "Use Azure Event Hubs from Apache Kafka applications": port 9093, OAuth 2.0
        common: dict[str, Any] = {
            "bootstrap.servers": f"{host}:9093", "security.protocol": "SASL_SSL", "sasl.mechanism": "OAUTHBEARER",
            "oauth_cb": token,
        }  # fmt: skip
        self._start(where, common, settings)
