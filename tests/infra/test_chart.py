"""What the chart promises of every pod, whatever it is given."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from agentcore import cli
from agentcore.settings import Settings, variable
from tests.infra.charts import Object, containers, one, refused, rendered, template_of, templates, values

VALUES = values("agentcore")
MINIMAL = VALUES["minimal"]
SETTINGS = {variable(setting) for setting in fields(Settings)}


@pytest.fixture(scope="module")
def charts() -> dict[str, list[Object]]:
    return rendered("agentcore", VALUES)


@pytest.fixture(params=sorted(VALUES))
def objects(request: pytest.FixtureRequest, charts: dict[str, list[Object]]) -> list[Object]:
    return charts[request.param]


def test_pods_can_do_nothing_to_their_node(objects: list[Object]) -> None:
    for name, template in templates(objects):
        spec = template["spec"]
        assert spec["securityContext"]["runAsNonRoot"], name
        assert spec["securityContext"]["runAsUser"] == 10001, name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys(), name
        assert {next(k for k in volume if k != "name") for volume in spec["volumes"]} <= {"emptyDir", "secret"}, name
        for container in containers(template):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
            }, name  # fmt: skip
            assert container["resources"]["limits"]["memory"], name
            assert container["resources"]["requests"].keys() >= {"cpu", "memory"}, name


def test_pods_have_no_token_and_an_account_for_each_role(objects: list[Object]) -> None:
    accounts = {o["metadata"]["name"]: o for o in objects if o["kind"] == "ServiceAccount"}
    assert accounts.keys() == {f"agentcore-{role}" for role in ("api", "worker", "timer", "migration")}
    assert not any(account["automountServiceAccountToken"] for account in accounts.values())
    for name, template in templates(objects):
        assert template["spec"]["automountServiceAccountToken"] is False, name
        assert template["spec"]["serviceAccountName"] in accounts, name


def test_no_variable_comes_from_the_names_of_services(objects: list[Object]) -> None:
    """Kubernetes sets AGENTCORE_PORT=tcp://… for a service called agentcore, and agentcore would refuse to start."""
    assert one(objects, "Service")["metadata"]["name"] == "agentcore"
    assert all(template["spec"]["enableServiceLinks"] is False for _, template in templates(objects))


def test_variables_are_settings_and_commands_exist(objects: list[Object]) -> None:
    for name, template in templates(objects):
        for container in containers(template):
            assert {entry["name"] for entry in container["env"]} <= SETTINGS, name
            if "command" not in container:
                cli._parser().parse_args(container["args"])  # ends the test where it knows no such command


def test_secrets_are_only_referred_to(objects: list[Object]) -> None:
    assert not [o for o in objects if o["kind"] in ("Secret", "ConfigMap")]
    secret = {variable(setting) for setting in fields(Settings) if not setting.repr} | {"AGENTCORE_DATABASE_URL"}
    for name, template in templates(objects):
        for container in containers(template):
            plain = {entry["name"] for entry in container["env"] if "value" in entry}
            assert not plain & secret, name


