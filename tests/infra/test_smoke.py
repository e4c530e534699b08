"""The script that workflows try a deployment with: what it says of one that works, and of some that do not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.e2e.processes import ROOT, Process, cli, free_port


def smoke(url: str, *args: str, key: str = "") -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "AGENTCORE_API_KEY": key}
    command = [sys.executable, str(ROOT / "infra/smoke.py"), url, *args]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


def test_a_deployment_works_whose_worker_takes_a_run(tmp_path: Path) -> None:
    with Process(tmp_path) as there:
        done = smoke(there.url, key="not asked for")
        assert done.returncode == 0, done.stderr
        assert [line.partition(":")[0] for line in done.stdout.splitlines()] == [
            "/healthz", "/readyz", "a caller waits", "a worker took one",
        ]  # fmt: skip
        assert "no run was started" in smoke(there.url).stdout


def test_one_without_a_worker_does_not(tmp_path: Path) -> None:
    assert cli("migrate", folder=tmp_path).returncode == 0
    with Process(tmp_path, "serve", "--port", "0") as there:
        done = smoke(there.url, "--seconds", "15", key="not asked for")
        assert done.returncode == 1
        assert "does a worker run" in done.stderr


def test_a_key_that_is_refused_is_said(tmp_path: Path) -> None:
    assert cli("migrate", folder=tmp_path).returncode == 0
    with Process(tmp_path, "serve", "--port", "0", AGENTCORE_AUTH="keys") as there:
        done = smoke(there.url, key="wrong")
        assert done.returncode == 1
        assert "401" in done.stderr
        assert "wrong" not in done.stderr.replace("went wrong", "")


def test_nobody_there_is_said_in_time() -> None:
    done = smoke(f"http://127.0.0.1:{free_port()}", "--seconds", "1")
    assert done.returncode == 1
    assert "/healthz" in done.stderr
    assert smoke("agents.example.com").returncode == 1
