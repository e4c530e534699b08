"""`python -m agentcore.testing MODULE:SCENARIO`: the crash matrix of a scenario, on a database of your choice."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from uuid import uuid4

from agentcore.registry import load_path
from agentcore.testing.crash import Scenario, matrix
from agentcore.testing.databases import databases
from agentcore.testing.script import SideTable


def main() -> int:
    """Print a line for each scenario; 1 when anything went wrong."""
    parser = argparse.ArgumentParser(prog="python -m agentcore.testing", description=__doc__)
    parser.add_argument("scenario", help="module:attribute of a Scenario, or of a mapping of them")
    parser.add_argument(
        "--database", default="sqlite://", help="sqlite:// or the URL of a PostgreSQL to make databases on"
    )
    parser.add_argument("--only", default="", help="the one scenario of a mapping")
    options = parser.parse_args()
    sys.path.insert(0, "")
    found = load_path(options.scenario, "scenario")
    scenarios = [found] if isinstance(found, Scenario) else [s for s in found.values() if options.only in ("", s.name)]
    return 1 if report(scenarios, options.database) else 0


def report(scenarios: Iterable[Scenario], url: str) -> int:
    """Kill each scenario at each of its commits, streamed and unstreamed. How many things went wrong."""
    wrong = 0
    with databases(url) as fresh, tempfile.TemporaryDirectory() as folder:
        for scenario in scenarios:
            for streamed in (True, False):
                commits, killed, found = matrix(scenario, fresh, _sides(Path(folder)), streamed=streamed)
                way = "streamed" if streamed else "unstreamed"
                print(f"{scenario.name} {way}: {commits} commits, {killed} killed, {len(found)} wrong", flush=True)  # noqa: T201
                for sentence in found:
                    print(f"  {sentence}", flush=True)  # noqa: T201
                wrong += len(found)
    return wrong


def _sides(folder: Path) -> Iterator[SideTable]:
    while True:
        yield SideTable(folder / uuid4().hex)


if __name__ == "__main__":
    sys.exit(main())
