"""What a soak is asked to do."""

from __future__ import annotations

import os
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

LEASE = 2.0  # seconds
STOP = LEASE * 1.5  # seconds that a process stands still, so that it loses its runs
SILENCE = 15.0  # seconds at most without any answer; after 10, a connection to the database counts as dead
POOL = 10  # connections of a process to the database
LISTENERS = 2  # connections beside them that listen: for news of runs, and on store://
POST = "post"  # the scheme of the soak's own bus


@dataclass(frozen=True, kw_only=True)
class Options:
    """RUNS, WORKERS, SECONDS, SEED, BUS and AGENTS of the environment."""

    runs: int = 500  # messages that people send
    workers: int = 3
    seconds: float = 75.0  # over which they come, and in which things break
    seed: int = field(default_factory=lambda: random.SystemRandom().randrange(10**6))
    agents: str = "tests.soak.agents"  # the module that registers those who are talked to
    bus: str = ""  # none: the soak's own post office, which loses, repeats, delays and shuffles
    password: str = ""  # of that bus
    redelivery: float = 2.0  # seconds after which a message counts as lost
    faults: tuple[str, ...] = ()  # those of Chaos that happen; none: all
    pause: float = 4.0  # seconds at most between two faults

    @property
    def limit(self) -> float:
        """Seconds after which it must have come to its end, also on a busy machine."""
        return 4 * self.seconds + 480

    def rng(self, *names: object) -> random.Random:
        """A random generator of its own for each purpose, so that one that is asked more often changes no other."""
        return random.Random(":".join(map(str, (self.seed, *names))))


def load(environ: Mapping[str, str] = os.environ) -> Options:
    """The options that the environment names, the others as they are by default."""
    runs = int(environ.get("RUNS", "500"))
    given: dict[str, Any] = {"seed": int(environ["SEED"])} if environ.get("SEED") else {}
    return Options(
        runs=runs, workers=int(environ.get("WORKERS", "3")), seconds=float(environ.get("SECONDS") or max(20, runs / 7)),
        agents=environ.get("AGENTS", "tests.soak.agents"), bus=environ.get("BUS", ""),
        password=environ.get("AGENTCORE_BUS_PASSWORD", ""), **given,
    )  # fmt: skip
