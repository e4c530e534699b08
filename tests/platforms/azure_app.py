"""The Functions app in a worker process, which is killed when a function takes too long."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import uuid
from collections.abc import Mapping
from pathlib import Path
from threading import Thread
from typing import Any

from tests.e2e.processes import PATIENCE, environment
from tests.platforms.servers import FUNCTIONS


class TimedOut(Exception):
    """A function took longer than functionTimeout, so the host restarted its worker process."""


class App:
    def __init__(self, folder: Path, host_json: dict[str, Any], env: Mapping[str, str]) -> None:
        """An app of our functions, with another host.json."""
        self.root = folder / "app"
        self.root.mkdir()
        for one in FUNCTIONS.iterdir():
            if one.name != "host.json":
                (self.root / one.name).symlink_to(one)
        (self.root / "host.json").write_text(json.dumps(host_json))
        self._env, self.killed, self.log = env, 0, (folder / "azure.log").open("ab")
        self._process: subprocess.Popen[str] | None = None
        self._said: queue.Queue[Any] = queue.Queue()

    @property
    def cold(self) -> bool:
        """Whether no worker process runs."""
        return self._process is None

    def start(self) -> dict[str, list[dict[str, Any]]]:
        """The bindings of each function, as the worker found them."""
        env = {**environment(**self._env), "AzureWebJobsScriptRoot": str(self.root)}
        env["PYTHONPATH"] = f"{self.root}{os.pathsep}{env['PYTHONPATH']}"
        self._said = queue.Queue()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.platforms.azure_host", str(self.root)], cwd=self.root, env=env, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log,
        )  # fmt: skip
        Thread(target=self._read, args=(self._process, self._said), daemon=True).start()
        found: dict[str, list[dict[str, Any]]] = self._said.get(timeout=PATIENCE)
        assert "error" not in found, found
        return found

    @staticmethod
    def _read(process: subprocess.Popen[str], said: queue.Queue[Any]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("@@ "):
                said.put(json.loads(line[3:]))

    def invoke(self, given: dict[str, Any], *, seconds: float = 30.0) -> Any:
        if self._process is None:
            self.start()
        assert self._process is not None
        assert self._process.stdin is not None
        id = uuid.uuid4().hex
        self._process.stdin.write(json.dumps({**given, "id": id}) + "\n")
        self._process.stdin.flush()
        try:
            answer = self._said.get(timeout=seconds)
        except queue.Empty:
            self.killed += 1
            self.kill()
            raise TimedOut from None
        assert answer["id"] == id
        return answer

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                assert pipe is not None
                pipe.close()
            self._process = None

    def stop(self) -> None:
        self.kill()
        self.log.close()
