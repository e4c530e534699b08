"""Azure Functions: one app, under Microsoft's real worker library where there is one for this Python."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from agentcore.errors import Misconfigured
from agentcore.hosts import azure, limits
from agentcore.records import Message
from agentcore.testing import SideTable
from tests.brokers import Broker
from tests.e2e.processes import environment
from tests.platforms import azure_events, journey
from tests.platforms.azure_app import App, TimedOut, host_json
from tests.platforms.servers import FUNCTIONS

LIMIT = 8  # seconds of the worker: half of what the long agent needs, of which the margin is kept back
NOWHERE = "postgresql://postgres@127.0.0.1:9/nothing"
EVENT = {"specversion": "1.0", "id": "1", "source": "/shop", "type": "paid", "subject": "o-1", "data": {"sum": 7}}

real = pytest.mark.skipif(
    find_spec("azure_functions_runtime") is None, reason="azure-functions-runtime is for Python 3.13 and later"
)
pytestmark = pytest.mark.timeout(400)


# -- everywhere: the app as the worker will index it


def indexed(folder: Path, bus: str, **more: str) -> Any:
    code = (
        "import json, sys, function_app\n"
        "found = {one.get_function_name(): json.loads(str(one)) for one in function_app.app.get_functions()}\n"
        "print(json.dumps([found, [name for name in ('agents', 'openai') if name in sys.modules]]))"
    )
    variables = {"AGENTCORE_AUTH": "keys", "PYTHON_ENABLE_INIT_INDEXING": "1", **more}
    env = environment(**journey.variables(folder, NOWHERE, bus), **variables)
    env["PYTHONPATH"] = f"{FUNCTIONS}{os.pathsep}{env['PYTHONPATH']}"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=FUNCTIONS, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("bus", "worker", "wanted"),
    [
        ("servicebus://agents/runs", "queue_worker", {"type": "serviceBusTrigger", "queueName": "runs"}),
        ("eventhubs://agents/runs", "hub_worker", {"type": "eventHubTrigger", "eventHubName": "runs"}),
        ("kafka://broker:9092/runs", "kafka_worker", {"type": "kafkaTrigger", "topic": "runs"}),
    ],
)
def test_the_bus_triggers_the_worker(bus: str, worker: str, wanted: dict[str, str], tmp_path: Path) -> None:
    found, imported = indexed(tmp_path, bus)
    assert set(found) == {"http_chat", worker, "timer_wakeup"}
    (binding,) = found[worker]["bindings"]
    assert binding.items() >= wanted.items()
    assert found["http_chat"]["bindings"][0]["route"] == "{*route}"
    assert found["http_chat"]["bindings"][0]["authLevel"].lower() == "anonymous"  # the API itself asks
    assert found["timer_wakeup"]["bindings"][0]["schedule"] == "0 * * * * *"
    assert imported == []  # the API and the clock may be alone in their process


def test_a_bus_that_triggers_nothing_leaves_the_worker_out(tmp_path: Path) -> None:
    found, _ = indexed(tmp_path, "store://")
    assert set(found) == {"http_chat", "timer_wakeup"}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("00:10:00", 600), ("1.00:00:01", 86401), ("-1", float("inf")), (None, limits.AZURE_FUNCTIONS)],
)
def test_the_time_limit_is_that_of_host_json(text: str | None, seconds: float, tmp_path: Path) -> None:
    file = tmp_path / "host.json"
    file.write_text(json.dumps({"version": "2.0", **({"functionTimeout": text} if text else {})}))
    assert azure.seconds(file) == seconds


def test_before_python_3_13_the_app_says_which_setting_its_streams_need() -> None:
    for good in ({"PYTHON_ENABLE_INIT_INDEXING": "1"}, (3, 12)), ({}, (3, 13)):
        azure.check_streams(*good)
    with pytest.raises(Misconfigured, match="PYTHON_ENABLE_INIT_INDEXING"):
        azure.check_streams({}, (3, 12))


# -- under the real worker library


class Azure:
    """One function app and its Service Bus queue."""

    def __init__(self, folder: Path, url: str, broker: Broker, seconds: int) -> None:
        self.seconds, self.url, self.bus = seconds, url, broker.queue(again=60)
        self.side = SideTable(folder / "side")
        env = {**journey.variables(folder, url, self.bus), **broker.environment}
        self.app = App(folder, host_json(seconds), env)

    @property
    def killed(self) -> int:
        return self.app.killed

    def http(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.app.request(method, path, body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def carry(self) -> bool:
        return journey.push(self.bus, self._give)

    def _give(self, message: Message) -> bool:
        if self.app.cold:  # the limit is for a process that has all it needs in its memory
            self.http("POST", "/runs/wait", {"agent_id": "buyer", "input": "go"})
        given = azure_events.queued(b"".join(message.receipt.body).decode(), attempt=message.attempt)
        try:
            return bool(self.app.invoke(given, seconds=self.seconds)["well"])
        except TimedOut:
            return False

    def tick(self) -> Any:
        answer = self.app.invoke(azure_events.timer())
        assert answer["well"], answer


@pytest.fixture
def broker(brokers: Callable[[str], Broker]) -> Iterator[Broker]:
    it = brokers("servicebus")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in it.environment.items():
            patch.setenv(name, value)
        yield it


@pytest.fixture
def functions(broker: Broker, postgres_url: str, tmp_path: Path) -> Iterator[Callable[[int], Azure]]:
    """Starts the app, with so many seconds for a function."""
    made: list[Azure] = []

    def start(seconds: int) -> Azure:
        made.append(Azure(tmp_path, postgres_url, broker, seconds))
        return made[0]

    yield start
    for one in made:
        one.app.stop()


@real
def test_a_run_goes_all_the_way(functions: Callable[[int], Azure]) -> None:
    journey.travels(functions(40))


@real
def test_a_run_outlives_the_time_limit(functions: Callable[[int], Azure]) -> None:
    app = functions(LIMIT)
    journey.outlives(app)
    assert app.killed == 0


@real
def test_a_run_outlives_a_process_that_was_killed_at_the_limit(functions: Callable[[int], Azure]) -> None:
    app = functions(LIMIT)
    journey.outlives_a_kill(app)


@real
def test_a_stream_comes_as_it_is_told(functions: Callable[[int], Azure]) -> None:
    app = functions(40)
    with app.app.stream("POST", "/runs/stream", {"agent_id": "long", "input": "go"}) as answer:
        lines = answer.iter_lines()
        run = json.loads(next(line for line in lines if line.startswith("data: "))[6:])
        assert next(line for line in lines if line == "event: tool_result")
        assert app.http("GET", f"/runs/{run['run_id']}")["state"] == "running"


@real
def test_events_are_passed_on_and_what_cannot_be_used_is_given_back(functions: Callable[[int], Azure]) -> None:
    app = functions(10)
    attributes = {f"cloudEvents:{name}": value for name, value in EVENT.items() if name != "data"}
    for event in (azure_events.queued(json.dumps(EVENT)), azure_events.queued(json.dumps(EVENT["data"]), attributes)):
        assert app.app.invoke(event)["well"]
    assert len(app.http("POST", "/runs/search", {"agent_id": "buyer"})) == 1
    refused = app.app.invoke(azure_events.queued("not for us"))
    assert not refused["well"]  # only its host can put it aside, after so many deliveries


@real
def test_an_event_hubs_trigger_moves_runs_and_passes_on_events(postgres_url: str, tmp_path: Path) -> None:
    """Event Hubs itself is not there: what cannot be put aside fails, where its host's monitoring sees it."""
    app = App(tmp_path, host_json(60), journey.variables(tmp_path, postgres_url, "eventhubs://127.0.0.1/runs"))
    try:
        run = app.request("POST", "/runs", {"agent_id": "traveller", "input": "go", "on_completion": "keep"}).json()
        assert app.invoke(azure_events.streamed(run["run_id"]), seconds=60)["well"]
        assert app.request("GET", f"/runs/{run['run_id']}").json()["state"] == "waiting"
        attributes = {f"cloudEvents:{name}": value for name, value in EVENT.items() if name != "data"}
        for event in (azure_events.streamed(json.dumps(EVENT)), azure_events.streamed('{"sum": 7}', attributes)):
            assert app.invoke(event, seconds=60)["well"]
        assert len(app.request("POST", "/runs/search", {"agent_id": "buyer"}).json()) == 1  # both are the same event
        assert not app.invoke(azure_events.streamed("not for us"), seconds=60)["well"]
    finally:
        app.stop()


@real
def test_a_kafka_trigger_passes_on_events_and_buries_the_rest(
    brokers: Callable[[str], Broker], postgres_url: str, tmp_path: Path
) -> None:
    broker = brokers("kafka")
    url = broker.queue()
    app = App(tmp_path, host_json(30), journey.variables(tmp_path, postgres_url, url))
    try:
        assert app.invoke(azure_events.recorded(json.dumps(EVENT)))["well"]
        assert len(app.request("POST", "/runs/search", {"agent_id": "buyer"}).json()) == 1
        assert app.invoke(azure_events.recorded("not for us"))["well"]
    finally:
        app.stop()
    assert [dead.body for dead in broker.dead(url)] == [b"not for us"]
