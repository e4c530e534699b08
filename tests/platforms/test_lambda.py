"""AWS Lambda: our handlers under its real runtime client."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from agentcore.records import Message
from agentcore.testing import SideTable
from tests.brokers import Broker
from tests.brokers.broker import Dead, eventually
from tests.platforms import aws_events, journey
from tests.platforms.lambda_runtime import Failed, InitFailed, Lambda, TimedOut

LIMIT = 8.0  # seconds of the worker: half of what the long agent needs, of which the margin is kept back
EVENT = {"specversion": "1.0", "id": "1", "source": "/shop", "type": "paid", "subject": "o-1", "data": {"sum": 7}}
pytestmark = pytest.mark.timeout(400)


class Aws:
    """Three functions, an SQS queue and a clock."""

    def __init__(self, folder: Path, url: str, broker: Broker, **more: str) -> None:
        self.folder, self.url, self.bus, self.broker = folder, url, broker.queue(again=30), broker
        self.side = SideTable(folder / "side")
        env = {**journey.variables(folder, url, self.bus, AGENTCORE_AUTH="none", **more), **broker.environment}
        self.api = Lambda(folder, "http_chat.aws_lambda.handler", env)
        self.worker = Lambda(folder, "queue_worker.aws_lambda.handler", env, seconds=LIMIT)
        self.clock = Lambda(folder, "timer_wakeup.aws_lambda.handler", env)

    @property
    def killed(self) -> int:
        return self.worker.killed

    def http(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.api.invoke(aws_events.http_api(method, path, body, headers={"accept": "application/json"}))
        assert 200 <= answer["statusCode"] < 300, answer
        return json.loads(answer["body"]) if answer["body"] else None

    def carry(self) -> bool:
        return journey.push(self.bus, self._give)

    def _give(self, message: Message) -> bool:
        record = aws_events.record(message.receipt["Body"], attempt=message.attempt)
        try:
            return bool(self.worker.invoke(aws_events.sqs(record)) == {"batchItemFailures": []})
        except TimedOut:
            return False

    def tick(self) -> Any:
        return self.clock.invoke(aws_events.scheduler())

    def stop(self) -> None:
        for function in (self.api, self.worker, self.clock):
            function.stop()


@pytest.fixture
def broker(brokers: Callable[[str], Broker]) -> Iterator[Broker]:
    it = brokers("sqs")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in it.environment.items():
            patch.setenv(name, value)
        yield it


@pytest.fixture
def aws(broker: Broker, postgres_url: str, tmp_path: Path) -> Iterator[Aws]:
    it = Aws(tmp_path, postgres_url, broker)
    yield it
    it.stop()


def test_a_run_goes_all_the_way(aws: Aws) -> None:
    journey.travels(aws)


def test_a_run_outlives_the_time_limit(aws: Aws) -> None:
    journey.outlives(aws)
    assert aws.killed == 0  # it always handed over in time


def test_a_run_outlives_a_process_that_was_killed_at_the_limit(aws: Aws) -> None:
    journey.outlives_a_kill(aws)


def test_each_front_reaches_the_api(aws: Aws) -> None:
    for event in (aws_events.http_api, aws_events.function_url, aws_events.rest_api, aws_events.alb):
        answer = aws.api.invoke(event("POST", "/runs", {"agent_id": "traveller", "input": "go"}))
        assert answer["statusCode"] == 200, answer
        assert json.loads(answer["body"])["state"] == "queued"
        wrong = aws.api.invoke(event("GET", "/nothing"))
        assert wrong["statusCode"] == 404
        assert json.loads(wrong["body"])["code"] == "not_found"


def test_one_bad_message_fails_alone_and_goes_to_the_dead_letters(aws: Aws) -> None:
    run = journey.start(aws, "traveller")
    good, bad = aws_events.record(run["run_id"]), aws_events.record("not for us", {"colour": "blue"})
    assert aws.worker.invoke(aws_events.sqs(bad, good), seconds=20) == {"batchItemFailures": []}
    (dead,) = eventually(lambda: aws.broker.dead(aws.bus))
    assert dead == Dead(b"not for us", dead.reason, {"colour": "blue"})
    assert "CloudEvent" in dead.reason
    assert aws.http("GET", f"/runs/{run['run_id']}")["state"] == "waiting"


def test_a_message_that_comes_again_is_taken_and_does_nothing(aws: Aws) -> None:
    run = journey.start(aws, "traveller")
    record = aws_events.record(run["run_id"])
    for _ in range(2):
        assert aws.worker.invoke(aws_events.sqs(record, record), seconds=20) == {"batchItemFailures": []}
    assert aws.side.count()["model:0"] == 1


def test_events_are_passed_on_once(aws: Aws) -> None:
    from_bridge = aws_events.eventbridge("paid", {"sum": 7})
    for event in (
        aws_events.sqs(aws_events.record(json.dumps(EVENT))),
        aws_events.eventbridge("anything", EVENT),  # a CloudEvent inside
        from_bridge,  # a rule whose target is the function
        aws_events.sqs(aws_events.record(json.dumps(from_bridge))),  # one whose target is the queue
    ):
        assert aws.worker.invoke(event, seconds=20) in ({}, {"batchItemFailures": []})
    runs = aws.http("POST", "/runs/search", {"agent_id": "buyer"})
    assert sorted(run["input"] for run in runs) == ["/shop paid 7", "shop paid 7"]


def test_a_process_that_was_frozen_connects_again(aws: Aws, postgres_url: str) -> None:
    run = journey.start(aws, "traveller")
    assert aws.worker.invoke(aws_events.sqs(aws_events.record(run["run_id"])), seconds=20) == {"batchItemFailures": []}
    for function in (aws.api, aws.worker):
        assert function.process_state() == "T"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() "
            "and pid <> pg_backend_pid()"
        )
    other = journey.start(aws, "traveller")
    record = aws_events.record(other["run_id"])
    assert aws.worker.invoke(aws_events.sqs(record), seconds=20) == {"batchItemFailures": []}
    assert aws.http("GET", f"/runs/{other['run_id']}")["state"] == "waiting"


def test_a_run_that_executes_in_the_api_is_finished_or_handed_over_before_the_answer(aws: Aws) -> None:
    body = {"agent_id": "long", "input": "go"}
    answer = aws.api.invoke(aws_events.http_api("POST", "/runs/wait", body, query="timeout=15"))
    run = json.loads(answer["body"])["run"]
    steps = sum(aws.side.count().values())
    assert steps >= 1
    time.sleep(1.0)
    assert sum(aws.side.count().values()) == steps
    assert journey.pump(aws, until=journey.state(aws, run, "succeeded"))
    assert set(aws.side.count().values()) == {1}


def test_a_stream_ends_in_time_and_its_reader_goes_on_with_the_cursor(aws: Aws) -> None:
    run, seen = journey.start(aws, "long"), list[str]()
    for _ in range(2):
        query = f"after={seen[-1]}" if seen else ""
        answer = aws.api.invoke(aws_events.http_api("GET", f"/runs/{run['run_id']}/events", query=query), seconds=8)
        assert answer["statusCode"] == 200
        read = [line.removeprefix("id: ") for line in answer["body"].splitlines() if line.startswith("id: ")]
        assert read
        assert not set(read) & set(seen)
        seen += read
        aws.carry()


def test_a_database_that_is_away_fails_the_message_and_not_for_ever(broker: Broker, tmp_path: Path) -> None:
    away = Aws(tmp_path, "postgresql://postgres@127.0.0.1:9/nothing", broker)
    try:
        record = aws_events.record("01890a5d-ac96-774b-bcce-b302099a8057")
        with pytest.raises(Failed, match="AGENTCORE_DATABASE_URL"):
            away.worker.invoke(aws_events.sqs(record), seconds=20)
        assert away.api.invoke(aws_events.http_api("GET", "/runs"), seconds=20)["statusCode"] >= 500
    finally:
        away.stop()


def test_a_wrong_setting_is_named_at_the_start(broker: Broker, postgres_url: str, tmp_path: Path) -> None:
    wrong = Aws(tmp_path, postgres_url, broker, AGENTCORE_CONCURENCY="3")
    try:
        with pytest.raises(InitFailed, match="AGENTCORE_CONCURENCY"):
            wrong.clock.start()
    finally:
        wrong.stop()
