"""AWS Lambda's side of the Runtime API, for the real runtime client (awslambdaric), which runs our handlers.

Lambda developer guide, "Using the Lambda runtime API for custom runtimes": next, response, error and init/error. As the
service does, it freezes the process while it waits for the next event, and kills it when an invocation takes too long.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

from tests.e2e.processes import PATIENCE, ROOT, environment

FUNCTIONS = ROOT / "functions"


class Failed(Exception):
    """The function raised."""


class TimedOut(Exception):
    """It took longer than it may, and was killed."""


class InitFailed(Exception):
    """Its module cannot be imported."""


class Lambda:
    """One function with one execution environment at a time, as its concurrency is one."""

    def __init__(self, folder: Path, handler: str, env: Mapping[str, str], *, seconds: float = 30.0) -> None:
        self.handler, self.seconds, self.killed = handler, seconds, 0
        self._env = env
        self.log = (folder / f"{handler}.log").open("ab")
        self._process: subprocess.Popen[bytes] | None = None
        runtime = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # it would wait 40 ms before what follows the headers

            def do_GET(self) -> None:
                runtime._idle.set()
                if (event := runtime._events.get()) is None:
                    self.close_connection = True
                    return
                id, body, deadline = event
                self._reply(
                    200, body, {
                        "Lambda-Runtime-Aws-Request-Id": id,
                        "Lambda-Runtime-Deadline-Ms": str(int(deadline * 1000)),
                        "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-central-1:123456789012:function:f",
                        "Content-Type": "application/json",
                    },
                )  # fmt: skip

            def do_POST(self) -> None:
                body = json.loads(self._body() or b"null")
                *_, id, kind = self.path.split("/")
                if kind == "error" and id == "init":
                    runtime.init_error = body
                else:
                    runtime._answers.put((id, kind, body))
                self._reply(202, b'{"status":"OK"}', {})

            def _body(self) -> bytes:
                if self.headers.get("Transfer-Encoding") != "chunked":
                    return self.rfile.read(int(self.headers.get("Content-Length") or 0))
                found = b""
                while size := int(self.rfile.readline().split(b";")[0], 16):
                    found += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return found

            def _reply(self, status: int, body: bytes, headers: dict[str, str]) -> None:
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        self._reset()

    def _reset(self) -> None:
        self._events: queue.Queue[tuple[str, bytes, float] | None] = queue.Queue()
        self._answers: queue.Queue[tuple[str, str, Any]] = queue.Queue()
        self._idle, self.init_error = Event(), None

    def start(self) -> None:
        """A new execution environment, up to where it waits for its first event, and is frozen. Raises InitFailed."""
        self._reset()
        address = f"127.0.0.1:{self._server.server_port}"
        env = environment(
            AWS_LAMBDA_RUNTIME_API=address, LAMBDA_TASK_ROOT=str(FUNCTIONS), AWS_LAMBDA_FUNCTION_NAME="f",
            AWS_LAMBDA_FUNCTION_VERSION="$LATEST", AWS_LAMBDA_FUNCTION_MEMORY_SIZE="512", AWS_REGION="eu-central-1",
            **self._env,
        )  # fmt: skip
        env["PYTHONPATH"] = f"{FUNCTIONS}{os.pathsep}{env['PYTHONPATH']}"
        command = [sys.executable, "-m", "awslambdaric", self.handler]
        self._process = subprocess.Popen(command, cwd=FUNCTIONS, env=env, stdout=self.log, stderr=self.log)
        end = time.monotonic() + PATIENCE
        while not self._idle.wait(0.02):
            if self._process.poll() is not None:
                raise InitFailed(self.init_error)
            assert time.monotonic() < end, "it never asks for an event"
        self._freeze()

    def invoke(self, event: Any, *, seconds: float | None = None) -> Any:
        """The function's answer. Raises Failed, TimedOut."""
        if self._process is None:
            self.start()
        assert self._process is not None
        limit, id = seconds or self.seconds, str(uuid.uuid4())
        self._idle.clear()
        self._process.send_signal(signal.SIGCONT)
        self._events.put((id, json.dumps(event).encode(), time.time() + limit))
        try:
            answered, kind, body = self._answers.get(timeout=limit)
        except queue.Empty:
            self.killed += 1
            self.kill()
            raise TimedOut from None
        assert answered == id
        self._idle.wait(PATIENCE)  # it asks for the next event, and is frozen until that comes
        self._freeze()
        if kind == "error":
            raise Failed(body)
        return body

    def _freeze(self) -> None:
        """Returns when it stands still: a signal is only on its way when `kill(2)` returns."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self._process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def process_state(self) -> str:
        """As /proc shows it: T for frozen."""
        assert self._process is not None
        return Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(") ")[2][0]

    def kill(self) -> None:
        """The execution environment ends; the next event starts another one."""
        self._events.put(None)
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        self.kill()
        self._server.shutdown()
        self._server.server_close()
        self.log.close()
