"""What a deployment gives its functions is what the product reads."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agentcore.settings import load
from tests.infra.terraform import Terraform, said

IMAGE = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/agentcore:1.0.0"
COMMON = {
    "image": IMAGE,
    "auth": "keys,oidc",
    "oidc_issuer": "https://login.example.com",
    "oidc_audience": "agentcore",
    "secret_names": '["OPENAI_API_KEY"]',
    "secrets": '{"OPENAI_API_KEY": "sk-none"}',
    "settings": '{"AGENTCORE_LOG_LEVEL": "debug"}',
}
EXTERNAL = {"database": "external", "database_url": "postgresql://a:b@db.example.com/a?sslmode=verify-full"}
DOMAIN = {"domain": "api.example.com", "certificate_arn": "arn:aws:acm:eu-west-1:123456789012:certificate/made-up"}
DEPLOYMENTS: list[tuple[str, dict[str, str]]] = [
    ("azure", {"bus": "servicebus", "compute": "container_apps"}),
    ("azure", {"bus": "servicebus", "compute": "functions"}),
    ("azure", {"bus": "eventhubs", "compute": "container_apps"}),
    ("azure", {"bus": "store", "compute": "container_apps", **EXTERNAL}),
    ("aws", {"region": "eu-west-1", "bus": "sqs", "compute": "lambda"}),
    ("aws", {"region": "eu-west-1", "bus": "store", "compute": "fargate", **EXTERNAL, **DOMAIN}),
    ("gcp", {"region": "europe-west1", "bus": "pubsub"}),
    ("gcp", {"region": "europe-west1", "bus": "store", **EXTERNAL}),
    ("kubernetes", {"bus": "store"}),
    ("kubernetes", {"bus": "rabbitmq"}),
    ("kubernetes", {"bus": "kafka", **EXTERNAL}),
    ("kubernetes", {"bus": "servicebus", "bus_url": "servicebus://bus.example.com/runs"}),
]
FUNCTIONS = ["http_chat", "queue_worker", "timer_wakeup"]


@pytest.mark.parametrize(("root", "chosen"), DEPLOYMENTS, ids=lambda value: _id(value))
def test_a_deployment_starts_with_settings_that_the_product_takes(
    terraform: Terraform, root: str, chosen: dict[str, str]
) -> None:
    environments = _planned(terraform, root, {**COMMON, **chosen})["environment_variables"]
    functions = ["functions"] if chosen.get("compute") == "functions" else FUNCTIONS
    for function in functions:
        known = {name: value for name, value in environments[function].items() if value is not None}
        settings = load(known)  # refuses what is misspelt, and values that do not parse
        assert settings.slice_seconds > settings.deadline_margin
        if "AGENTCORE_AWS_SECRET" not in environments[function]:  # that one holds what is secret
            assert "AGENTCORE_DATABASE_URL" in environments[function]
            assert "OPENAI_API_KEY" in environments[function] or function == "timer_wakeup"
        assert known["AGENTCORE_LOG_LEVEL"] == "debug", "settings reach every function"
        assert "sk-none" not in json.dumps(environments[function]), "secrets only by reference"


def _planned(terraform: Terraform, root: str, variables: dict[str, str]) -> dict[str, Any]:
    """The outputs of a root; what only a cloud knows is None in them."""
    folder = f"terraform/{root}"
    given = [f"-var={name}={value}" for name, value in variables.items()]
    done = terraform.run(folder, "plan", "-input=false", "-no-color", "-out=planned", *given)
    assert done.returncode == 0, said(done)
    shown = json.loads(terraform.run(folder, "show", "-json", "planned").stdout)
    return {name: _merged(out.get("after"), out["after_unknown"]) for name, out in shown["output_changes"].items()}


def _merged(value: Any, unknown: Any) -> Any:
    """Values with None where something is not known yet: Terraform leaves those out."""
    if isinstance(unknown, dict):
        known = value if isinstance(value, dict) else {}
        return {name: _merged(known.get(name), unknown.get(name)) for name in {**unknown, **known}}
    return None if unknown is True else value


def _id(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "-".join(v for name, v in value.items() if name in ("bus", "compute", "database"))
