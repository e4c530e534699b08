"""Our own limits: they belong to arguments that there are, and they let through what is right."""

from __future__ import annotations

import subprocess

import pytest

from tests.infra.terraform import HOME, PYTHON, TOP
from tests.infra.tools.limits import Check, as_json, between, cron, iso8601, seconds


def test_each_limit_is_of_an_argument_that_there_is() -> None:
    command = [str(PYTHON), "-m", "tests.infra.tools.unknown_limits", str(HOME / "schemas")]
    done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


@pytest.mark.parametrize(
    ("check", "right", "wrong"),
    [
        (cron, ["* * * * *", "*/5 0-6 1,15 JAN-MAR MON"], ["* * * *", "*/5 * * * * *", "61 * * * *", "hourly"]),
        (iso8601("PT5S", "PT5M"), ["PT1M", "PT5M", "PT4M59S"], ["5 minutes", "PT", "P", "PT6M", "PT1S", "P1D"]),
        (iso8601(), ["P14D", "P1DT12H"], ["14D", "P1M2"]),
        (seconds(10, 600), ["10s", "599.5s"], ["10", "10m", "9s", "601s"]),
        (between(1, 10), [1, 10, 2.5], [0, 11]),
        (as_json("a"), ['{"a": 1}'], ['{"b": 1}', "a", "[1]"]),
    ],
)
def test_a_limit_lets_through_what_is_right(check: Check, right: list[object], wrong: list[object]) -> None:
    assert [value for value in right if check(value)] == []
    assert [value for value in wrong if not check(value)] == []
