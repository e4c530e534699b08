"""Kubernetes and its operators take what the charts render: every name and type, strictly."""

from __future__ import annotations

import copy
import json
import subprocess
from functools import cache
from typing import Any

import pytest

from tests.infra.charts import Object, rendered, values
from tests.infra.terraform import PYTHON, TOP

CHARTS = TOP / "infra/kubernetes"
NAMES = sorted(path.parent.name for path in CHARTS.glob("*/Chart.yaml"))


def tool(name: str, given: object) -> Any:
    command = [str(PYTHON), "-m", f"tests.infra.tools.{name}"]
    done = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True, cwd=TOP, timeout=110)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@cache
def charts(name: str) -> dict[str, list[Object]]:
    return rendered(name, values(name))


def wrong(objects: list[Object]) -> list[str]:
    found = zip(objects, tool("objects", objects), strict=True)
    return [f"{o['kind']} {o['metadata'].get('name')}: {why}" for o, whys in found for why in whys]


def test_there_are_both_charts() -> None:
    assert NAMES == ["agentcore", "services"]


@pytest.mark.parametrize("chart", NAMES)
def test_every_object_is_one_that_kubernetes_takes(chart: str) -> None:
    cases = charts(chart)
    assert wrong([each for objects in cases.values() for each in objects]) == []


@pytest.mark.parametrize("chart", NAMES)
def test_helm_has_nothing_to_say_about_a_chart(chart: str) -> None:
    said = tool("chartlint", {"chart": str(CHARTS / chart), "cases": values(chart)})
    assert said == {name: [] for name in values(chart)}


FAULTS = [  # kind, where, what is written there instead, and what must be said of it
    ("Deployment", "spec.replica", 2, "replica"),
    ("Deployment", "spec.template.spec.containers.0.livenessProbe.httpGet.port", None, "port"),
    ("Deployment", "spec.template.spec.securityContext.runAsNonRoot", "yes", "yes"),
    ("CronJob", "spec.concurrencyPolicy", 5, "5"),
    ("Job", "spec.template.spec.containers.0.envs", [], "envs"),
    ("PodDisruptionBudget", "spec.maxUnavailible", 1, "maxUnavailible"),
    ("NetworkPolicy", "spec.egress.0.ports.0.protocols", "TCP", "protocols"),
    ("HorizontalPodAutoscaler", "spec.maxReplicas", "ten", "ten"),
    ("ScaledJob", "spec.maxReplicasCount", 10, "maxReplicasCount"),
    ("ScaledJob", "spec.pollingInterval", "soon", "soon"),
    ("ScaledJob", "spec.triggers.0.metadata.targetQueryValues", "5", "targetQueryValues"),
    ("TriggerAuthentication", "spec.secretTargetRefs", [], "secretTargetRefs"),
    ("ServiceMonitor", "spec.endpoint", [], "endpoint"),
    ("HTTPRoute", "spec.hostname", "a", "hostname"),
    ("Cluster", "spec.instance", 3, "instance"),
    ("RabbitmqCluster", "spec.replicas", "three", "three"),
    ("Queue", "spec.type", "quorums", "quorums"),
    ("Permission", "spec.permissions", None, "permissions"),
    ("Kafka", "spec.kafka.listeners.0.authentication.type", "scram", "scram"),
    ("KafkaNodePool", "spec.roles", ["brokers"], "brokers"),
    ("KafkaUser", "spec.authorization.acls.0.operation", "Read", "operation"),
]


@cache
def planted() -> list[list[str]]:
    """What is said of each fault: all at once, as the models take seconds to load."""
    objects = [each for name in NAMES for case in charts(name).values() for each in case]
    broken = [
        next(made for each in objects if each["kind"] == kind and (made := _broken(each, where, value)))
        for kind, where, value, _ in FAULTS
    ]
    found: list[list[str]] = tool("objects", broken)
    return found


@pytest.mark.parametrize("fault", range(len(FAULTS)), ids=[f"{kind}-{said}" for kind, _, _, said in FAULTS])
def test_a_planted_fault_is_found(fault: int) -> None:
    kind, where, _, said = FAULTS[fault]
    assert any(said in why for why in planted()[fault]), f"{kind} {where}: {planted()[fault]}"


def _broken(each: Object, where: str, value: object) -> Object | None:
    """The object with the fault; none where it has no such place."""
    made = copy.deepcopy(each)
    *path, last = (int(step) if step.isdigit() else step for step in where.split("."))
    at: Any = made
    try:
        for step in path:
            at = at[step]
        at[last]  # a name that is there is replaced, another one added
    except KeyError as missing:
        if missing.args != (last,):
            return None
    except IndexError:
        return None
    if value is None:
        del at[last]
    else:
        at[last] = value
    return made
