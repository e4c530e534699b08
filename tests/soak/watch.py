"""What is looked at while a soak runs: what must never be, whether anything moves, and how far it is."""

from __future__ import annotations

import asyncio
import time
from collections import Counter

from tests.soak import invariants
from tests.soak.chaos import Chaos
from tests.soak.database import Database
from tests.soak.fleet import Fleet
from tests.soak.report import counted
from tests.soak.together import places

LOOK = 1.0  # seconds between two looks at what must never be
LONG = 5  # looks in a row
TELL = 5.0  # seconds between two lines of progress
STILL = 120.0  # seconds without any news of any run, which mean that something is stuck


class Watch:
    """Looks from outside, and adds to `wrong`."""

    def __init__(self, database: Database, fleet: Fleet, chaos: Chaos, wrong: list[str]) -> None:
        self._database, self._fleet, self._chaos, self._wrong = database, fleet, chaos, wrong
        self.began = time.monotonic()
        self.most = 0  # connections of one process to the database

    async def look(self) -> None:
        """Look for what must never be."""
        crowded = Counter[str]()
        while True:
            self._wrong += await self._database.broken()
            connected = self._fleet.connected(await self._database.ports())
            self.most = max(self.most, *connected.values())
            # The server may not yet know of a connection that it is gone.
            crowded = Counter(
                {name: crowded[name] + 1 for name, n in connected.items() if [*invariants.spared({name: n})]}
            )
            self._wrong += [f"{name} has too many connections for long" for name, n in crowded.items() if n == LONG]
            await asyncio.sleep(LOOK)

    async def stand_still(self) -> None:
        """Raise TimeoutError once nothing has moved for long, however slow the machine is."""
        before, since = "", time.monotonic()
        while True:
            if (now := await self._database.mark()) != before:
                before, since = now, time.monotonic()
            if time.monotonic() - since > STILL:
                raise TimeoutError(f"nothing has moved for {STILL:g} s: {places()}")
            await asyncio.sleep(TELL)

    async def tell(self) -> None:
        """Print how far it is."""
        while True:
            await asyncio.sleep(TELL)
            states, faults = await self._database.states(), self._chaos.counts.total()
            wrong = f", {len(self._wrong)} WRONG" if self._wrong else ""
            print(f"{time.monotonic() - self.began:5.0f} s: {counted(states)}; {faults} faults{wrong}", flush=True)
