"""Each scenario, killed before and after each of its commits, comes to the same end."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.crash.scenarios import SCENARIOS
from tests.e2e.processes import ROOT, environment


@pytest.mark.timeout(600)
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
@pytest.mark.parametrize("name", sorted(SCENARIOS))
def test_killed_at_each_commit_it_ends_the_same(name: str, database: str, request: pytest.FixtureRequest) -> None:
    url = "sqlite://" if database == "sqlite" else request.getfixturevalue("postgres").url()
    # A process of its own, with no threads, so that it can fork its victims.
    kit = [sys.executable, "-m", "agentcore.testing", "tests.crash.scenarios:SCENARIOS"]
    done = subprocess.run(
        [*kit, "--only", name, "--database", url],
        cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=590, check=False,
    )  # fmt: skip
    counts = re.findall(rf"{name} (\w+): (\d+) killed, (\d+) wrong", done.stdout)
    print(done.stdout)
    assert [way for way, *_ in counts] == ["streamed", "unstreamed"], done.stdout + done.stderr
    assert all(int(killed) >= 6 and wrong == "0" for _, killed, wrong in counts), done.stdout
    assert done.returncode == 0
