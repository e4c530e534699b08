"""The soak over each bus: workers are killed at random while runs pass, and nothing is lost or done twice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.brokers import KINDS, Broker
from tests.soak.options import Options
from tests.soak.soak import soak

RUNS = 200
SECONDS = 18.0  # over which they come, and in which workers are killed
LEAST = 5  # kills, on a machine that is so busy that each takes its time
# What waits is sent again that often; with hundreds of messages moto takes seconds for ten of them.
REDELIVERY = 10.0


@pytest.mark.timeout(900)
@pytest.mark.parametrize("bus", ["store", *KINDS])
def test_every_run_ends_and_the_side_table_agrees_with_the_journal(
    bus: str, brokers: Callable[[str], Broker], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Kafka gives a worker its partitions seconds after its start: one that is killed before that holds nothing.
    slower = 2.5 if bus == "kafka" else 1.0
    url, password = "store://", ""
    if bus != "store":
        broker = brokers(bus)
        url, password = broker.queue(again=5), broker.environment.get("AGENTCORE_BUS_PASSWORD", "")
        for name, value in broker.environment.items():
            monkeypatch.setenv(name, value)
    asked = Options(
        runs=RUNS,
        seconds=SECONDS * slower,
        bus=url,
        password=password,
        redelivery=REDELIVERY,
        faults=("kill_worker",),
        pause=3.0 * slower,
    )
    print(f"seed {asked.seed}; logs in {tmp_path}")
    report = asyncio.run(soak(asked, tmp_path))
    print(report)
    assert report.wrong == []
    assert report.faults["kills of workers"] >= LEAST
