"""What the tests need of a real broker, whichever it is."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from tests.brokers.proxy import Proxy

PATIENCE = 60.0  # seconds; no test waits that long unless it fails


class Absent(Exception):
    """A broker that cannot run here, and why."""


@dataclass(frozen=True)
class Dead:
    """A dead letter as somebody finds it."""

    body: bytes
    reason: str
    attributes: Mapping[str, str] = field(default_factory=dict)  # the others


@dataclass(frozen=True, kw_only=True)
class Traits:
    """In what the brokers differ, as docs/buses.md says."""

    delays: bool = False  # a message can be sent for later
    counts: bool = True  # it says how often a message has come
    shares: bool = True  # what one receiver left, another has at once
    buries: bool = True  # it takes dead letters from whoever did not receive them
    tells_senders: bool = True  # that there is no such queue: not only that it failed
    prefix: str = "ce-"  # of CloudEvents attributes, in the protocol's binding
    refuses: str  # words of the error for credentials that are refused


class Broker(Protocol):
    """A server of a test session. Clients reach it through a proxy, which can cut them off."""

    name: str
    traits: Traits
    proxy: Proxy

    @property
    def environment(self) -> Mapping[str, str]:
        """What a process needs besides the URL."""
        ...

    def queue(self, *, again: int = 1) -> str:
        """Make an empty queue with a place for its dead letters; its URL.

        `again`: where the broker counts time, seconds after which what was not settled comes again.
        """
        ...

    def missing(self) -> str:
        """The URL of a queue that is not there."""
        ...

    def stranger(self, url: str) -> tuple[str, Mapping[str, str]]:
        """The same queue with credentials that are refused; the URL and the environment."""
        ...

    def put(self, url: str, body: bytes, attributes: Mapping[str, str] | None = None) -> None:
        """Send a message as others do."""
        ...

    def dead(self, url: str) -> list[Dead]:
        """Take the dead letters that are there now."""
        ...

    def stop(self) -> None: ...


@dataclass
class Server:
    """A program that listens on a port."""

    command: list[str]
    port: int
    folder: Path
    env: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command, cwd=self.folder, env=dict(self.env), stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                start_new_session=True,
            )  # fmt: skip
        end = time.monotonic() + PATIENCE
        while not listening(self.port):
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"{self.command[0]} did not start:\n{(self.folder / 'server.log').read_text()}")
            time.sleep(0.02)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self.process is not None:
            os.killpg(self.process.pid, how)  # a server may be a script and what it started
            self.process.wait(PATIENCE)
            self.process = None
            end = time.monotonic() + PATIENCE
            while listening(self.port) and time.monotonic() < end:
                time.sleep(0.02)


def listening(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def fresh(prefix: str = "q") -> str:
    """A name that nobody has used."""
    return f"{prefix}-{uuid.uuid4().hex[:10]}"


def eventually(take: Callable[[], list[Dead]], count: int = 1) -> list[Dead]:
    """So many dead letters, once they are there."""
    found: list[Dead] = []
    end = time.monotonic() + PATIENCE
    while len(found) < count and time.monotonic() < end:
        found += take()
        time.sleep(0.05)
    return found
