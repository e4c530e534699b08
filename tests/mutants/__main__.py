"""`make mutants`: break each rule of the design with a small change, and see that a test turns red."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.mutants.table import MUTANTS, Mutant

ROOT = Path(__file__).parents[2]
COPIED = ("shared", "tests", "pyproject.toml")


def main() -> int:
    """Print a line a mutant; 1 when one survived or no longer applies."""
    wanted = sys.argv[1:]
    chosen = [m for m in MUTANTS if not wanted or m.name in wanted]
    survived = [mutant.name for mutant in chosen if not _killed(mutant)]
    print(f"{len(chosen) - len(survived)} of {len(chosen)} mutants killed" + "".join(f", {n} survived" for n in survived))
    return 1 if survived or not chosen else 0


def _killed(mutant: Mutant) -> bool:
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        for name in COPIED:
            source = ROOT / name
            (shutil.copytree if source.is_dir() else shutil.copy)(source, Path(folder, name))
        _change(Path(folder, "shared/agentcore", mutant.file), mutant)
        # The tree under test must be the mutant, wherever the package is installed from.
        environment = {**os.environ, "PYTHONPATH": str(Path(folder, "shared")), "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, "-m", "pytest", "-x", "-q", "--no-header", "-p", "no:cacheprovider", *mutant.tests]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=600)
    # 1 is a red test; anything else (no tests, a broken import) would prove nothing.
    red = done.returncode == 1 and "failed" in done.stdout
    first = next((line for line in done.stdout.splitlines() if line.startswith("FAILED")), "")
    print(f"{'killed' if red else 'SURVIVED'}  rule {mutant.rule}: {mutant.name}  {first[:120]}", flush=True)
    if not red:
        print(done.stdout[-2000:], done.stderr[-500:])
    return red


def _change(file: Path, mutant: Mutant) -> None:
    text = file.read_text()
    if text.count(mutant.old) != 1:
        raise SystemExit(f"mutant {mutant.name}: its text stands {text.count(mutant.old)} times in {mutant.file}")
    file.write_text(text.replace(mutant.old, mutant.new))


if __name__ == "__main__":
    sys.exit(main())
