"""Checkov's policies hold, but for those that baseline.yaml names with its reason."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import yaml

from tests.infra.charts import rendered, values
from tests.infra.terraform import HOME, TOP

BASELINE = Path(__file__).with_name("baseline.yaml")
CHECKOV = HOME / "venv/bin/checkov"
FRAMEWORKS = ("terraform", "kubernetes", "dockerfile", "github_actions")
# Examples repeat their root. Bicep's newer syntax is nothing for checkov's parser, and Azure's policies are the same.
IGNORED = shutil.ignore_patterns("examples", "tests", ".terraform", "*.tfstate*")


@dataclass(frozen=True, order=True)
class Failed:
    """A policy that a resource does not keep."""

    check: str
    where: str  # file and resource
    about: str

    def __str__(self) -> str:
        return f"{self.check} {self.where}: {self.about}"


def failures(folder: Path) -> list[Failed]:
    _gather(folder)
    given = ("--skip-download", "--compact", "--quiet", "--output", "json", "--output-file-path", str(folder))
    command = [str(CHECKOV), "--directory", str(folder / "all"), "--framework", *FRAMEWORKS, *given]
    quiet = {**os.environ, "LOG_LEVEL": "ERROR"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=110, env=quiet)
    assert done.returncode in (0, 1), done.stderr[-3000:]
    reports = json.loads((folder / "results_json.json").read_text())
    found = []
    for report in reports if isinstance(reports, list) else [reports]:
        assert not report["summary"]["parsing_errors"], report["results"]["parsing_errors"]
        found += [_failed(one) for one in report["results"]["failed_checks"]]
    return sorted(set(found))


def _failed(one: dict[str, Any]) -> Failed:
    return Failed(one["check_id"], f"{one['file_path'].lstrip('/')} {one['resource']}", one["check_name"])


def _gather(folder: Path) -> None:
    """All that is looked at, in one place: each start of checkov takes seconds."""
    into = folder / "all"
    into.mkdir()
    for name in ("infra/terraform", ".github"):
        if (TOP / name).exists():
            shutil.copytree(TOP / name, into / name.rpartition("/")[2], ignore=IGNORED)
    for file in TOP.glob("*Dockerfile"):
        shutil.copy(file, into)
    for chart in sorted(path.parent.name for path in TOP.glob("infra/kubernetes/*/Chart.yaml")):
        cases = {name: given for name, given in values(chart).items() if name in ("minimal", "everything", "all")}
        for name, objects in rendered(chart, cases).items():
            placed = [{**each, "metadata": {"namespace": "agents", **each["metadata"]}} for each in objects]
            (into / f"{chart}-{name}.yaml").write_text(yaml.safe_dump_all(placed))  # as Helm places them


def baseline() -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = yaml.safe_load(BASELINE.read_text())
    return entries


def _excused(failed: Failed, entry: dict[str, Any]) -> bool:
    return failed.check in entry["checks"] and any(fnmatch(failed.where, f"{one}*") for one in entry["where"])


def test_policies_hold_or_have_a_reason_not_to_that_is_still_needed(tmp_path: Path) -> None:
    found = failures(tmp_path)
    unexcused = [str(one) for one in found if not any(_excused(one, entry) for entry in baseline())]
    assert not unexcused, "\n".join(unexcused)
    stale = []
    for entry in baseline():
        excused = [one for one in found if _excused(one, entry)]
        stale += [check for check in entry["checks"] if check not in {one.check for one in excused}]
        stale += [place for place in entry["where"] if not any(fnmatch(one.where, f"{place}*") for one in excused)]
    assert stale == []


def test_every_reason_is_one() -> None:
    for entry in baseline():
        assert set(entry) == {"why", "checks", "where"}
        assert len(entry["why"].split()) > 5, entry["why"]
        assert entry["checks"]
        assert entry["where"]
