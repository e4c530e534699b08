"""Any host that starts processes: an ASGI server with the API, `agentcore work --drain` and `agentcore tick`."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from agentcore.testing import SideTable
from tests.e2e.processes import ROOT, environment, eventually
from tests.platforms import journey
from tests.platforms.servers import Server, granian, uvicorn

LIMIT = 14.0  # seconds of a job, of which its imports take some, and the margin is kept back
pytestmark = pytest.mark.timeout(400)
SERVERS = {
    "uvicorn": uvicorn("http_chat.asgi:app"),
    "granian": granian("http_chat.asgi:app"),
    "agentcore serve": [sys.executable, "-m", "agentcore", "serve", "--port", "{port}"],
}


class Containers:
    """A server and two jobs, as Container Apps and Kubernetes have them."""

    told = True  # whether the worker's job is told its limit, and so ends before it

    def __init__(self, folder: Path, url: str, server: str) -> None:
        self.url, self.killed, self.jobs = url, 0, 0
        self.side = SideTable(folder / "side")
        self.env = journey.variables(folder, url, "store://", AGENTCORE_AUTH="none")
        self.api = Server(folder, SERVERS[server], self.env)
        self.log = (folder / "jobs.log").open("ab")

    def http(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.api.request(method, path, json=body, headers={"accept": "application/json"})
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def _job(self, *args: str, seconds: float, begun: Callable[[], object] = lambda: True) -> Any:
        """A job; it is killed at its time-out (Container Apps: replicaTimeout, Kubernetes: activeDeadlineSeconds).

        `begun`: from when on the time counts, so that a busy machine may start a process slowly.
        """
        command = [sys.executable, "-m", "agentcore", *args]
        process = subprocess.Popen(command, cwd=ROOT, env=environment(**self.env), stdout=-1, stderr=self.log)
        eventually(lambda: begun() or process.poll() is not None)
        try:
            out, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.killed += 1
            process.kill()
            process.communicate()
            return None
        assert process.returncode == 0
        return json.loads(out)

    def carry(self) -> bool:
        self.jobs += 1
        if not self.told and not self.killed:
            hung = Path(f"{self.side.path}.hung")
            return bool(self._job("work", "--drain", seconds=2.0, begun=hung.exists))
        patience = LIMIT + 60  # the limit is for the job itself, and not for the start of its process
        return bool(self._job("work", "--drain", "--max-seconds", str(LIMIT), seconds=patience))

    def tick(self) -> Any:
        return self._job("tick", seconds=60)

    def stop(self) -> None:
        self.api.stop()
        self.log.close()


@pytest.fixture(params=SERVERS)
def containers(request: pytest.FixtureRequest, postgres_url: str, tmp_path: Path) -> Iterator[Containers]:
    it = Containers(tmp_path, postgres_url, request.param)
    yield it
    it.stop()


@pytest.mark.parametrize("containers", ["uvicorn"], indirect=True)
def test_a_run_goes_all_the_way(containers: Containers) -> None:
    journey.travels(containers)


@pytest.mark.parametrize("containers", ["uvicorn"], indirect=True)
def test_a_run_outlives_the_time_limit_of_its_job(containers: Containers) -> None:
    journey.outlives(containers)
    assert containers.jobs > 1
    assert containers.killed == 0


@pytest.mark.parametrize("containers", ["uvicorn"], indirect=True)
def test_a_run_outlives_a_job_that_was_killed_at_the_limit(containers: Containers) -> None:
    containers.told = False
    journey.outlives_a_kill(containers)


def test_sigterm_ends_a_stream_and_hands_over_what_executes_here(containers: Containers) -> None:
    containers.api.start()
    body = {"agent_id": "long", "input": "go"}
    with containers.api.http.stream("POST", "/runs/stream", json=body, timeout=60) as answer:
        lines = answer.iter_lines()
        run = json.loads(next(line for line in lines if line.startswith("data: "))[6:])
        while not containers.side.count()["step:0"]:
            next(lines)
        assert containers.api.kill(signal.SIGTERM) in (0, -signal.SIGTERM)
    with psycopg.connect(containers.url) as connection:
        status = connection.execute("select status from run where id = %s", [run["run_id"]]).fetchone()
        kinds = connection.execute("select kind from entry where run_id = %s", [run["run_id"]]).fetchall()
    assert status == ("queued",)
    assert ("yielded",) in kinds
