"""What the chart of the services promises: data outlives the release, and nobody gets more than agentcore needs."""

from __future__ import annotations

import pytest

from tests.infra.charts import Object, one, rendered, values


@pytest.fixture(scope="module")
def charts() -> dict[str, list[Object]]:
    return rendered("services", {"none": {}, **values("services")})


def test_nothing_is_made_unasked(charts: dict[str, list[Object]]) -> None:
    assert charts["none"] == []


def test_data_outlives_the_release_unless_you_say_otherwise(charts: dict[str, list[Object]]) -> None:
    def kept(case: str) -> set[bool]:
        keep = {"helm.sh/resource-policy": "keep"}
        return {o["metadata"].get("annotations") == keep for o in charts[case] if o["kind"] != "Secret"}

    assert (kept("all"), kept("single")) == ({True}, {False})


def test_postgresql_takes_only_tls(charts: dict[str, list[Object]]) -> None:
    spec = one(charts["all"], "Cluster")["spec"]
    assert spec["postgresql"]["pg_hba"][0] == "hostnossl all all all reject"
    assert not spec.get("enableSuperuserAccess")
    assert spec["imageName"] == "registry.example.com/postgresql:18"  # values may say more than the chart


def test_rabbitmq_has_the_queues_and_a_user_who_may_use_them(charts: dict[str, list[Object]]) -> None:
    queues = {o["spec"]["name"]: o["spec"]["type"] for o in charts["all"] if o["kind"] == "Queue"}
    assert queues == {"agentcore": "quorum", "agentcore-dead": "quorum"}
    may = one(charts["all"], "Permission")["spec"]["permissions"]
    assert may == {"configure": "", "write": r"^amq\.default$", "read": "^agentcore$"}


def test_kafka_has_the_topics_and_a_user_who_may_use_them(charts: dict[str, list[Object]]) -> None:
    topics = {o["spec"]["topicName"]: o["spec"]["partitions"] for o in charts["all"] if o["kind"] == "KafkaTopic"}
    assert topics == {"agentcore": 40, "agentcore-dead": 1}
    rights = {a["resource"]["name"]: a["operations"] for a in _acls(charts["all"]) if a["resource"]["type"] == "topic"}
    assert rights == {"agentcore": ["Read", "Write", "Describe"], "agentcore-dead": ["Write", "Describe"]}
    (listener,) = one(charts["all"], "Kafka")["spec"]["kafka"]["listeners"]
    assert (listener["tls"], listener["authentication"]) == (True, {"type": "scram-sha-512"})


def _acls(objects: list[Object]) -> list[Object]:
    return list(one(objects, "KafkaUser")["spec"]["authorization"]["acls"])


@pytest.mark.parametrize(("case", "replicas"), [("all", 3), ("single", 1)])
def test_kafka_keeps_as_many_copies_as_it_has_brokers(
    charts: dict[str, list[Object]], case: str, replicas: int
) -> None:
    config = one(charts[case], "Kafka")["spec"]["kafka"]["config"]
    assert config["default.replication.factor"] == replicas
    assert config["min.insync.replicas"] == min(2, replicas)  # else one broker that restarts stops all writing
    assert {o["spec"]["replicas"] for o in charts[case] if o["kind"] == "KafkaTopic"} == {replicas}


def test_only_agentcore_operators_and_keda_come_in(charts: dict[str, list[Object]]) -> None:
    policies = {o["metadata"]["name"]: o["spec"] for o in charts["all"] if o["kind"] == "NetworkPolicy"}
    ports = {
        name: [p["port"] for rule in spec["ingress"] for p in rule.get("ports", [])] for name, spec in policies.items()
    }
    assert ports == {"agentcore-postgres": [5432], "agentcore-rabbitmq": [5672]}
    (listener,) = one(charts["all"], "Kafka")["spec"]["kafka"]["listeners"]
    peers = [*(spec["ingress"][1]["from"] for spec in policies.values()), listener["networkPolicyPeers"]]
    for own, keda in peers:
        assert own == {"podSelector": {"matchLabels": {"app.kubernetes.io/name": "agentcore"}}}
        assert keda["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "keda"}
