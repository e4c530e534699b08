"""A root of Terraform, applied to providers that make up what a cloud decides."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tests.infra.terraform import Terraform, said

# What a user's own root says before it calls ours, which is a module: only this provider must be told something.
PROVIDERS = {"azure": 'provider "azurerm" {\n  features {}\n}\n'}
MORE = {"azure": {"run_migration": "false"}}  # there a command of Azure's runs it


class Applied:
    def __init__(self, terraform: Terraform, root: str, variables: Mapping[str, str]) -> None:
        self.terraform, self.folder = terraform, f"terraform/{root}"
        self.state = terraform.infra / self.folder / "terraform.tfstate"
        self.given = [f"-var={name}={value}" for name, value in {**variables, **MORE.get(root, {})}.items()]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.terraform.run(self.folder, *words, "-no-color")

    def apply(self) -> subprocess.CompletedProcess[str]:
        return self.run("apply", "-auto-approve", "-input=false", *self.given)

    def outputs(self) -> dict[str, Any]:
        return {name: one["value"] for name, one in json.loads(self.run("output", "-json").stdout).items()}


@contextmanager
def unapplied(terraform: Terraform, root: str, variables: Mapping[str, str]) -> Iterator[Applied]:
    """Ready to be applied, from nothing; what comes of it is thrown away."""
    made = Applied(terraform, root, variables)
    provider = terraform.infra / made.folder / "provider.tf"
    provider.write_text(PROVIDERS.get(root, ""))
    try:
        yield made
    finally:
        for file in (provider, made.state, made.state.with_suffix(".tfstate.backup")):
            file.unlink(missing_ok=True)


@contextmanager
def applied(terraform: Terraform, root: str, variables: Mapping[str, str]) -> Iterator[Applied]:
    with unapplied(terraform, root, variables) as made:
        done = made.apply()
        assert done.returncode == 0, said(done)
        yield made
