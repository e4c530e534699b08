"""Workers that are killed at random while runs pass over each broker lose nothing and repeat nothing."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from tests.brokers import Broker
from tests.crash.test_kill import soak

RUNS = int(os.environ.get("KILL_BUS_RUNS", "0"))


@pytest.mark.skipif(not RUNS, reason="takes minutes: KILL_BUS_RUNS=200 runs it")
@pytest.mark.timeout(400)
def test_every_run_ends_and_the_side_table_agrees_with_the_journal(
    broker: Broker, postgres_url: str, tmp_path: Path
) -> None:
    password = broker.environment.get("AGENTCORE_BUS_PASSWORD", "")
    asyncio.run(soak(postgres_url, tmp_path, broker.queue(again=5), RUNS, password))
