"""What the engine's tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.world import World


@pytest.fixture(params=[True, False], ids=["streamed", "unstreamed"])
def streamed(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)
