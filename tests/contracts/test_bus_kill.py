"""The soak over each bus: workers are killed at random while runs pass, and nothing is lost or done twice."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.brokers import KINDS, Broker
from tests.soak.options import Options
from tests.soak.soak import soak

RUNS = int(os.environ.get("KILL_BUS_RUNS", "0"))
LEAST = 5  # kills, on a machine that is so busy that each takes its time
# What waits is sent again that often; with hundreds of messages moto takes seconds for ten of them.
REDELIVERY = 10.0


@pytest.mark.skipif(not RUNS, reason="takes minutes: KILL_BUS_RUNS=200 runs it")
@pytest.mark.timeout(900)
@pytest.mark.parametrize("bus", ["store", *KINDS])
def test_every_run_ends_and_the_side_table_agrees_with_the_journal(
    bus: str, brokers: Callable[[str], Broker], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, password = "store://", ""
    if bus != "store":
        broker = brokers(bus)
        url, password = broker.queue(again=5), broker.environment.get("AGENTCORE_BUS_PASSWORD", "")
        for name, value in broker.environment.items():
            monkeypatch.setenv(name, value)
    asked = Options(
        runs=RUNS,
        seconds=max(18.0, RUNS / 11),
        bus=url,
        password=password,
        redelivery=REDELIVERY,
        faults=("kill_worker",),
        pause=3.0,
    )
    print(f"seed {asked.seed}; logs in {tmp_path}")
    report = asyncio.run(soak(asked, tmp_path))
    print(report)
    assert report.wrong == []
    assert report.faults["kills of workers"] >= LEAST
