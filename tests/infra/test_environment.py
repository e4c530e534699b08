"""What a deployment gives its functions is what the product reads."""

from __future__ import annotations

from typing import Any

import pytest

from agentcore.settings import load
from tests.infra.applied import applied
from tests.infra.terraform import ROOTS, Terraform, said

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
EXTERNAL = {"database": "external", "database_url": "postgresql://a:hidden@db.example.com/a?sslmode=verify-full"}
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
    with applied(terraform, root, {**COMMON, **chosen}) as made:
        environments = made.outputs()["environment_variables"]
        kept = made.state.read_text()
    for function in ["functions"] if chosen.get("compute") == "functions" else FUNCTIONS:
        in_aws = {"AGENTCORE_AWS_SECRET"} & set(environments[function])  # holds what is secret; only AWS can read it
        own = {name: value for name, value in environments[function].items() if name not in in_aws}
        settings = load(own)  # refuses what is misspelt, and values that do not parse
        assert settings.slice_seconds > settings.deadline_margin
        assert settings.log_level == "debug", "settings reach every function"
        assert in_aws or "AGENTCORE_DATABASE_URL" in own
        assert in_aws or "OPENAI_API_KEY" in own or function == "timer_wakeup"
    assert "sk-none" not in kept, "the state has a secret"
    assert "hidden" not in kept, "the state has a password"


@pytest.mark.parametrize("root", ROOTS)
def test_a_second_apply_would_change_nothing(terraform: Terraform, root: str) -> None:
    chosen = next(chosen for name, chosen in DEPLOYMENTS if name == root)
    with applied(terraform, root, {**COMMON, **chosen}) as made:
        again = made.run("plan", "-detailed-exitcode", "-input=false", *made.given)
    assert again.returncode == 0, said(again)


def _id(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "-".join(v for name, v in value.items() if name in ("bus", "compute", "database"))
