"""One vocabulary for all clouds: who knows one root knows the others."""

from __future__ import annotations

import re
from dataclasses import fields
from functools import cache
from typing import Any

import pytest

from agentcore.settings import Settings, variable
from tests.infra.terraform import ROOTS, TOP, modules, roots
from tests.infra.vocabulary import ANY, OUTPUTS, VARIABLES

SETTINGS = {variable(setting) for setting in fields(Settings)}
SCANNED = ("infra", ".github", "docs/deploy", "Dockerfile", "lambda.Dockerfile", "compose.yaml", "azure.yaml")
TEXT = {".tf", ".hcl", ".bicep", ".bicepparam", ".yaml", ".yml", ".tpl", ".json", ".md", ".sh", ".py", ".txt", ""}


@cache
def described() -> dict[str, Any]:
    return {root.rpartition("/")[2]: read for root, read in modules(*roots()).items()}


def variables(root: str) -> dict[str, Any]:
    found: dict[str, Any] = described()[root]["variables"]
    return found


@pytest.mark.parametrize("root", ROOTS)
def test_a_root_has_the_common_variables(root: str) -> None:
    found = variables(root)
    for name, word in VARIABLES.items():
        assert (name in found) == (root not in word.not_in), name
        if name in found:
            have = found[name]
            assert have["type"] == word.type, name
            assert (have["sensitive"], have["ephemeral"]) == (word.secret, word.secret), name
            assert have["messages"] or not word.checked, f"{name} takes anything"
            assert word.default is ANY or have["default"] == word.default, name


@pytest.mark.parametrize("root", ROOTS)
def test_every_variable_says_what_it_is(root: str) -> None:
    for name, have in variables(root).items():
        assert have["type"], f"{name} has no type"
        assert len(have["description"].split()) > 2, f"{name} has no description"
        assert have["description"].endswith((".", "…")), f"{name}: {have['description']}"


@pytest.mark.parametrize("root", ROOTS)
def test_an_error_names_the_variable(root: str) -> None:
    for name, have in variables(root).items():
        for message in have["messages"]:
            assert name in message, f"{name}: {message}"


@pytest.mark.parametrize("root", ROOTS)
def test_a_root_has_the_common_outputs(root: str) -> None:
    found = described()[root]["outputs"]
    assert set(OUTPUTS) <= set(found)
    assert [name for name, have in found.items() if not have["description"]] == []


def test_a_name_has_one_type_in_all_clouds() -> None:
    types: dict[str, set[str]] = {}
    for root in described():
        for name, have in variables(root).items():
            types.setdefault(name, set()).add(have["type"])
    assert {name: sorted(kinds) for name, kinds in types.items() if len(kinds) > 1} == {}


def test_every_setting_that_is_named_exists() -> None:
    unknown: dict[str, set[str]] = {}
    for file in _texts():
        for name in re.findall(r"\bAGENTCORE_[A-Z][A-Z0-9_]*[A-Z0-9]\b", file.read_text()):
            if name not in SETTINGS:
                unknown.setdefault(str(file.relative_to(TOP)), set()).add(name)
    assert unknown == {}


def _texts() -> list[Any]:
    found = []
    for name in SCANNED:
        path = TOP / name
        files = path.rglob("*") if path.is_dir() else [path]
        found += [f for f in files if f.is_file() and f.suffix in TEXT and ".terraform" not in f.parts]
    return found
