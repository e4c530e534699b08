"""Google Cloud Run: our applications in real uvicorn and functions-framework processes."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from agentcore.records import Message
from agentcore.testing import SideTable
from tests.brokers import Broker
from tests.brokers.broker import Dead, eventually
from tests.e2e.identity import Provider
from tests.e2e.processes import eventually as came_to_pass
from tests.platforms import google_events, journey
from tests.platforms.servers import Server, framework, uvicorn

LIMIT = 8  # seconds of the worker: half of what the long agent needs, of which the margin is kept back
JSON = {"accept": "application/json"}
SERVICES = uvicorn("http_chat.cloud_run:app"), uvicorn("queue_worker.cloud_run:app")
pytestmark = pytest.mark.timeout(400)


class CloudRun:
    """Three services, a topic with a push subscription, and a scheduler."""

    posts_events = False  # whether the worker is given CloudEvents by Eventarc, and not pushes

    def __init__(self, folder: Path, url: str, broker: Broker, api: list[str], worker: list[str]) -> None:
        self.folder, self.url, self.bus, self.broker = folder, url, broker.queue(again=60), broker
        self.side = SideTable(folder / "side")
        limit = {"AGENTCORE_HOST_SECONDS": str(LIMIT)}
        self.env = {**journey.variables(folder, url, self.bus), **broker.environment}
        self.api = Server(folder, api, self.env)
        self.worker = Server(folder, worker, {**self.env, **limit}, seconds=LIMIT)
        self.clock = Server(folder, uvicorn("timer_wakeup.cloud_run:app"), self.env)

    @property
    def killed(self) -> int:
        return self.worker.killed

    def http(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.api.request(method, path, json=body, headers=JSON)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def carry(self) -> bool:
        return journey.push(self.bus, self._give)

    def _give(self, message: Message) -> bool:
        try:
            return self.post(message.receipt.message.data).is_success
        except httpx.ReadTimeout:
            return False

    def post(self, body: bytes) -> httpx.Response:
        if self.posts_events:
            headers, content = google_events.eventarc(body)
            return self.worker.request("POST", "/", headers=headers, content=content)
        return self.worker.request("POST", "/", json=google_events.push(body))

    def tick(self) -> Any:
        return self.clock.request("POST", "/").raise_for_status().json()

    def stop(self) -> None:
        for server in (self.api, self.worker, self.clock):
            server.stop()


@pytest.fixture
def broker(brokers: Callable[[str], Broker]) -> Iterator[Broker]:
    it = brokers("pubsub")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in it.environment.items():
            patch.setenv(name, value)
        yield it


@pytest.fixture
def services(broker: Broker, postgres_url: str, tmp_path: Path) -> Iterator[CloudRun]:
    it = CloudRun(tmp_path, postgres_url, broker, *SERVICES)
    yield it
    it.stop()


@pytest.fixture
def functions(broker: Broker, postgres_url: str, tmp_path: Path) -> Iterator[CloudRun]:
    api, worker = framework("http_chat", "http"), framework("queue_worker", "cloudevent")
    it = CloudRun(tmp_path, postgres_url, broker, api, worker)
    it.posts_events = True
    yield it
    it.stop()


def test_a_run_goes_all_the_way(services: CloudRun) -> None:
    journey.travels(services)


def test_a_run_goes_all_the_way_in_functions(functions: CloudRun) -> None:
    journey.travels(functions)
    headers, body = google_events.cloud_event()
    assert functions.worker.request("POST", "/", headers=headers, content=body).is_success
    assert [run["input"] for run in functions.http("POST", "/runs/search", {"agent_id": "buyer"})] == ["/shop paid 7"]


def test_a_run_outlives_the_time_limit(services: CloudRun) -> None:
    services.worker.start()
    journey.outlives(services)
    assert services.killed == 0


def test_a_run_outlives_a_process_that_was_killed_at_the_limit(services: CloudRun) -> None:
    services.worker.start()
    journey.outlives_a_kill(services)


def test_a_run_outlives_the_limit_of_a_function(functions: CloudRun) -> None:
    functions.worker.start()
    journey.outlives(functions)
    assert functions.killed == 0


def test_a_run_outlives_a_function_that_was_killed_at_the_limit(functions: CloudRun) -> None:
    functions.worker.start()
    journey.outlives_a_kill(functions)


def test_what_cannot_be_used_goes_to_the_dead_letters_and_events_are_passed_on(services: CloudRun) -> None:
    services.worker.seconds = 20
    assert services.post(b"not for us").status_code == 204
    (dead,) = eventually(lambda: services.broker.dead(services.bus))
    assert dead == Dead(b"not for us", dead.reason)
    headers, body = google_events.cloud_event()
    structured = {"specversion": "1.0", "id": "1", "source": "/shop", "type": "paid", "data": {"sum": 7}}
    for options in (
        {"headers": headers, "content": body},
        {"json": structured, "headers": {"content-type": "application/cloudevents+json"}},
        {"json": google_events.push(json.dumps(structured).encode())},
        {"json": google_events.push(body, {name: one for name, one in headers.items() if name.startswith("ce-")})},
    ):
        assert services.worker.request("POST", "/", **options).status_code == 204
    assert len(services.http("POST", "/runs/search", {"agent_id": "buyer"})) == 1  # all four are the same event


def test_sigterm_hands_over_what_executes_and_ends_streams(services: CloudRun) -> None:
    run = journey.start(services, "long")
    services.worker.seconds = 20
    services.worker.start()
    answers: list[int] = []
    pushing = threading.Thread(target=lambda: answers.append(services.post(run["run_id"].encode()).status_code))
    pushing.start()
    came_to_pass(lambda: sum(services.side.count().values()) >= 1)
    lines: list[str] = []

    def read() -> None:
        with services.api.http.stream("GET", f"/runs/{run['run_id']}/events", timeout=60) as answer:
            lines.extend(line for line in answer.iter_lines())

    reading = threading.Thread(target=read)
    reading.start()
    came_to_pass(lambda: lines)
    assert services.worker.kill(signal.SIGTERM) in (0, -signal.SIGTERM)
    pushing.join(30)
    assert answers == [204]
    assert services.api.kill(signal.SIGTERM) in (0, -signal.SIGTERM)
    reading.join(30)
    assert not reading.is_alive()
    assert journey.pump(services, until=journey.state(services, run, "succeeded", "failed"))
    assert set(services.side.count().values()) == {1}


def test_only_the_service_accounts_that_are_named_may_push(broker: Broker, postgres_url: str, tmp_path: Path) -> None:
    audience, pusher = "https://worker.example", "pusher@agents.iam.gserviceaccount.com"
    with Provider() as google:
        services = CloudRun(tmp_path, postgres_url, broker, *SERVICES)
        env = {
            **services.env, "AGENTCORE_ALLOW_UNAUTHENTICATED": "false", "AGENTCORE_PUSH_AUDIENCE": audience,
            "AGENTCORE_PUSH_SENDERS": f"other@agents.iam.gserviceaccount.com, {pusher}",
            "AGENTCORE_PUSH_ISSUER": google.issuer,
        }  # fmt: skip
        worker = Server(tmp_path, SERVICES[1], env)
        good = google_events.service_account(pusher, audience)
        strangers = google_events.service_account("mallory@other.iam.gserviceaccount.com", audience)
        body = google_events.push(b"not for us")
        try:
            for claims, expected in (
                (good, 204),
                (strangers, 403),
                ({**good, "aud": "https://other.example"}, 401),
                ({**good, "email_verified": False}, 403),
                ({**good, "exp": 1}, 401),
            ):
                token = google.token(**claims)
                answer = worker.request("POST", "/", json=body, headers={"authorization": f"Bearer {token}"})
                assert answer.status_code == expected, (claims, answer.text)
            assert worker.request("POST", "/", json=body).status_code == 401
        finally:
            worker.stop()
            services.stop()
