"""What no type of Azure's says: how the files of Bicep fit each other, and what must not be opened."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
BICEP = TOP / "infra/bicep"
MAIN, APP = (BICEP / "main.bicep").read_text(), (BICEP / "app.bicep").read_text()
ALL = {file.name: file.read_text() for file in BICEP.rglob("*.bicep")}
ROLES = {  # https://learn.microsoft.com/azure/role-based-access-control/built-in-roles
    "7f951dda-4ed3-4680-a7ca-43fe172d538d": "AcrPull",
    "69a216fc-b8fb-44d8-bc22-1f3c2cd27a39": "Azure Service Bus Data Sender",
    "4f6d3b9b-027b-4f4c-9142-0e5a2a2247e0": "Azure Service Bus Data Receiver",
    "2b629674-e913-4c01-ae53-ef4638d8f975": "Azure Event Hubs Data Sender",
    "a638d3c7-ab3a-418d-83e6-5f17a39d4fde": "Azure Event Hubs Data Receiver",
    "4633458b-17de-408a-b874-0445c86b69e6": "Key Vault Secrets User",
    "b9a307c4-5aa3-4b52-ba60-2b17c136cd7b": "Container Apps Jobs Operator",
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": "Storage Blob Data Owner",
    "3913510d-42f4-4e42-8a64-420c390055eb": "Monitoring Metrics Publisher",
}


def keys(text: str, name: str) -> set[str]:
    """The first level of an object that is a variable."""
    body = text[text.index(f"\nvar {name} = {{") :]
    return set(re.findall(r"^  (\w+):", body[: body.index("\n}\n")], re.M))


def modules(text: str) -> dict[str, str]:
    """The bodies of modules, by their symbols."""
    found = re.findall(r"^module (\w+) '[^']+' = (.*?)^}\]?$", text, re.M | re.S)
    return dict(found)


def test_a_version_reads_what_stays_has_found() -> None:
    assert set(re.findall(r"\bfound\.(\w+)", APP)) == keys(MAIN, "found")


def test_main_makes_the_resource_group_and_calls_the_rest() -> None:
    assert re.findall(r"^resource (\w+)", MAIN, re.M) == ["group"]
    called = {Path(path).name for text in ALL.values() for path in re.findall(r"^module \w+ '([^']+)'", text, re.M)}
    assert called == set(ALL) - {"main.bicep"}


def test_what_takes_traffic_waits_for_the_migration() -> None:
    bodies = modules(APP)
    runs = ("httpChat", "queueWorker", "storeWorker", "timerWakeup", "functionsApp")
    assert set(runs) <= set(bodies)
    for name in runs:
        assert "dependsOn: [migration]" in bodies[name], name


def test_a_worker_ends_before_its_job_does() -> None:
    seconds = re.search(r"^var workerSeconds = sliceSeconds \+ (\d+)$", MAIN, re.M)
    timeout = re.search(r"^var workerTimeout = workerSeconds \+ (\d+)$", MAIN, re.M)
    assert seconds
    assert timeout
    assert int(seconds[1]) > 0
    assert int(timeout[1]) >= 30 + 5  # what a job gets after SIGTERM, and AGENTCORE_DEADLINE_MARGIN


def test_no_role_is_given_that_is_not_listed_here() -> None:
    guid = re.compile(r"'([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})'")
    given = {found for text in ALL.values() for found in guid.findall(text)}
    assert given == set(ROLES)


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("database.bicep", "publicNetworkAccess: 'Disabled'"),
        ("database.bicep", "passwordAuth: 'Disabled'"),
        ("servicebus.bicep", "disableLocalAuth: true"),
        ("servicebus.bicep", "deadLetteringOnMessageExpiration: true"),
        ("eventhubs.bicep", "disableLocalAuth: !scalerKey"),
        ("eventhubs.bicep", "rights: ['Listen']"),
        ("registry.bicep", "adminUserEnabled: false"),
        ("vault.bicep", "enableRbacAuthorization: true"),
        ("functions.bicep", "allowSharedKeyAccess: false"),
        ("functions.bicep", "httpsOnly: true"),
        ("http_chat.bicep", "allowInsecure: false"),
        ("observability.bicep", "disableLocalAuth: true"),
    ],
)
def test_what_is_shut_stays_shut(file: str, line: str) -> None:
    assert line in ALL[file]


def test_azd_finds_its_files() -> None:
    azure = (TOP / "azure.yaml").read_text()
    (path,), (module, version) = re.findall(r"^  path: (\S+)$", azure, re.M), re.findall(r"module: (\w+)$", azure, re.M)
    for name in (module, version):
        assert (TOP / path / f"{name}.bicep").exists()
        assert (TOP / path / f"{name}.bicepparam").read_text().find(f"using '{name}.bicep'") > 0
    assert "'azd-service-name': 'agentcore'" in APP
    assert re.search(r"^services:\n  agentcore:$", azure, re.M)


def test_every_parameter_can_be_set_from_the_environment_but_when_it_is_now() -> None:
    wanted = set(re.findall(r"^param (\w+)", MAIN, re.M)) - {"now"}
    assert set(re.findall(r"^param (\w+)", (BICEP / "main.bicepparam").read_text(), re.M)) == wanted


def test_the_scripts_that_are_shared_with_terraform_are_there() -> None:
    named = re.findall(r"loadTextContent\('([^']+)'\)", ALL["migration.bicep"])
    assert len(named) == 3
    for name in named:
        assert (BICEP / "modules" / name).resolve().exists(), name
