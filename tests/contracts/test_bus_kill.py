"""The soak over each broker: workers are killed at random while runs pass, and nothing is lost or done twice."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from tests.brokers import Broker
from tests.soak.options import Options
from tests.soak.soak import soak

RUNS = int(os.environ.get("KILL_BUS_RUNS", "0"))


@pytest.mark.skipif(not RUNS, reason="takes minutes: KILL_BUS_RUNS=200 runs it")
@pytest.mark.timeout(900)
def test_every_run_ends_and_the_side_table_agrees_with_the_journal(broker: Broker, tmp_path: Path) -> None:
    password = broker.environment.get("AGENTCORE_BUS_PASSWORD", "")
    asked = Options(runs=RUNS, seconds=max(20.0, RUNS / 7), bus=broker.queue(again=5), password=password)
    report = asyncio.run(soak(asked, tmp_path))
    print(report)
    assert report.wrong == []
