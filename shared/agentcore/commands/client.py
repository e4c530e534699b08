"""A client of the HTTP API that keeps its place in a stream."""

from __future__ import annotations

import json
import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit
from uuid import uuid4

import httpx

_TIMES = httpx.Timeout(10.0, read=60.0)  # a stream has a heartbeat every 15 s
ENDS = {"finished", "failed", "cancelled"}
_PATIENCE = 60.0  # seconds in which a server may come back


class Problem(Exception):
    """The server refused; `code` is stable."""

    def __init__(self, body: Mapping[str, Any]) -> None:
        super().__init__(body.get("message") or "The server failed.")
        self.code = body.get("code")


@dataclass(frozen=True)
class Event:
    type: str
    data: Any
    id: str


class Client:
    def __init__(self, url: str, key: str = "") -> None:
        """`key`: an API key, for a server that asks."""
        local = urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")
        self._http = httpx.Client(
            base_url=url, timeout=_TIMES, trust_env=not local,  # no proxy for this machine
            headers={"Authorization": f"Bearer {key}"} if key else None,
        )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def call(self, method: str, path: str, **options: Any) -> Any:
        """One call; its JSON. Raises Problem where the server says no."""
        answer = self._http.request(method, path, **options)
        _check(answer)
        return answer.json() if answer.content else None

    def run(self, body: Mapping[str, Any]) -> Generator[Event, None, None]:
        """Take on a run; the event `run` first, then its events, over as many connections as that takes."""
        headers, run_id, after = {"Idempotency-Key": str(uuid4())}, "", ""
        try:
            for event in self._stream("POST", "/runs/stream", json=body, headers=headers):
                run_id, after = run_id or event.data["run_id"], event.id or after
                yield event
                if event.type in ENDS:
                    return
        except httpx.ConnectError:
            raise
        except httpx.TransportError:
            if not run_id:  # taken on or not, the key makes it one run
                run = self.call("POST", "/runs", json=body, headers=headers)
                run_id = run["run_id"]
                yield Event("run", run, "")
        yield from self.events(run_id, after)

    def events(self, run_id: str, after: str = "") -> Iterator[Event]:
        """A run's events until it has ended, over as many connections as that takes."""
        until = time.monotonic() + _PATIENCE
        while True:
            try:
                last = {"Last-Event-ID": after} if after else {}
                for event in self._stream("GET", f"/runs/{run_id}/events", headers=last):
                    after = event.id or after
                    yield event
                    if event.type in ENDS:
                        return
                if self.call("GET", f"/runs/{run_id}")["finished_at"]:
                    return
                until = time.monotonic() + _PATIENCE
            except (httpx.TransportError, Problem) as error:
                if time.monotonic() > until or (isinstance(error, Problem) and error.code != "internal"):
                    raise
            time.sleep(0.5)

    def _stream(self, method: str, path: str, *, headers: Mapping[str, str], **options: Any) -> Iterator[Event]:
        accept = {"Accept": "text/event-stream"}
        with self._http.stream(method, path, headers={**accept, **headers}, **options) as answer:
            if answer.is_error:
                answer.read()
                _check(answer)
            yield from parse(answer.iter_lines())


def parse(lines: Iterator[str]) -> Iterator[Event]:
    """Events of a server-sent stream; comments and fields that are not needed are passed over."""
    fields: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        if not line and "data" in fields:
            yield Event(fields.get("event", "message"), json.loads(fields["data"]), fields.get("id", ""))
        if line:
            fields[name] = value.removeprefix(" ")
        else:
            fields = {}


def _check(answer: httpx.Response) -> None:
    if answer.is_error:
        try:
            body = answer.json()
        except ValueError:
            body = {"message": f"HTTP {answer.status_code}", "code": "internal"}
        raise Problem(body if isinstance(body, dict) else {})
