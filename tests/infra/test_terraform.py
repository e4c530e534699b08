"""Terraform finds nothing wrong with what we ship, against the schemas of current providers."""

from __future__ import annotations

import json

import pytest

from tests.infra.terraform import ROOTS, Terraform, examples, roots, said, suites


def test_every_cloud_has_its_root_with_tests_and_two_examples() -> None:
    assert sorted(roots()) == sorted(f"terraform/{name}" for name in ROOTS)
    wanted = {f"terraform/{root}/examples/{name}" for root in ROOTS for name in ("minimal", "production")}
    assert wanted <= set(examples())
    assert {root for root, _ in suites()} == set(roots())


def test_all_files_are_formatted(terraform: Terraform) -> None:
    done = terraform.run("terraform", "fmt", "-check", "-recursive", "-diff", "-no-color")
    assert done.returncode == 0, said(done)


@pytest.mark.parametrize("folder", [*roots(), *examples()])
def test_a_folder_is_valid(terraform: Terraform, folder: str) -> None:
    found = json.loads(terraform.run(folder, "validate", "-no-tests", "-json").stdout)
    assert found["diagnostics"] == []  # warnings too: what is deprecated goes with the next major version


@pytest.mark.parametrize(("root", "suite"), suites())
def test_a_root_passes_its_own_tests(terraform: Terraform, root: str, suite: str) -> None:
    printed = terraform.passes(root, "test", f"-filter={suite}")
    assert "0 failed" in printed
    assert "Success! 0 passed" not in printed
