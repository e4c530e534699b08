"""`agentcore preflight`: would every parked run resume on this code?"""

from __future__ import annotations

import argparse
import asyncio

from agentcore import app
from agentcore.settings import Settings


def preflight(args: argparse.Namespace, settings: Settings) -> int:
    """Report what would not resume; 1 if there is any."""
    return asyncio.run(_preflight(settings))


async def _preflight(settings: Settings) -> int:
    from agentcore.preflight import preflight as reports  # imports the SDK
    from agentcore.preflight import unfit

    checked = bad = 0
    async with app.running(app.build(settings)) as service:
        refused = await unfit(service.registry)
        for name, error in refused.items():
            print(f"agent {name}: {error}")
        async for report in reports(service):
            checked += 1
            if report.problem:
                bad += 1
                print(f"{report.run_id} ({report.agent}): {report.problem}")
    print(f"{checked} parked runs checked, {bad} would not resume")
    return 1 if bad or refused else 0
