"""The tools of the infrastructure checks, which live in an environment of their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.infra.terraform import HOME, Terraform


@pytest.fixture(scope="session", autouse=True)
def tools() -> None:
    if not (HOME / "schemas/.ready").exists():
        pytest.fail("The tools of the infrastructure checks are not set up: `make test` does it.")


@pytest.fixture(scope="session")
def terraform(tools: None) -> Iterator[Terraform]:
    with Terraform() as ready:
        yield ready
