"""The command line, as people and scripts use it."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.processes import Process, cli, command, environment, eventually, free_port, ok, reached

COMMANDS = ["dev", "serve", "work", "tick", "migrate", "chat", "runs", "redrive", "keys", "preflight", "doctor"]


def fine(*args: str, folder: Path, stdin: str = "", **more: str) -> str:
    done = cli(*args, folder=folder, stdin=stdin, **more)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def fails(*args: str, folder: Path, stdin: str = "", code: int = 2, **more: str) -> str:
    """What a command says when it cannot do it: one line, and never a traceback."""
    done = cli(*args, folder=folder, stdin=stdin, **more)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.fixture
def migrated(tmp_path: Path) -> Path:
    fine("migrate", folder=tmp_path)
    return tmp_path


def test_help_teaches_every_command(tmp_path: Path) -> None:
    whole = fine("--help", folder=tmp_path)
    for name in COMMANDS:
        assert f"\n    {name}" in whole
        assert "examples:" in fine(name, "--help", folder=tmp_path)


def test_migrating_twice_is_fine_and_makes_the_folder(tmp_path: Path) -> None:
    assert "up to date" in fine("migrate", folder=tmp_path)
    assert "up to date" in fine("migrate", folder=tmp_path)
    assert (tmp_path / ".agentcore" / "agentcore.db").exists()


def test_tick_and_work_say_in_json_what_they_did(migrated: Path) -> None:
    assert json.loads(fine("tick", folder=migrated)) == {"rang": 0, "swept": 0, "pruned": 0, "delivered": 0}
    assert json.loads(fine("work", "--drain", folder=migrated)) == {}
    assert json.loads(fine("work", "--max-seconds", "1", folder=migrated)) == {}


@pytest.mark.parametrize("command", ["work", "tick", "runs", "preflight"])
def test_a_database_without_a_schema_says_how_to_make_it(tmp_path: Path, command: str) -> None:
    assert "agentcore migrate" in fails(command, folder=tmp_path)


def test_what_cannot_be_is_one_line(migrated: Path) -> None:
    assert "AGENTCORE_PROT" in fails("tick", folder=migrated, AGENTCORE_PROT="1")
    assert "AGENTCORE_PORT" in fails("serve", folder=migrated, AGENTCORE_PORT="many")
    assert "AGENTCORE_AGENTS" in fails("tick", folder=migrated, AGENTCORE_AGENTS="no.such.module")
    assert "AGENTCORE_DATABASE_URL" in fails("tick", folder=migrated, AGENTCORE_DATABASE_URL="oracle://x")
    assert "AGENTCORE_BUS_URL" in fails("work", folder=migrated, AGENTCORE_BUS_URL="memory://")
    assert "AGENTCORE_LOG_LEVEL" in fails("tick", folder=migrated, AGENTCORE_LOG_LEVEL="loud")
    assert "--state" in fails("runs", "--state", "odd", folder=migrated)
    assert "no-such-run" in fails("runs", "no-such-run", folder=migrated)
    assert "agentcore dev" in fails("chat", "--url", "http://127.0.0.1:9", folder=migrated, stdin="hello\n")


def test_a_database_that_is_away_is_named_without_its_password(tmp_path: Path) -> None:
    said = fails("tick", folder=tmp_path, AGENTCORE_DATABASE_URL="postgresql://me:hunter2@127.0.0.1:9/x")
    assert "AGENTCORE_DATABASE_URL=postgresql://me:***@127.0.0.1:9/x" in said
    assert "hunter2" not in said


def test_agents_are_found_in_the_folder_where_it_is_called(migrated: Path) -> None:
    (migrated / "my_agents.py").write_text('import agentcore\nagentcore.register("mine", "my_agents:nothing_yet")\n')
    command = [sys.executable, "-P", "-m", "agentcore", "tick"]  # -P: as an installed command, without this folder
    done = subprocess.run(
        command,
        cwd=migrated,
        env=environment(AGENTCORE_AGENTS="my_agents"),
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_serve_does_not_open_itself_to_others_unasked(migrated: Path) -> None:
    assert "AGENTCORE_ALLOW_UNAUTHENTICATED" in fails("serve", "--host", "0.0.0.0", "--port", "0", folder=migrated)


def test_a_port_that_is_taken_is_said_so(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert "--port" in fails("dev", "--port", str(taken.getsockname()[1]), folder=tmp_path)


def test_what_ran_is_listed_and_shown(tmp_path: Path) -> None:
    with Process(tmp_path) as dev:
        run = dev.start("Where is order 1001?", agent="support")
        dev.finished(run["run_id"])
    assert run["run_id"] in fine("runs", folder=tmp_path)
    assert "no runs" in fine("runs", "--state", "failed", folder=tmp_path)
    shown = fine("runs", run["run_id"], folder=tmp_path)
    assert "succeeded" in shown
    assert "look_up_order" in shown
    lines = [json.loads(line) for line in fine("runs", run["run_id"], "--json", folder=tmp_path).splitlines()]
    assert lines[0]["id"] == run["run_id"]
    assert [line["seq"] for line in lines[1:]] == sorted(line["seq"] for line in lines[1:])
    assert "succeeded" in fails("redrive", run["run_id"], folder=tmp_path)


def test_a_cancelled_run_is_redriven(tmp_path: Path) -> None:
    with Process(tmp_path) as dev:
        run = dev.start("Refund 20 EUR of order 1001, because it broke", agent="support")
        ok(dev.http.get(f"/runs/{run['run_id']}/wait"))
        ok(dev.http.post(f"/runs/{run['run_id']}/cancel?wait=true"))
    assert run["run_id"] in fine("redrive", run["run_id"], folder=tmp_path)
    assert fine("runs", folder=tmp_path).count("support") == 2


def test_preflight_finds_parked_runs_fit_to_go_on(tmp_path: Path) -> None:
    with Process(tmp_path) as dev:
        run = dev.start("Refund 20 EUR of order 1001, because it broke", agent="support")
        ok(dev.http.get(f"/runs/{run['run_id']}/wait"))
    assert fine("preflight", folder=tmp_path) == "1 parked runs checked, 0 would not resume\n"


def test_doctor_finds_all_well(migrated: Path) -> None:
    said = fine("doctor", folder=migrated)
    assert "FAIL" not in said
    assert "support" in said
    assert "offline" in said


def test_doctor_says_what_to_fix(tmp_path: Path) -> None:
    done = cli("doctor", folder=tmp_path, AGENTCORE_AGENTS="no.such.module", AGENTCORE_MODEL="gpt-5-mini")
    assert done.returncode == 1
    assert done.stdout.count("FAIL") >= 3
    for fix in ("agentcore migrate", "no.such.module", "OPENAI_API_KEY"):
        assert fix in done.stdout
    assert "Traceback" not in done.stderr


def test_doctor_says_once_what_is_wrong_with_the_database(tmp_path: Path) -> None:
    for bus in ("", "store://", "sqs://eu-west-1/000000000000/runs"):
        done = cli("doctor", folder=tmp_path, AGENTCORE_DATABASE_URL="mysql://x/y", AGENTCORE_BUS_URL=bus)
        assert (done.returncode, done.stdout.count("→")) == (1, 1), done.stdout
        assert f"bus       {bus or 'store://'}" in done.stdout


# -- chat

SLOW = "tests.e2e.agents_slow"


def talk(dev: Process, folder: Path) -> subprocess.Popen[bytes]:
    """A chat that has said its one line, to the slow agent."""
    chat = command("chat", "--url", dev.url, "--agent", "slow", folder=folder, stdin=subprocess.PIPE)
    assert chat.stdin
    chat.stdin.write(b"go\n")
    chat.stdin.close()
    return chat


def test_chat_shows_what_is_said_and_done(tmp_path: Path) -> None:
    with Process(tmp_path) as dev:
        said = fine("chat", "--url", dev.url, folder=tmp_path, stdin="Where is order 1001?\n")
    assert "→ look_up_order" in said
    assert "← look_up_order" in said
    assert f"agentcore chat --url {dev.url} --agent support --thread" in said


@pytest.mark.parametrize(("answer", "outcome"), [("y go ahead", "Refunded 20.00 EUR"), ("n too late", "too late")])
def test_chat_asks_for_approval_and_sends_the_decision(tmp_path: Path, answer: str, outcome: str) -> None:
    with Process(tmp_path) as dev:
        stdin = f"Refund 20 EUR of order 1001, because it broke\nwhat?\n{answer}\n"
        said = fine("chat", "--url", dev.url, folder=tmp_path, stdin=stdin)
        (decided,) = ok(dev.http.get("/approvals", params={"status": "approved" if answer[0] == "y" else "rejected"}))
    assert "? support wants refund_order" in said
    assert outcome in said
    assert decided["note"] == answer[2:]


def test_chat_goes_on_with_a_conversation_that_waits(tmp_path: Path) -> None:
    with Process(tmp_path) as dev:
        run = dev.start("Refund 20 EUR of order 1001, because it broke", agent="support")
        ok(dev.http.get(f"/runs/{run['run_id']}/wait"))
        chat = ("chat", "--url", dev.url, "--thread", run["thread_id"])
        said = fine(*chat, folder=tmp_path, stdin="y\nWhere is order 1002?\n")
    assert "Refunded 20.00 EUR" in said
    assert "1002" in said


def test_chat_leaves_undecided_what_nobody_decides(tmp_path: Path) -> None:
    with Process(tmp_path) as dev:
        done = cli("chat", "--url", dev.url, folder=tmp_path, stdin="Refund 20 EUR of order 1001, because it broke\n")
        assert done.returncode == 1
        assert "Left undecided" in done.stdout
        assert len(ok(dev.http.get("/approvals"))) == 1


def test_ctrl_c_in_a_chat_stops_the_answer(tmp_path: Path) -> None:
    with Process(tmp_path, agents=SLOW) as dev, talk(dev, tmp_path) as chat:
        reached(dev.side, "step:3")
        (run,) = ok(dev.http.post("/runs/search", json={}))
        chat.send_signal(signal.SIGINT)
        eventually(lambda: ok(dev.http.get(f"/runs/{run['run_id']}"))["cancel_requested"])
        (tmp_path / "side.go").touch()
        assert dev.finished(run["run_id"])["state"] == "cancelled"
        assert dev.side.count()["step:4"] == 0
        assert chat.wait(60) == 1


def test_a_chat_outlives_a_restart_of_the_server(tmp_path: Path) -> None:
    port = free_port()
    start = ("dev", "--port", str(port))
    with Process(tmp_path, *start, agents=SLOW) as first, talk(first, tmp_path) as chat:
        reached(first.side, "step:3")
        first.kill()
        (tmp_path / "side.go").touch()
        with Process(tmp_path, *start, agents=SLOW):
            assert chat.wait(60) == 0


def test_chat_says_what_the_server_refuses(tmp_path: Path) -> None:
    with Process(tmp_path) as dev:
        done = cli("chat", "--url", dev.url, "--agent", "nobody", folder=tmp_path, stdin="hello\n")
    assert done.returncode == 1
    assert "There is no agent 'nobody'" in done.stdout


@pytest.mark.parametrize("command", ["doctor", "runs", "tick", "preflight"])
def test_a_command_that_reads_makes_no_database(command: str, tmp_path: Path) -> None:
    done = cli(command, "--db", "nowhere/x.db", folder=tmp_path)
    assert done.returncode != 0
    assert "There is no database nowhere/x.db. Run: agentcore migrate" in done.stdout + done.stderr
    assert not (tmp_path / "nowhere").exists()


# -- agents that are refused

REFUSED = """
import agentcore
from agents import Agent, LocalShellTool

