"""The API in a real server process: what needs a connection that can break."""

from __future__ import annotations

import signal
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx

from agentcore.commands.client import parse
from tests.e2e.processes import Process, cli, command, ok, reached

AGENTS = "tests.e2e.agents_slow"


def test_a_client_that_goes_away_does_not_stop_its_run(tmp_path: Path) -> None:
    with Process(tmp_path, agents=AGENTS) as dev:
        body = {"agent_id": "slow", "input": "go"}
        with dev.http.stream("POST", "/runs/stream", json=body) as answer:
            run = next(parse(answer.iter_lines())).data
            reached(dev.side, "step:3")
        (tmp_path / "side.go").touch()
        assert dev.finished(run["run_id"])["status"] == "success"
        assert dev.stop() == 0
    assert dev.errors() == ""


def test_events_come_while_the_run_goes_on(tmp_path: Path) -> None:
    with Process(tmp_path, agents=AGENTS) as dev:
        run = dev.start()
        with dev.http.stream("GET", f"/runs/{run['run_id']}/events") as answer:
            results = (event.data["call_id"] for event in parse(answer.iter_lines()) if event.type == "tool_result")
            assert [next(results), next(results)] == ["call_1", "call_2"]  # the third waits
        (tmp_path / "side.go").touch()
        dev.finished(run["run_id"])


def test_a_server_that_stops_ends_its_streams_and_the_client_comes_back(tmp_path: Path) -> None:
    with Process(tmp_path, agents=AGENTS) as first:
        run = first.start()
        with first.http.stream("GET", f"/runs/{run['run_id']}/events") as answer:
            reached(first.side, "step:3")
            first.process.send_signal(signal.SIGTERM)
            seen = list(parse(answer.iter_lines()))  # it ends by itself, and well
        (tmp_path / "side.go").touch()
        assert first.process.wait(60) == 0
    with Process(tmp_path, agents=AGENTS) as second:
        path, last = f"/runs/{run['run_id']}/events", {"Last-Event-ID": seen[-1].id}
        with second.http.stream("GET", path, headers=last) as answer:
            rest = list(parse(answer.iter_lines()))
    assert rest[-1].type == "finished"
    results = [event.data["call_id"] for event in [*seen, *rest] if event.type == "tool_result"]
    assert results == [f"call_{n}" for n in range(1, 6)]


def test_a_request_that_still_waits_when_the_server_stops_is_to_be_sent_again(tmp_path: Path) -> None:
    file, body = tmp_path / "test.db", {"agent_id": "slow", "input": "go"}
    settings = {
        "AGENTCORE_DATABASE_URL": f"sqlite:///{file}",
        "AGENTCORE_AGENTS": AGENTS,
        "SIDE": str(tmp_path / "side"),
    }
    assert cli("migrate", folder=tmp_path, **settings).returncode == 0
    settings = {"AGENTCORE_DATABASE_URL": f"sqlite:///{file}", "AGENTCORE_DEADLINE_MARGIN": "1"}
    with Process(tmp_path, "serve", "--port", "0", agents=AGENTS, **settings) as serve, ThreadPoolExecutor(1) as pool:
        with closing(sqlite3.connect(file, isolation_level=None)) as holder:
            holder.execute("begin immediate")  # so that nothing can be accepted
            asking = pool.submit(serve.http.post, "/runs", json=body)
            for _ in range(5):  # until it waits, too
                time.sleep(0.2)
                assert serve.http.get("/healthz").is_success
            serve.process.send_signal(signal.SIGTERM)
            answer = asking.result(60)
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert serve.process.wait(60) == 0


def test_only_this_machine_is_answered_where_nobody_is_asked_who_they_are(tmp_path: Path) -> None:
    with Process(tmp_path, agents=AGENTS) as dev:
        port = httpx.URL(dev.url).port
        assert dev.http.get("/healthz", headers={"Host": f"localhost:{port}"}).status_code == 200
        rebound = dev.http.get("/healthz", headers={"Host": f"evil.example:{port}"})
        assert (rebound.status_code, rebound.json()["code"]) == (403, "not_local")
        foreign = dev.http.post("/threads", headers={"Sec-Fetch-Site": "cross-site"})
        assert foreign.status_code == 403


def test_serve_and_work_are_processes_of_their_own(tmp_path: Path, database_url: str) -> None:
    settings: dict[str, Any] = {
        "AGENTCORE_DATABASE_URL": database_url,
        "AGENTCORE_AGENTS": AGENTS,
        "SIDE": str(tmp_path / "side"),
    }
    assert cli("migrate", folder=tmp_path, **settings).returncode == 0
    with Process(tmp_path, "serve", "--port", "0", agents=AGENTS, AGENTCORE_DATABASE_URL=database_url) as serve:
        (tmp_path / "side.go").touch()
        run = serve.start()
        assert ok(serve.http.get(f"/runs/{run['run_id']}"))["status"] == "pending"
        with serve.http.stream("GET", f"/runs/{run['run_id']}/events") as answer:
            done = cli("work", "--drain", folder=tmp_path, **settings)
            events = list(parse(answer.iter_lines()))
        assert (done.returncode, done.stdout) == (0, '{"succeeded": 1}\n'), done.stderr
        assert events[-1].type == "finished"
        assert serve.finished(run["run_id"])["status"] == "success"
        assert serve.stop() == 0
    assert serve.errors() == ""


def test_a_worker_that_is_told_to_stop_hands_its_runs_over(tmp_path: Path, database_url: str) -> None:
    settings: dict[str, Any] = {
        "AGENTCORE_DATABASE_URL": database_url,
        "AGENTCORE_AGENTS": AGENTS,
        "SIDE": str(tmp_path / "side"),
    }
    assert cli("migrate", folder=tmp_path, **settings).returncode == 0
    with Process(tmp_path, "serve", "--port", "0", agents=AGENTS, AGENTCORE_DATABASE_URL=database_url) as serve:
        run = serve.start()
        with command("work", folder=tmp_path, **settings) as worker:
            reached(serve.side, "step:3")
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(60) == 0
        (tmp_path / "side.go").touch()
        assert cli("work", "--drain", folder=tmp_path, **settings).returncode == 0
        assert serve.finished(run["run_id"])["status"] == "success"
    counted = serve.side.count()
    assert {line: n for line, n in counted.items() if n > 1} == {"step:3": 2}  # cut short, and idempotent


HANGS = """
import os, time
from agents import Agent, function_tool
from agentcore.testing import Script, SideTable, call, say

side = SideTable(os.environ["SIDE"])

@function_tool
def hang() -> str:
    side.add("begun")
    while side.count()["begun"] == 1:  # the second time it is in another process
        time.sleep(0.05)
    return "worked"

slow = Agent(name="slow", model=Script([call("hang", id="h")], [say("done")], log=side), tools=[hang])
"""


def test_a_sync_tool_that_hangs_does_not_keep_the_process_from_exiting(tmp_path: Path) -> None:
    (tmp_path / "their.py").write_text(HANGS)
    short = {"AGENTCORE_DEADLINE_MARGIN": "1", "AGENTCORE_LEASE_SECONDS": "1"}
    with Process(tmp_path, agents="their", **short) as first:
        run = first.start()
        reached(first.side, "begun")
        assert first.stop() == 0
    assert "leaving while a sync tool still runs" in (tmp_path / "stderr.log").read_text()
    with Process(tmp_path, agents="their", **short) as second:
        assert second.finished(run["run_id"])["state"] == "succeeded"
    assert second.side.count()["begun"] == 2
