"""Compile each Python file below the working directory that has no bytecode yet.

It is in the image for those that are built from it: what they add has none, and a process that may not write would
compile it at every start. The bytecode is believed without a look at its source, as layers and registries change times.
"""

from __future__ import annotations

import py_compile
import sys
from concurrent.futures import ProcessPoolExecutor
from importlib.util import cache_from_source
from pathlib import Path


def compiled(file: Path) -> str:
    """What is wrong with the file, if anything is."""
    try:
        py_compile.compile(str(file), doraise=True, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    except py_compile.PyCompileError as error:
        return error.msg
    return ""


def main() -> int:
    files = [file for file in Path().resolve().rglob("*.py") if not Path(cache_from_source(str(file))).exists()]
    with ProcessPoolExecutor() as processes:
        wrong = [message for message in processes.map(compiled, files, chunksize=50) if message]
    print(*wrong, f"compiled: {len(files) - len(wrong)}", sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
