"""What KEDA is told: how much work waits on each bus."""

from __future__ import annotations

import psycopg
import pytest

from agentcore.testing import advance
from tests.harness import harness
from tests.infra.charts import Object, one, rendered, values
from tests.postgres import Postgres

VALUES = {name: each for name, each in values("agentcore").items() if name.endswith("-keda")}


@pytest.fixture(scope="module")
def jobs() -> dict[str, tuple[Object, Object]]:
    """Of each case the trigger, and what it signs in with."""
    charts = rendered("agentcore", VALUES).items()
    found = {}
    for name, objects in charts:
        (trigger,) = one(objects, "ScaledJob")["spec"]["triggers"]
        authentication = one(objects, "TriggerAuthentication")
        assert trigger["authenticationRef"]["name"] == authentication["metadata"]["name"]
        found[name] = trigger, authentication["spec"]
    return found


def test_rabbitmq(jobs: dict[str, tuple[Object, Object]]) -> None:
    trigger, authentication = jobs["rabbitmq-keda"]
    assert trigger["metadata"] == {
        "protocol": "amqp", "host": "amqps://rabbit.example.com:5671", "vhostName": "agents", "queueName": "runs",
        "mode": "QueueLength", "value": "10",
    }  # fmt: skip
    assert authentication == {"secretTargetRef": [
        {"parameter": "password", "name": "agentcore", "key": "AGENTCORE_BUS_PASSWORD"},
        {"parameter": "username", "name": "agentcore", "key": "AGENTCORE_BUS_USERNAME"},
    ]}  # fmt: skip


def test_kafka(jobs: dict[str, tuple[Object, Object]]) -> None:
    trigger, authentication = jobs["kafka-keda"]
    assert trigger["metadata"] == {
        "bootstrapServers": "a:9093,b:9093", "topic": "runs", "consumerGroup": "workers", "lagThreshold": "10",
        "offsetResetPolicy": "earliest", "tls": "enable", "sasl": "scram_sha512",
    }  # fmt: skip
    assert {each["parameter"]: each["name"] for each in authentication["secretTargetRef"]} == {
        "username": "services-kafka-name", "password": "services-kafka-user", "ca": "services-kafka-cluster-ca-cert",
    }  # fmt: skip


def test_service_bus(jobs: dict[str, tuple[Object, Object]]) -> None:
    trigger, authentication = jobs["servicebus-keda"]
    assert trigger["metadata"] == {"namespace": "acme", "queueName": "runs", "messageCount": "10"}
    assert authentication["podIdentity"] == {
        "provider": "azure-workload", "identityId": "00000000-0000-0000-0000-000000000001",
    }  # fmt: skip


@pytest.mark.anyio
async def test_the_query_counts_the_runs_that_wait(jobs: dict[str, tuple[Object, Object]], postgres: Postgres) -> None:
    trigger, authentication = jobs["store-keda"]
    assert authentication["secretTargetRef"] == [{"parameter": "connection", "name": "keda-reader", "key": "url"}]
    url = postgres.create_database()
    async with harness(url, bus_url="store://") as at:
        with psycopg.connect(url, autocommit=True) as connection:

            def waiting() -> int:
                row = connection.execute(trigger["metadata"]["query"]).fetchone()
                assert row
                return int(row[0])

            assert waiting() == 0
            at.agent(lambda: None)
            run, _, _ = [await at.accept() for _ in range(3)]
            assert waiting() == 3
            assert await at.store.claim(run.id, lease=30, window=10)
            assert waiting() == 2  # one is worked on
            assert len(await at.service.bus.receive(limit=1, wait=0.1)) == 1
            assert waiting() == 1  # one is about to be
            await advance(at.store, 61)
            assert waiting() == 3  # both workers died


@pytest.mark.anyio
async def test_the_reader_needs_one_column(jobs: dict[str, tuple[Object, Object]], postgres: Postgres) -> None:
    url = postgres.create_database()
    async with harness(url):
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("create role keda_reader")
            connection.execute("grant select (wake_at) on run to keda_reader")
            connection.execute("set role keda_reader")
            assert connection.execute(jobs["store-keda"][0]["metadata"]["query"]).fetchone() == (0,)
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("select input from run")
