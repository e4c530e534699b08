"""Real server processes with our applications in them, as a platform starts, limits and kills them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from tests.e2e.processes import PATIENCE, ROOT, environment, free_port

FUNCTIONS = ROOT / "functions"


def uvicorn(app: str) -> list[str]:
    """The command of a server, with {port} where it wants one."""
    return [sys.executable, "-m", "uvicorn", "--host", "127.0.0.1", "--port", "{port}", app]


def granian(app: str) -> list[str]:
    return [sys.executable, "-m", "granian", "--host", "127.0.0.1", "--port", "{port}", "--interface", "asgi", app]


def framework(target: str, signature: str) -> list[str]:
    """`--asgi`, as the documentation of functions-framework says for async functions."""
    return [
        str(Path(sys.executable).with_name("functions-framework")), "--asgi", "--host", "127.0.0.1", "--port", "{port}",
        "--signature-type", signature, "--target", target, "--source", f"{target}/cloud_functions.py",
    ]  # fmt: skip


class Server:
    """One container. It is started by the first request, killed when one takes too long, and started again."""

    def __init__(self, folder: Path, command: Sequence[str], env: Mapping[str, str], *, seconds: float = 30.0) -> None:
        """`command`: with {port} where it wants one."""
        self.seconds, self.killed, self._command, self._env = seconds, 0, command, env
        self.log = (folder / f"{command[-1].replace('/', '_')}.log").open("ab")
        self._process: subprocess.Popen[bytes] | None = None
        self.http = httpx.Client(trust_env=False)

    def start(self) -> None:
        port = free_port()
        env = environment(**self._env)
        env["PYTHONPATH"] = f"{FUNCTIONS}{os.pathsep}{env['PYTHONPATH']}"
        command = [part.format(port=port) for part in self._command]
        self._process = subprocess.Popen(
            command, cwd=FUNCTIONS, env=env, stdout=self.log, stderr=self.log, start_new_session=True
        )
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False)
        end = time.monotonic() + PATIENCE
        while not self._answers():
            assert self._process.poll() is None, Path(self.log.name).read_text()
            assert time.monotonic() < end, "it does not listen"
            time.sleep(0.02)

    def _answers(self) -> bool:
        try:
            self.http.request("OPTIONS", "/healthz", timeout=PATIENCE)
            return True
        except httpx.TransportError:
            return False

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """The answer. Raises httpx.ReadTimeout where it did not come in time: then the container is gone."""
        if self._process is None:
            self.start()
        try:
            return self.http.request(method, path, timeout=self.seconds, **options)
        except httpx.ReadTimeout:
            self.killed += 1
            self.kill()
            raise

    def kill(self, number: int = signal.SIGKILL) -> int:
        """End it, with all its processes; its exit code."""
        assert self._process is not None
        if number == signal.SIGKILL:
            os.killpg(self._process.pid, signal.SIGKILL)
        else:
            self._process.send_signal(number)
        code = self._process.wait(PATIENCE)
        self._process = None
        self.http.close()
        return code

    def stop(self) -> None:
        if self._process is not None:
            self.kill()
        self.http.close()
        self.log.close()
