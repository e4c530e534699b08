"""The Functions app in a worker process, which is killed when a function takes too long.

As the host does, it forwards requests to the HTTP server of that process (azure-functions-host,
DefaultHttpProxyService), each beside the invocation that belongs to it.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import httpx

from tests.e2e.processes import PATIENCE, environment
from tests.platforms import azure_events
from tests.platforms.servers import FUNCTIONS


def host_json(seconds: int) -> dict[str, Any]:
    return {"version": "2.0", "functionTimeout": f"00:00:{seconds:02}", "extensions": {"http": {"routePrefix": ""}}}


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
        self._http = httpx.Client()

    @property
    def cold(self) -> bool:
        """Whether no worker process runs."""
        return self._process is None

    def start(self) -> None:
        env = {**environment(**self._env), "AzureWebJobsScriptRoot": str(self.root)}
        env["PYTHONPATH"] = f"{self.root}{os.pathsep}{env['PYTHONPATH']}"
        self._said = queue.Queue()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.platforms.azure_host", str(self.root)], cwd=self.root, env=env, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log,
        )  # fmt: skip
        Thread(target=self._read, args=(self._process, self._said), daemon=True).start()
        found = self._said.get(timeout=PATIENCE)
        assert "error" not in found, found
        again = httpx.HTTPTransport(retries=10)  # while its server starts (RetryProxyHandler)
        self._http = httpx.Client(base_url=found["uri"], trust_env=False, transport=again, timeout=PATIENCE)

    @staticmethod
    def _read(process: subprocess.Popen[str], said: queue.Queue[Any]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("@@ "):
                said.put(json.loads(line[3:]))

    def invoke(self, given: dict[str, Any], *, seconds: float = 30.0) -> Any:
        """What came of a function."""
        return self._answer(self._ask(given), seconds)

    def request(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """The whole answer of the API."""
        with self.stream(method, path, body) as answer:
            answer.read()
        return answer

    @contextmanager
    def stream(self, method: str, path: str, body: Any = None) -> Iterator[httpx.Response]:
        """The answer of the API, once it has begun."""
        id = self._ask(azure_events.request(path))
        headers = {"accept": "application/json", "x-ms-invocation-id": id}
        with self._http.stream(method, path, json=body, headers=headers) as answer:
            assert self._answer(id, PATIENCE)["well"]
            yield answer

    def _ask(self, given: dict[str, Any]) -> str:
        if self._process is None:
            self.start()
        assert self._process is not None
        assert self._process.stdin is not None
        id = uuid.uuid4().hex
        self._process.stdin.write(json.dumps({**given, "id": id}) + "\n")
        self._process.stdin.flush()
        return id

    def _answer(self, id: str, seconds: float) -> Any:
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
            self._http.close()

    def stop(self) -> None:
        self.kill()
        self.log.close()
