"""AGENTCORE_AWS_SECRET, read by real boto3 from the Secrets Manager of moto's server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentcore import awssecret
from agentcore.errors import Misconfigured
from agentcore.settings import Settings, load
from tests.e2e.processes import environment
from tests.secretsmanager import REGION, SecretsManager


@pytest.fixture(scope="module")
def server() -> Iterator[SecretsManager]:
    it = SecretsManager()
    yield it
    it.stop()


@pytest.fixture
def secrets(server: SecretsManager, monkeypatch: pytest.MonkeyPatch) -> SecretsManager:
    """As a process on AWS finds them: with credentials, and no region."""
    awssecret.read.cache_clear()
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    return server


def test_a_secret_fills_what_the_environment_does_not_have(secrets: SecretsManager) -> None:
    held = {"AGENTCORE_DATABASE_URL": "postgresql://u:p@h/d", "OPENAI_API_KEY": "k", "AGENTCORE_PORT": "1"}
    arn = secrets.put(json.dumps({**held, "MINE": "m"}))
    settings = load({"AGENTCORE_AWS_SECRET": arn, "AGENTCORE_PORT": "2", "OPENAI_API_KEY": ""})
    assert (settings.database_url, settings.openai_api_key, settings.port) == ("postgresql://u:p@h/d", "k", 2)
    assert "MINE" not in os.environ


def test_what_agents_read_themselves_is_in_the_environment_of_the_process(
    secrets: SecretsManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HAS", "one")
    monkeypatch.setenv("STRIPE_KEY", "")
    monkeypatch.setenv("AGENTCORE_AWS_SECRET", secrets.put('{"HAS": "another", "STRIPE_KEY": "s"}'))
    load()
    assert (os.environ["HAS"], os.environ["STRIPE_KEY"]) == ("one", "s")


def test_a_secret_is_found_by_its_name_in_the_region_of_the_process(
    secrets: SecretsManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = secrets.put('{"OPENAI_API_KEY": "k"}').split(":")[-1].rpartition("-")[0]
    monkeypatch.setenv("AWS_REGION", REGION)
    assert load({"AGENTCORE_AWS_SECRET": name}).openai_api_key == "k"


def test_a_secret_is_read_once(secrets: SecretsManager) -> None:
    arn = secrets.put('{"OPENAI_API_KEY": "k"}')
    for _ in range(2):
        assert load({"AGENTCORE_AWS_SECRET": arn}).openai_api_key == "k"
        secrets.client.delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)


def test_a_misspelt_setting_in_it_is_an_error_too(secrets: SecretsManager) -> None:
    with pytest.raises(Misconfigured, match="AGENTCORE_DATABSE_URL is not a setting"):
        load({"AGENTCORE_AWS_SECRET": secrets.put('{"AGENTCORE_DATABSE_URL": "x"}')})


@pytest.mark.parametrize("held", ["hush, not JSON", '["hush"]', '{"A": 5, "B": "hush"}', b'{"A": "hush"}', '"hush"'])
def test_what_is_no_object_of_texts_is_refused_and_not_shown(held: str | bytes, secrets: SecretsManager) -> None:
    arn = secrets.put(held)
    with pytest.raises(Misconfigured, match="It must hold one JSON object of texts") as caught:
        load({"AGENTCORE_AWS_SECRET": arn})
    assert caught.value.details["setting"] == "AGENTCORE_AWS_SECRET"
    assert arn in str(caught.value)
    assert "hush" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_a_secret_that_is_not_there_is_named(secrets: SecretsManager) -> None:
    arn = f"arn:aws:secretsmanager:{REGION}:123456789012:secret:none-AbCdEf"
    with pytest.raises(Misconfigured, match=f"AGENTCORE_AWS_SECRET={arn}: There is no such secret"):
        load({"AGENTCORE_AWS_SECRET": arn})


def test_a_region_that_nobody_tells_is_asked_for(secrets: SecretsManager) -> None:
    with pytest.raises(Misconfigured, match=r"AGENTCORE_AWS_SECRET=name: It cannot be read .*region"):
        load({"AGENTCORE_AWS_SECRET": "name"})


def test_a_process_without_credentials_is_told_so(secrets: SecretsManager, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, "/nowhere")
    with pytest.raises(Misconfigured, match=r"It cannot be read .*credentials"):
        load({"AGENTCORE_AWS_SECRET": secrets.put("{}")})


def test_boto3_is_imported_only_where_a_secret_is_named(tmp_path: Path) -> None:
    code = """
import sys
from agentcore.settings import load
load()
print([name for name in ("boto3", "botocore") if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment(), capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_without_a_secret_nothing_changes() -> None:
    assert load({"AGENTCORE_AWS_SECRET": ""}) == Settings()
