"""A deployment on AWS Lambda: commands that go first, and secrets in Secrets Manager."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.platforms import aws_events, journey
from tests.platforms.lambda_runtime import Failed, InitFailed, Lambda
from tests.postgres import Postgres
from tests.secretsmanager import SecretsManager

pytestmark = pytest.mark.timeout(400)
COMMAND = "command.aws_lambda.handler"


class Deployed:
    """Functions whose environment names a secret, and no database."""

    def __init__(self, folder: Path, secrets: SecretsManager, arn: str) -> None:
        env = journey.variables(folder, "", "store://", AGENTCORE_AUTH="none", AGENTCORE_AWS_SECRET=arn)
        self.folder, self.env, self.started = folder, {**env, **secrets.environment}, list[Lambda]()

    def function(self, handler: str, **more: str) -> Lambda:
        one = Lambda(self.folder, handler, {**self.env, **more})
        self.started.append(one)
        return one

    def log(self, handler: str) -> str:
        return (self.folder / f"{handler}.log").read_text()

    def stop(self) -> None:
        for one in self.started:
            one.stop()


@pytest.fixture(scope="module")
def secrets() -> Iterator[SecretsManager]:
    it = SecretsManager()
    yield it
    it.stop()


@pytest.fixture
def deployed(secrets: SecretsManager, postgres: Postgres, tmp_path: Path) -> Iterator[Deployed]:
    """A database that is empty."""
    arn = secrets.put(json.dumps({"AGENTCORE_DATABASE_URL": postgres.create_database()}))
    it = Deployed(tmp_path, secrets, arn)
    yield it
    it.stop()


def asked(api: Lambda, method: str, path: str, body: Any = None) -> Any:
    answer = api.invoke(aws_events.http_api(method, path, body, headers={"accept": "application/json"}))
    assert answer["statusCode"] == 200, answer
    return json.loads(answer["body"])


def test_a_deployment_migrates_and_looks_at_parked_runs_first(deployed: Deployed) -> None:
    command = deployed.function(COMMAND)
    for _ in range(2):  # also for the next version
        assert "is up to date" in command.invoke({"args": ["migrate"]})["output"]
    api = deployed.function("http_chat.aws_lambda.handler")
    run = asked(api, "POST", "/runs/wait", {"agent_id": "traveller", "input": "go", "on_completion": "keep"})["run"]
    assert run["state"] == "waiting"
    assert command.invoke({"args": ["preflight"]}) == {"output": "1 parked runs checked, 0 would not resume\n"}
    other = deployed.function(COMMAND, AGENTCORE_AGENTS="agentcore.agents")
    with pytest.raises(Failed, match=rf"preflight ended with 1.*{run['run_id']} \(traveller\)"):
        other.invoke({"args": ["preflight"]})


def test_a_key_is_told_to_who_asks_and_to_no_log(deployed: Deployed) -> None:
    command = deployed.function(COMMAND)
    command.invoke({"args": ["migrate"]})
    made = command.invoke({"args": ["keys", "create", "--name", "me", "--scope", "runs:read"]})["output"]
    assert made.startswith("ac_")
    assert made.strip() not in deployed.log(COMMAND)


def test_a_command_that_does_not_exist_fails(deployed: Deployed) -> None:
    with pytest.raises(Failed, match=r"ended with 2.*invalid choice: 'deploy'"):
        deployed.function(COMMAND).invoke({"args": ["deploy"]})


def test_a_secret_that_cannot_be_read_is_named(deployed: Deployed) -> None:
    missing = deployed.env["AGENTCORE_AWS_SECRET"][:-6] + "zzzzzz"
    clock = deployed.function("timer_wakeup.aws_lambda.handler", AGENTCORE_AWS_SECRET=missing)
    with pytest.raises(InitFailed, match=r"AGENTCORE_AWS_SECRET=.*There is no such secret"):
        clock.start()
    with pytest.raises(Failed, match="There is no such secret"):
        deployed.function(COMMAND, AGENTCORE_AWS_SECRET=missing).invoke({"args": ["migrate"]})
