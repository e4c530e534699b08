"""compose.yaml: its settings exist, its passwords have no defaults, and nobody outside this machine reaches it."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from agentcore import settings
from tests.e2e.processes import ROOT

TEXT = (ROOT / "compose.yaml").read_text()
SERVICES: dict[str, Any] = yaml.safe_load(TEXT)["services"]
OURS = ["api", "worker", "timer", "migrate", "queues"]
REFUSED = re.compile(r"\$\{\w+:\?[^}]+\}")  # ${NAME:?…}: compose ends where it is not set


@pytest.mark.parametrize("name", OURS)
def test_each_setting_exists_and_fits(name: str) -> None:
    given = {key: re.sub(r"\$\{[^}]+\}", "", str(value)) for key, value in SERVICES[name]["environment"].items()}
    assert settings.load(given).bus_url == "amqp://rabbitmq/agentcore"


@pytest.mark.parametrize("name", SERVICES)
def test_no_password_has_a_default(name: str) -> None:
    for variable, value in SERVICES[name].get("environment", {}).items():
        if re.search("PASS|TOKEN|DATABASE_URL", variable):
            assert REFUSED.search(str(value)), f"{name}: {variable}"
        assert not re.search(r":[^/@]+@", REFUSED.sub("", str(value))), f"{name}: {variable} has a password in it"


@pytest.mark.parametrize("name", OURS)
def test_what_is_ours_is_confined(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("name", ["api", "worker", "timer"])
def test_nothing_runs_before_the_database_is_migrated(name: str) -> None:
    assert SERVICES[name]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
    assert SERVICES["migrate"]["command"] == ["agentcore migrate && agentcore preflight"]


def test_only_the_api_is_reached_and_only_from_here() -> None:
    ports = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert list(ports) == ["api"]
    assert all(port.startswith("127.0.0.1:") for port in ports["api"])
