"""Real processes of the command line, for tests that talk to them or kill them."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from agentcore.testing import SideTable

T = TypeVar("T")
ROOT = Path(__file__).parents[2]
PATIENCE = 90.0


def environment(**more: str) -> dict[str, str]:
    """This environment with no setting of ours but that nobody is asked who they are, and with this source tree."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AGENTCORE_", "OPENAI_"))}
    # As deployed, what is imported is compiled: where that is switched off, each start of a process takes seconds more.
    kept = {**kept, "PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(ROOT / ".pytest_cache/compiled")}
    path = f"{ROOT / 'shared'}{os.pathsep}{ROOT}"
    return {**kept, "AGENTCORE_AUTH": "none", "PYTHONPATH": path, "PYTHONUNBUFFERED": "1", **more}


def cli(*args: str, folder: Path, stdin: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "agentcore", *args], cwd=folder, env=environment(**more), input=stdin,
        capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip


def command(*args: str, folder: Path, stdin: int = subprocess.DEVNULL, **more: str) -> subprocess.Popen[bytes]:
    """Start a command that keeps running."""
    return subprocess.Popen(
        [sys.executable, "-m", "agentcore", *args], cwd=folder, env=environment(**more),
        stdin=stdin, stdout=subprocess.DEVNULL,
    )  # fmt: skip


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port


class Process:
    """A command that keeps running and says at which URL it answers."""

    def __init__(self, folder: Path, *args: str, agents: str = "", **more: str) -> None:
        self.folder, self.side = folder, SideTable(folder / "side")
        named = {"AGENTCORE_AGENTS": agents} if agents else {}
        self.log = (folder / "stderr.log").open("a")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "agentcore", *(args or ("dev", "--port", "0"))], cwd=folder,
            env=environment(SIDE=str(self.side.path), **named, **more),
            stdout=subprocess.PIPE, stderr=self.log, stdin=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        self.shown = ""
        self.url = self._address()
        self.http = httpx.Client(base_url=self.url, timeout=PATIENCE, trust_env=False)

    def _address(self) -> str:
        assert self.process.stdout
        for line in self.process.stdout:
            self.shown += line
            if found := re.fullmatch(r"(?:  |agentcore serves .* at )(http://[\d.]+:\d+)\n", line):
                return found[1]
        raise AssertionError(f"it ended with {self.process.wait()}: {self.errors()}")

    def errors(self) -> str:
        return (self.folder / "stderr.log").read_text()

    def kill(self) -> None:
        """As the kernel does when memory runs out."""
        self.process.kill()
        self._gone()

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self._gone()

    def _gone(self) -> int:
        code = self.process.wait(PATIENCE)
        assert self.process.stdout
        self.process.stdout.close()
        self.http.close()
        self.log.close()
        return code

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def start(self, input: Any = "go", agent: str = "slow") -> dict[str, Any]:
        body = {"agent_id": agent, "input": input, "on_completion": "keep"}
        run: dict[str, Any] = ok(self.http.post("/runs", json=body))
        return run

    def finished(self, run_id: str) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            found: dict[str, Any] = ok(self.http.get(f"/runs/{run_id}/wait"))["run"]
            return found if found["finished_at"] is not None else None

        return eventually(look)


def ok(answer: httpx.Response) -> Any:
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None


def eventually(look: Callable[[], T | None]) -> T:
    """What `look` finds, once it finds something."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if found := look():
            return found
        time.sleep(0.05)
    raise AssertionError("it did not come to pass")


def reached(side: SideTable, line: str) -> Counter[str]:
    """The side table, once it has that line."""
    return eventually(lambda: counted if (counted := side.count())[line] else None)
