"""`make soak RUNS=2000 WORKERS=4 SECONDS=300 SEED=7`. Exits with 1 where anything is wrong, and keeps the logs then."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
from pathlib import Path

from tests.soak import options
from tests.soak.soak import soak


def main() -> int:
    asked = options.load()
    folder = Path(tempfile.mkdtemp(prefix="agentcore-soak-"))
    print(f"seed {asked.seed}; logs in {folder}", flush=True)
    report = asyncio.run(soak(asked, folder))
    print(report)
    if not report.wrong and not os.environ.get("KEEP"):
        shutil.rmtree(folder)
    return 1 if report.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
