"""Starting the API and the clock imports no agents SDK, on any host: it would cost seconds of each cold start."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.processes import environment
from tests.platforms import journey
from tests.platforms.servers import FUNCTIONS

NOWHERE = "postgresql://postgres@127.0.0.1:9/nothing"
LIGHT = [  # those of Azure Functions are in one app: see test_azure
    "http_chat.aws_lambda", "http_chat.cloud_run", "http_chat.cloud_functions", "http_chat.asgi",
    "timer_wakeup.aws_lambda", "timer_wakeup.cloud_run", "command.aws_lambda",
]  # fmt: skip


def imported(module: str, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    env = environment(**journey.variables(folder, NOWHERE, "store://"), **more)
    env["PYTHONPATH"] = f"{FUNCTIONS}{os.pathsep}{env['PYTHONPATH']}"
    code = f"import sys, {module}; print([name for name in ('agents', 'openai', 'fastapi') if name in sys.modules])"
    return subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("module", LIGHT)
def test_the_api_and_the_clock_import_no_sdk(module: str, tmp_path: Path) -> None:
    done = imported(module, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "agents" not in done.stdout
    assert "openai" not in done.stdout
    if module == "timer_wakeup.aws_lambda":
        assert done.stdout.strip() == "[]"  # not even what serves HTTP


@pytest.mark.parametrize(
    ("module", "settings", "named"),
    [
        ("http_chat.cloud_run", {"AGENTCORE_ALLOW_UNAUTHENTICATED": "false"}, "AGENTCORE_AUTH"),
        ("queue_worker.cloud_run", {"AGENTCORE_ALLOW_UNAUTHENTICATED": "false"}, "AGENTCORE_PUSH_SENDERS"),
        ("timer_wakeup.aws_lambda", {"AGENTCORE_BUS_URL": "memory://"}, "AGENTCORE_BUS_URL"),
    ],
)
def test_what_would_be_open_to_all_or_heard_by_nobody_does_not_start(
    module: str, settings: dict[str, str], named: str, tmp_path: Path
) -> None:
    variables = {**journey.variables(tmp_path, NOWHERE, "store://"), "AGENTCORE_AUTH": "none", **settings}
    env = {**environment(), **variables}
    env["PYTHONPATH"] = f"{FUNCTIONS}{os.pathsep}{env['PYTHONPATH']}"
    done = subprocess.run(
        [sys.executable, "-c", f"import {module}"], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert named in done.stderr