def test_the_migration_needs_nothing_that_comes_after_it(objects: list[Object]) -> None:
    job = one(objects, "Job")
    account = one(objects, "ServiceAccount", job["spec"]["template"]["spec"]["serviceAccountName"])
    for each in (job, account):
        assert each["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    weights = [int(each["metadata"]["annotations"]["helm.sh/hook-weight"]) for each in (account, job)]
    assert weights[0] < weights[1]
    template = job["spec"]["template"]
    assert [(c["name"], c["args"]) for c in template["spec"]["initContainers"]] == [("migrate", ["migrate"])]
    assert [(c["name"], c["args"]) for c in template["spec"]["containers"]] == [("preflight", ["preflight"])]
    # A run that would not resume says 1; a database that is not there yet says 2, and is tried again.
    (rule,) = job["spec"]["podFailurePolicy"]["rules"]
    assert (rule["action"], rule["onExitCodes"]["values"]) == ("FailJob", [1])
    assert job["spec"]["backoffLimit"] >= 3


def test_limits_follow_from_each_other(objects: list[Object]) -> None:
    api, timer = template_of(one(objects, "Deployment", "agentcore-api")), one(objects, "CronJob")
    assert api
    environment = {e["name"]: e.get("value") for e in api["spec"]["containers"][0]["env"]}
    slice_seconds, margin = (int(environment[f"AGENTCORE_{n}"]) for n in ("SLICE_SECONDS", "DEADLINE_MARGIN"))
    assert slice_seconds > 2 * margin
    leave = api["spec"]["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    # The server gives answers a margin to end, then runs one to be handed over, then connections and threads.
    assert api["spec"]["terminationGracePeriodSeconds"] > leave + 3 * margin
    for name, template in templates(objects):
        if not name.startswith("Pod/"):
            assert template["spec"]["terminationGracePeriodSeconds"] >= 2 * margin + 20, name
    for job in (o for o in objects if o["kind"] == "ScaledJob"):
        (container,) = job["spec"]["jobTargetRef"]["template"]["spec"]["containers"]
        most = int(container["args"][-1])
        grace = job["spec"]["jobTargetRef"]["template"]["spec"]["terminationGracePeriodSeconds"]
        assert slice_seconds <= most < job["spec"]["jobTargetRef"]["activeDeadlineSeconds"] - grace
    assert timer["spec"]["concurrencyPolicy"] == "Forbid"
    assert timer["spec"]["startingDeadlineSeconds"] >= 10  # below that the controller may never look in time
    assert timer["spec"]["jobTemplate"]["spec"]["activeDeadlineSeconds"] == 120


def test_requests_reach_the_api_and_nothing_else(objects: list[Object]) -> None:
    service = one(objects, "Service")
    reached = {
        name
        for name, template in templates(objects)
        if service["spec"]["selector"].items() <= template["metadata"]["labels"].items()
    }
    assert reached == {"Deployment/agentcore-api"}
    (container,) = one(objects, "Deployment", "agentcore-api")["spec"]["template"]["spec"]["containers"]
    assert container["livenessProbe"]["httpGet"] == container["startupProbe"]["httpGet"] == _get("/healthz")
    assert container["readinessProbe"]["timeoutSeconds"] > 5  # /readyz itself waits so long


def _get(path: str) -> dict[str, Any]:
    return {"path": path, "port": "http"}


def test_what_is_not_allowed_is_denied(objects: list[Object]) -> None:
    every, api = one(objects, "NetworkPolicy", "agentcore"), one(objects, "NetworkPolicy", "agentcore-api")
    for name, template in templates(objects):
        labels = template["metadata"]["labels"].items()
        assert every["spec"]["podSelector"]["matchLabels"].items() <= labels, name
        assert (api["spec"]["podSelector"]["matchLabels"].items() <= labels) == (name == "Deployment/agentcore-api")
    assert every["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert [rule["ports"][0]["port"] for rule in api["spec"]["ingress"]] == [8000]
    for rule in every["spec"]["egress"]:
        assert rule["ports"]
        for peer in rule.get("to", []):
            if peer.get("ipBlock", {}).get("cidr") == "0.0.0.0/0":
                assert {"10.0.0.0/8", "169.254.0.0/16"} <= set(peer["ipBlock"]["except"])  # metadata servers are there


def test_with_the_database_as_the_bus_no_broker_can_be_reached(charts: dict[str, list[Object]]) -> None:
    def ports(name: str) -> set[int]:
        rules = one(charts[name], "NetworkPolicy", "agentcore")["spec"]["egress"]
        return {port["port"] for rule in rules for port in rule["ports"]}

    assert ports("minimal") == {53, 443, 5432, 8000}
    assert ports("rabbitmq-keda") == {53, 443, 5432, 5671, 5672, 8000, 9092, 9093}
    assert ports("everything") >= {26257}
    assert 443 not in ports("everything")


def test_the_api_is_scaled_by_one_of_the_two(charts: dict[str, list[Object]]) -> None:
    def replicas(name: str) -> tuple[bool, bool]:
        deployment = one(charts[name], "Deployment", "agentcore-api")
        return "replicas" in deployment["spec"], any(o["kind"] == "HorizontalPodAutoscaler" for o in charts[name])

    assert replicas("minimal") == (False, True)  # a number here would undo the autoscaler's with each upgrade
    assert replicas("everything") == (True, False)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"image": ""}, "image"),
        ({"image": "agentcore:latest"}, "image"),
        ({"image": "registry.example.com:5000/agentcore"}, "image"),
        ({"workers": {}}, "workers"),
        ({"existingSecret": ""}, "AGENTCORE_DATABASE_URL: name the Secret"),
        ({"settings": {"AGENTCORE_BUS_URL": "store://"}}, "AGENTCORE_BUS_URL"),
        ({"settings": {"OPENAI_API_KEY": "sk-1"}}, "OPENAI_API_KEY"),
        ({"settings": {"AGENTCORE_CONCURRENCY": 5}}, "settings"),
        ({"bus": {"url": "amqps://user:password@rabbit/runs"}}, "url"),
        ({"bus": {"url": "nats://broker/runs"}}, "url"),
        ({"api": {"minReplicas": 3, "maxReplicas": 2}}, "api.minReplicas is more than api.maxReplicas"),
        ({"worker": {"kind": "scaledjob", "jobSeconds": 300}}, "worker.jobSeconds is less than sliceSeconds"),
        ({"worker": {"kind": "scaledjob"}, "bus": {"url": "sqs://eu-central-1/1/runs"}}, "worker.keda.triggers"),
        (
            {"worker": {"kind": "scaledjob"}, "settings": {"AGENTCORE_DATABASE_IDENTITY": "aws"}},
            "worker.keda.connection",
        ),
        ({"timer": {"schedule": "every minute"}}, "schedule"),
        ({"gateway": {"host": "agents.example.com"}}, "parent"),
        ({"monitoring": {"enabled": True}}, "apiKey"),
    ],
)  # fmt: skip
def test_wrong_values_are_refused(wrong: dict[str, Any], said: str) -> None:
    assert said in refused("agentcore", {"wrong": {**MINIMAL, **wrong}})["wrong"]
