"""Workflows, Dockerfiles, scripts and compose files are what their readers expect."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.infra.terraform import HOME, TOP

BIN = HOME / "venv/bin"


def _found(*patterns: str) -> list[Path]:
    return sorted({path for pattern in patterns for path in TOP.glob(pattern) if ".terraform" not in path.parts})


WORKFLOWS = _found(".github/workflows/*.yml", ".github/workflows/*.yaml")
ACTIONS = _found(".github/actions/*/action.yml")
DOCKERFILES = _found("Dockerfile", "*.Dockerfile")
SCRIPTS = _found("infra/**/*.sh")
SCHEMAS = {
    "vendor.compose-spec": _found("compose*.yaml"),
    "vendor.github-workflows": WORKFLOWS,
    "vendor.github-actions": ACTIONS,
    "vendor.renovate": _found("renovate.json"),
}


def _tool(name: str, *words: object) -> str:
    """What a tool has to say; nothing where all is well. It finds shellcheck beside it."""
    environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}
    done = subprocess.run(
        [str(BIN / name), *map(str, words)], cwd=TOP, env=environment, capture_output=True, text=True, timeout=110
    )
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"
    return done.stdout


def test_there_are_workflows_an_image_and_a_compose_file() -> None:
    assert len(WORKFLOWS) >= 3
    assert {path.name for path in DOCKERFILES} >= {"Dockerfile", "lambda.Dockerfile"}
    assert SCHEMAS["vendor.compose-spec"]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_is_right_and_so_are_the_scripts_in_it(workflow: Path) -> None:
    assert _tool("actionlint", "-no-color", workflow) == ""


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.name)
def test_a_dockerfile_follows_the_rules(dockerfile: Path) -> None:
    assert _tool("hadolint", dockerfile) == ""


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_is_safe(script: Path) -> None:
    assert _tool("shellcheck", script) == ""


@pytest.mark.parametrize("schema", [name for name, files in SCHEMAS.items() if files])
def test_files_fit_the_schemas_of_those_who_read_them(schema: str) -> None:
    _tool("check-jsonschema", "--builtin-schema", schema, *SCHEMAS[schema])


JOB = "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: "
FAULTS = [
    ("actionlint", "a.yml", JOB + "echo ${{ secret.X }}\n", 'undefined variable "secret"'),
    ("actionlint", "b.yml", JOB + "rm $HOME/*.txt $1\n", "SC2086"),
    ("hadolint", "Dockerfile", "FROM debian\nRUN apt-get update && apt-get install curl\n", "DL3006"),
    ("shellcheck", "a.sh", "#!/bin/bash\nrm -rf $1/x\n", "SC2086"),
]


@pytest.mark.parametrize(("tool", "name", "text", "said"), FAULTS, ids=[f"{f[0]}-{f[1]}" for f in FAULTS])
def test_a_planted_fault_is_found(tmp_path: Path, tool: str, name: str, text: str, said: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(AssertionError, match=said):
        _tool(tool, tmp_path / name)


def test_a_planted_fault_in_a_compose_file_is_found(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text("services:\n  api:\n    imagee: agentcore\n")
    with pytest.raises(AssertionError, match="imagee"):
        _tool("check-jsonschema", "--builtin-schema", "vendor.compose-spec", tmp_path / "compose.yaml")
