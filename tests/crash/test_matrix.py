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
    counts = re.findall(rf"{name} (\w+): (\d+) commits, (\d+) killed, (\d+) wrong", done.stdout)
    print(done.stdout)
    assert [way for way, *_ in counts] == ["streamed", "unstreamed"], done.stdout + done.stderr
    assert all(wrong == "0" for *_, wrong in counts), done.stdout
    # Before and after each. What may wait for the next write makes a run a commit longer or shorter: so not all die.
    assert all(int(commits) >= 3 and int(killed) >= 2 * (int(commits) - 1) for _, commits, killed, _ in counts)
    assert done.returncode == 0
