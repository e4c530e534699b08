"""What we ship asks for the providers whose schemas it is checked against, and asks for the same everywhere.

Terraform itself does not compare versions here, since the providers are given to it.
"""

from __future__ import annotations

import gzip
import json
import re
from functools import cache
from typing import Any

import pytest

from tests.infra.terraform import HOME, TOP, examples, modules, roots

_COMPARED = {
    ">=": lambda have, want: have >= want,
    "<=": lambda have, want: have <= want,
    ">": lambda have, want: have > want,
    "<": lambda have, want: have < want,
    "=": lambda have, want: have == want,
    "!=": lambda have, want: have != want,
}


@cache
def versions() -> dict[str, str]:
    """The version of each provider whose schema we have."""
    found = {}
    for file in (HOME / "schemas").glob("*.json.gz"):
        schema = json.loads(gzip.decompress(file.read_bytes()))
        found[schema["name"]] = schema["version"]
    return found


def meets(version: str, constraint: str) -> bool:
    """Whether a version is one of those that a constraint of Terraform takes."""
    return all(_meets(_numbers(version), part.strip()) for part in constraint.split(","))


def _meets(have: tuple[int, ...], part: str) -> bool:
    operator, written = re.fullmatch(r"(~>|>=|<=|!=|=|>|<)?\s*([\d.]+)", part).groups()  # type: ignore[union-attr]
    want = _numbers(written)
    if operator == "~>":
        return have >= want and have[: len(written.split(".")) - 1] == want[: len(written.split(".")) - 1]
    return bool(_COMPARED[operator or "="](have, want))


def _numbers(version: str) -> tuple[int, ...]:
    numbers = tuple(int(number) for number in version.split("."))
    return numbers + (0,) * (3 - len(numbers))


@pytest.mark.parametrize(
    ("version", "constraint", "met"),
    [
        ("6.69.1", "~> 6.0", True),
        ("6.69.1", "~> 6.69.0", True),
        ("6.69.1", "~> 6.70", False),
        ("6.69.1", "~> 5.0", False),
        ("7.0.0", "~> 6.0", False),
        ("6.69.1", ">= 6.0, < 7.0", True),
        ("6.69.1", ">= 6.0, != 6.69.1", False),
        ("6.69.1", "6.69.1", True),
    ],
)
def test_constraints_are_read_as_terraform_reads_them(version: str, constraint: str, met: bool) -> None:
    assert meets(version, constraint) is met


@cache
def asked() -> dict[str, Any]:
    """What each root, example and module asks for."""
    folders = {str(file.parent.relative_to(TOP / "infra")) for file in TOP.glob("infra/terraform/**/*.tf")}
    found = modules(*sorted(folder for folder in folders if ".terraform" not in folder))
    return {folder: read["providers"] for folder, read in found.items()}


@pytest.mark.parametrize("folder", [*roots(), *examples()])
def test_providers_are_those_that_we_have_the_schemas_of(folder: str) -> None:
    assert asked()[folder]
    for name, wanted in asked()[folder].items():
        assert wanted["source"].lower() in {f"hashicorp/{name}", f"azure/{name}"}
        assert meets(versions()[name], wanted["version"]), f"{name} {wanted}, but we check {versions()[name]}"


def test_all_ask_for_the_same_versions() -> None:
    found: dict[str, set[str]] = {}
    for folder, providers in asked().items():
        for name, wanted in providers.items():
            assert wanted["version"] or "/modules/" in folder, f"{folder}: {name} without a version"
            found.setdefault(name, set()).update({wanted["version"]} - {""})
    assert {name: sorted(versions) for name, versions in found.items() if len(versions) > 1} == {}


def test_all_roots_ask_for_the_same_terraform() -> None:
    asked = {
        found
        for file in TOP.glob("infra/terraform/**/*.tf")
        for found in re.findall(r'required_version\s*=\s*"([^"]+)"', file.read_text())
    }
    assert asked == {">= 1.11"}
