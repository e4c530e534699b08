"""What the adapters decide before anything is connected."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from agentcore.bus import open_bus
from agentcore.errors import Misconfigured
from agentcore.ports import StateStore
from agentcore.settings import Settings


def opened(url: str, **settings: Any) -> Any:
    return open_bus(url, cast(StateStore, None), Settings(bus_url=url, **settings))


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("amqp://host", "VHOST/QUEUE"), ("amqp://host/q?ssl=1", "'ssl'"), ("sqs://eu-central-1/1/q.fifo", "FIFO"),
        ("kafka://h:1/t?sasl.password=x", "AGENTCORE_BUS_PASSWORD"), ("pubsub://p/t?topic=x", "'topic'"),
        ("servicebus://n", "servicebus://NAMESPACE/QUEUE"), ("eventhubs://n", "eventhubs://NAMESPACE/HUB"),
    ],
)  # fmt: skip
def test_a_url_that_cannot_work_says_why(url: str, said: str) -> None:
    with pytest.raises(Misconfigured, match="AGENTCORE_BUS_URL") as refused:
        opened(url)
    assert said in str(refused.value)


def test_kafka_with_a_user_signs_in_over_tls_unless_told_otherwise() -> None:
    plain = opened("kafka://h:1/t")._config
    assert "security.protocol" not in plain
    cloud = opened("kafka://h:1/t", bus_username="key", bus_password="secret")._config
    assert (cloud["security.protocol"], cloud["sasl.mechanism"]) == ("SASL_SSL", "PLAIN")
    scram = opened("kafka://me:pw@h:1/t?sasl.mechanism=SCRAM-SHA-512&ssl.ca.location=/ca.pem")._config
    assert (scram["sasl.mechanism"], scram["ssl.ca.location"]) == ("SCRAM-SHA-512", "/ca.pem")


def test_kafka_options_that_do_not_exist_name_the_setting() -> None:
    async def test() -> None:
        bus = opened("kafka://127.0.0.1:1/t?no.such.option=1")
        with pytest.raises(Misconfigured, match=r"no\.such\.option"):
            await bus.check()
        await bus.close()

    asyncio.run(test())


def test_event_hubs_signs_in_with_the_identity_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    class Credential:
        def get_token(self, scope: str) -> Any:
            asked.append(scope)
            return type("Token", (), {"token": "t0ken", "expires_on": 99})

    monkeypatch.setattr("agentcore.bus.eventhubs.DefaultAzureCredential", Credential)
    config = opened("eventhubs://shop/runs")._config
    assert config["bootstrap.servers"] == "shop.servicebus.windows.net:9093"
    assert (config["security.protocol"], config["sasl.mechanism"]) == ("SASL_SSL", "OAUTHBEARER")
    token: Callable[[str], tuple[str, float]] = config["oauth_cb"]
    assert token("") == ("t0ken", 99.0)
    assert asked == ["https://shop.servicebus.windows.net/.default"]


def test_a_client_that_is_not_installed_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ModuleNotFoundError("No module named 'boto3'", name="boto3")

    monkeypatch.setattr("agentcore.bus.import_module", missing)
    with pytest.raises(Misconfigured, match=r"agentcore\[aws\]"):
        opened("sqs://eu-central-1/1/q")


def test_sqs_says_how_many_messages_were_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    class Client:
        sent = 0

        def get_queue_url(self, **_: Any) -> Any:
            return {"QueueUrl": "q"}

        def send_message_batch(self, QueueUrl: str, Entries: list[Any]) -> Any:
            self.sent += len(Entries)
            bad = [{"Id": one["Id"], "Code": "InternalError"} for one in Entries if one["MessageBody"] == "id-12"]
            return {"Failed": bad} if bad else {}

        def close(self) -> None:
            pass

    async def test() -> None:
        bus, client = opened("sqs://eu-central-1/1/q"), Client()
        monkeypatch.setattr(bus, "_made", client)
        with pytest.raises(ConnectionError, match="1 of 10"):
            await bus.send([f"id-{n}" for n in range(25)])
        assert client.sent == 25  # the other batches went all the same
        await bus.close()

    asyncio.run(test())
