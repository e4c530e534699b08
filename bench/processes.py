"""Processes of the command line, and what the kernel says of them."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]


def environment(url: str = "", **more: str) -> dict[str, str]:
    """This environment with no other setting of ours than these, and with this source tree."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AGENTCORE_", "OPENAI_", "PYTHON"))}
    ours = {"AGENTCORE_AGENTS": "bench.registered", "AGENTCORE_DATABASE_URL": url} if url else {}
    path = f"{ROOT / 'shared'}{os.pathsep}{ROOT}"
    # As deployed, all that is imported is compiled: by the first round, which does not count.
    compiled = {"PYTHONPYCACHEPREFIX": str(ROOT / ".bench/compiled")}
    return {**kept, **compiled, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1", "NO_PROXY": "*", **ours, **more}


@asynccontextmanager
async def command(*args: str, **env: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A command that runs meanwhile, and is stopped at the end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, *args, cwd=ROOT, env=env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def address(process: asyncio.subprocess.Process) -> str:
    """The URL that a server says it answers at."""
    assert process.stdout
    while line := (await process.stdout.readline()).decode():
        if found := re.search(r"http://[\d.]+:\d+", line):
            return found[0]
    raise RuntimeError("The server has ended.")


@dataclass(frozen=True)
class Cost:
    """What a process took, from its start to its end."""

    cpu: float  # seconds, user and system
    peak: float  # MiB


def spawn(argv: list[str], env: dict[str, str]) -> Cost:
    """Run a process to its end."""
    null = os.open(os.devnull, os.O_RDWR)
    quiet = [(os.POSIX_SPAWN_DUP2, null, number) for number in (0, 1, 2)]
    try:
        process = os.posix_spawn(argv[0], argv, env, file_actions=quiet)
    finally:
        os.close(null)
    _, status, used = os.wait4(process, 0)
    if os.waitstatus_to_exitcode(status):
        raise RuntimeError(f"{' '.join(argv)} failed")
    return Cost(cpu=used.ru_utime + used.ru_stime, peak=used.ru_maxrss / 1024)


def memory(pid: int) -> float:
    """MiB that a process has in memory now."""
    text = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", text)
    assert found
    return int(found[1]) / 1024
