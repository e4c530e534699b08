"""Bicep is linted against Azure's types; no compiler of it can be had here."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

from tests.infra.terraform import PYTHON, TOP
from tests.infra.vocabulary import OUTPUTS, VARIABLES

BICEP = TOP / "infra/bicep"
FAULTS = Path(__file__).parent / "faults"


def checked(*paths: Path) -> list[tuple[str, int, str]]:
    """File, line and text of each finding."""
    done = subprocess.run(
        [str(PYTHON), "-m", "tests.infra.tools.bicep", *map(str, paths)],
        cwd=TOP, capture_output=True, text=True, timeout=110,
    )  # fmt: skip
    assert done.stderr == "", done.stderr
    found = [line.split(":", 2) for line in done.stdout.splitlines()]
    return [(Path(file).name, int(line), why.strip()) for file, line, why in found]


def test_there_is_a_deployment_in_bicep() -> None:
    assert (BICEP / "main.bicep").exists()
    assert (TOP / "azure.yaml").exists()


def test_nothing_is_wrong_with_our_bicep() -> None:
    assert checked(BICEP) == []


def test_each_planted_fault_is_found_and_nothing_else() -> None:
    planted = [
        (file.name, number, said)
        for file in sorted(FAULTS.rglob("*.bicep*"))
        for number, line in enumerate(file.read_text().splitlines(), 1)
        for said in re.findall(r"//! (.+)", line)
    ]
    found = checked(FAULTS)
    assert [(file, line) for file, line, _ in found] == [(file, line) for file, line, _ in planted]
    for (_, _, said), (file, line, expected) in zip(found, planted, strict=True):
        assert expected in said, f"{file}:{line}"


def test_broken_syntax_is_found(tmp_path: Path) -> None:
    broken = tmp_path / "broken.bicep"
    broken.write_text("param name string =\nvar x = {\n")
    assert checked(broken)


@cache
def declared() -> str:
    return (BICEP / "main.bicep").read_text()


COMMON = [name for name, word in VARIABLES.items() if "azure" not in word.not_in]
COMMON.remove("secrets_version")  # a deployment of Bicep writes the secrets each time: there is nothing to raise


@pytest.mark.parametrize("name", COMMON)
def test_bicep_has_the_parameters_of_terraform(name: str) -> None:
    kinds = {"string": "string", "number": "int", "bool": "bool"}
    kind = kinds.get(VARIABLES[name].type, "array" if VARIABLES[name].type.startswith(("list", "set")) else "object")
    found = re.search(rf"^param {_camel(name)} (\w+)", declared(), re.M)
    assert found, f"{_camel(name)} is missing"
    assert found[1] == kind


@pytest.mark.parametrize("name", OUTPUTS)
def test_bicep_has_the_outputs_of_terraform(name: str) -> None:
    assert re.search(rf"^output {_camel(name)} ", declared(), re.M)


def test_every_parameter_is_described() -> None:
    lines = declared().splitlines()
    for number, line in enumerate(lines):
        if line.startswith("param "):
            above = []
            for earlier in reversed(lines[:number]):
                if not earlier.startswith("@"):
                    break
                above.append(earlier)
            assert any(one.startswith("@description('") for one in above), line


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
