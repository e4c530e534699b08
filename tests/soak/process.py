"""The entry of each process under test: a wrong clock first, and only then anything else."""

from __future__ import annotations

import os
import sys

from tests.soak import clock

NAME, SKEW = os.environ.get("SOAK_NAME", ""), float(os.environ.get("SOAK_SKEW", "0"))

if __name__ == "__main__":
    clock.skew(SKEW)
    from tests.soak import commands

    sys.exit(commands.main(sys.argv[1:], NAME, SKEW))
