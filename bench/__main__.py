"""python -m bench [--quick] [NAME…]: measure, print one table, and write docs/performance.md when all was measured."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
from pathlib import Path

from bench import report
from bench.measures import NAMES, Bench, measure
from bench.results import Results
from tests.postgres import Postgres

DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}  # as in production


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few rounds and small tables, to see that it works")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    args = parser.parse_args()
    if unknown := set(args.names) - set(NAMES):
        parser.error(f"there is no measure {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    logging.getLogger("openai.agents").setLevel(logging.CRITICAL)
    server = Postgres(**DURABLE)
    try:
        server.start()
        bench = Bench(database=server.create_database, quick=args.quick)
        results = asyncio.run(_all(bench, args.names or list(NAMES)))
    finally:
        server.remove()
    print(report.table(results))
    Path(".bench").mkdir(exist_ok=True)
    Path(".bench/results.json").write_text(json.dumps(results.plain(), indent=1))
    if not args.names and not args.quick:
        report.write(results, Path("docs"))


async def _all(bench: Bench, names: list[str]) -> Results:
    results = Results(load=os.getloadavg()[0])
    for name in names:
        before = os.getloadavg()[0]
        results += await measure(name)(bench)
        print(f"{name}: measured, load {before:.1f} before and {os.getloadavg()[0]:.1f} after", flush=True)
    return results


if __name__ == "__main__":
    main()
