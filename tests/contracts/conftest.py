"""The brokers that the bus contract runs against: one of each kind a session, started when first asked for."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Callable, Iterator

import pytest

from tests.brokers import KINDS, Absent, Broker, start


@pytest.fixture(scope="session")
def brokers() -> Iterator[Callable[[str], Broker]]:
    """Starts a broker by its name, once; skips, saying why, where it cannot run."""
    running: dict[str, Broker] = {}

    def get(name: str) -> Broker:
        if name not in running:
            try:
                running[name] = start(name)
            except Absent as absent:
                pytest.skip(str(absent))
        return running[name]

    yield get
    for broker in running.values():
        broker.stop()


@pytest.fixture(params=KINDS)
def broker(request: pytest.FixtureRequest, brokers: Callable[[str], Broker]) -> Iterator[Broker]:
    """Each broker in turn, with its environment set and the way to it open."""
    it = brokers(request.param)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in it.environment.items():
            patch.setenv(name, value)
        yield it
    it.proxy.restore()
    with warnings.catch_warnings():  # what a client left open is closed here, not in somebody else's test
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
