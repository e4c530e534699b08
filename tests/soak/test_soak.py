"""The soak itself, as CI runs it; RUNS, WORKERS, SECONDS, SEED and BUS change it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.soak import options
from tests.soak.options import Options
from tests.soak.soak import soak

ASKED = {"post": options.load(), "store": Options(runs=100, seconds=20.0, bus="store://")}


@pytest.mark.timeout(900)
@pytest.mark.parametrize("bus", ASKED)
def test_whatever_breaks_nothing_is_lost_and_nothing_is_done_twice(bus: str, tmp_path: Path) -> None:
    asked = ASKED[bus]
    print(f"seed {asked.seed}; logs in {tmp_path}")
    report = asyncio.run(soak(asked, tmp_path))
    print(report)
    assert report.wrong == []
