"""A mistake is noticed: each that we plant into a real root, by a schema, by our limits or by the root's own tests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.infra.applied import unapplied
from tests.infra.planted import APPLY, PLANTED, VALIDATE, Planted
from tests.infra.terraform import ROOTS, Terraform
from tests.infra.test_environment import COMMON, DEPLOYMENTS


@contextmanager
def _with(terraform: Terraform, mistake: Planted) -> Iterator[None]:
    """The mistake is in the copy of the root; it must still fit there, once."""
    file = terraform.infra / "terraform" / mistake.file
    text = file.read_text()
    assert text.count(mistake.old) == 1, f"its text stands {text.count(mistake.old)} times in {mistake.file}"
    file.write_text(text.replace(mistake.old, mistake.new))
    try:
        yield
    finally:
        file.write_text(text)


@pytest.mark.parametrize("mistake", PLANTED, ids=lambda mistake: mistake.name.replace(" ", "-"))
def test_a_planted_mistake_is_noticed(terraform: Terraform, mistake: Planted) -> None:
    cloud, *inside = Path(mistake.file).parts
    folder = "/".join(["terraform", cloud, *(inside[:2] if inside[0] == "examples" else [])])
    with _with(terraform, mistake):
        if mistake.by == VALIDATE:
            done = terraform.run(folder, "validate", "-no-tests", "-no-color")
        elif mistake.by == APPLY:
            chosen = next(chosen for root, chosen in DEPLOYMENTS if root == cloud)
            with unapplied(terraform, cloud, {**COMMON, **chosen}) as made:
                done = made.apply()
        else:
            done = terraform.run(folder, "test", f"-filter={mistake.by}", "-no-color")
    assert done.returncode != 0
    assert mistake.said in re.sub(r"\s+", " ", done.stdout + done.stderr)  # Terraform breaks lines


def test_mistakes_are_planted_into_every_root() -> None:
    assert {mistake.file.partition("/")[0] for mistake in PLANTED} == set(ROOTS)
    assert len({mistake.name for mistake in PLANTED}) == len(PLANTED) >= 40