bad = Agent(name="bad", tools=[LocalShellTool(executor=lambda request: "")])
"""


def test_an_agent_that_is_refused_is_known_before_its_first_run(tmp_path: Path) -> None:
    (tmp_path / "their.py").write_text(f"{REFUSED}main = Agent(name='main', handoffs=[bad])\n")
    (tmp_path / "listed.py").write_text('import agentcore\nagentcore.register("main", "their:main")\n')
    listed = {"AGENTCORE_AGENTS": "listed"}
    fine("migrate", folder=tmp_path, **listed)
    for name in "doctor", "preflight":
        done = cli(name, folder=tmp_path, **listed)
        assert (done.returncode, "LocalShellTool" in done.stdout) == (1, True), done.stdout + done.stderr
    with Process(tmp_path, agents="listed") as dev:
        eventually(lambda: dev.http.post("/runs", json={"agent_id": "main", "input": "go"}).status_code == 500)
        assert "LocalShellTool" in dev.http.post("/runs", json={"agent_id": "main", "input": "go"}).text
    assert "'bad': LocalShellTool" in (tmp_path / "stderr.log").read_text()


def test_nothing_starts_with_an_agent_object_that_is_refused(migrated: Path) -> None:
    (migrated / "their.py").write_text(f"{REFUSED}agentcore.register('bad', bad)\n")
    assert "LocalShellTool" in fails("dev", folder=migrated, AGENTCORE_AGENTS="their")
