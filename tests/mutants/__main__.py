"""`make mutants`: break each rule of the design with a small change, and see that a test turns red."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from tests.mutants.table import MUTANTS, Mutant

ROOT = Path(__file__).parents[2]
COPIED = ("shared", "tests", "pyproject.toml")
AT_ONCE = min(4, os.cpu_count() or 1)
PYTEST = (
    sys.executable, "-m", "pytest", "-x", "-q", "--no-header", "--tb=line", "--timeout=30", "-p", "no:cacheprovider",
)  # fmt: skip


def main() -> int:
    """Print a line a mutant; 1 when one survived or no longer applies. Words choose mutants by name or rule number."""
    words = sys.argv[1:]
    chosen = [m for m in MUTANTS if not words or any(w == str(m.rule) or w in m.name for w in words)]
    with _copied() as source, ThreadPoolExecutor(AT_ONCE) as pool:
        if not all(pool.map(lambda tests: _green(source, tests), _together(chosen))):
            return 1
        killed = list(pool.map(lambda mutant: _killed(source, mutant), chosen))
    survived = [mutant.name for mutant, red in zip(chosen, killed, strict=True) if not red]
    print(f"{len(chosen) - len(survived)} of {len(chosen)} mutants killed", *survived, sep="\n  survived: ")
    return 1 if survived or not chosen else 0


@contextmanager
def _copied(root: Path = ROOT) -> Iterator[Path]:
    """The code and its tests in a folder of their own: what is edited meanwhile does not count."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        for name in COPIED:
            if (root / name).is_dir():
                shutil.copytree(root / name, Path(folder, name), ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(root / name, folder)
        yield Path(folder)


def _pytest(folder: Path, tests: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    # The tree under test must be this one, wherever the package is installed from.
    environment = {**os.environ, "PYTHONPATH": str(folder / "shared"), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run([*PYTEST, *tests], cwd=folder, env=environment, capture_output=True, text=True, timeout=300)


def _together(mutants: Sequence[Mutant]) -> list[tuple[str, ...]]:
    """The tests of all these mutants, each file's at once."""
    files = {m.tests[0]: list[str]() for m in mutants}
    for mutant in mutants:
        files[mutant.tests[0]].append(f"({mutant.tests[2]})")
    return [(file, "-k", " or ".join(dict.fromkeys(words))) for file, words in files.items()]


def _green(source: Path, tests: tuple[str, ...]) -> bool:
    """Whether tests pass as long as nothing is broken: else their failing would prove nothing."""
    done = _pytest(source, tests)
    if done.returncode != 0:
        print(f"red without any mutant: {' '.join(tests)}\n{done.stdout[-2000:]}{done.stderr[-500:]}", flush=True)
    return done.returncode == 0


def _killed(source: Path, mutant: Mutant) -> bool:
    with _copied(source) as folder:
        file = folder / "shared/agentcore" / mutant.file
        text = file.read_text()
        if (times := text.count(mutant.old)) != 1:
            return _say(mutant, False, f"its text stands {times} times in {mutant.file}")
        file.write_text(text.replace(mutant.old, mutant.new))
        done = _pytest(folder, mutant.tests)
    # 1 and a test by name; anything else (no tests, a broken import or fixture) would prove nothing.
    first = next((line for line in done.stdout.splitlines() if line.startswith("FAILED")), "")
    if done.returncode == 1 and first:
        return _say(mutant, True, first.partition("::")[2].partition(" ")[0])
    return _say(mutant, False, done.stdout[-2000:] + done.stderr[-500:])


def _say(mutant: Mutant, killed: bool, why: str) -> bool:
    print(f"{'killed  ' if killed else 'SURVIVED'}  rule {mutant.rule}: {mutant.name}: {why}", flush=True)
    return killed


if __name__ == "__main__":
    sys.exit(main())
