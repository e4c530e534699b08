"""Many streams on one process, and streams whose clients do not read."""

from __future__ import annotations

import asyncio
import json
import resource
import socket
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.processes import Process, cli, ok

AGENTS = "tests.e2e.agents_words"
STREAMS, RUNS = 1000, 100


def memory(process: int) -> float:
    """What a process has in memory, in MB (proc(5))."""
    (line,) = (one for one in Path(f"/proc/{process}/status").read_text().splitlines() if one.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


@pytest.fixture
def many_files() -> None:
    """A thousand connections need as many files, in the server too: it inherits the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < 3 * STREAMS:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 3 * STREAMS), hard))


@asynccontextmanager
async def opened(url: httpx.URL, path: str) -> AsyncIterator[asyncio.StreamReader]:
    """A stream on a connection of its own, once its head has come."""
    reader, writer = await asyncio.open_connection(url.host, url.port)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        assert b" 200 " in head.splitlines()[0], head
        yield reader
    finally:
        writer.close()


async def events(reader: asyncio.StreamReader) -> list[tuple[str, str]]:
    """The ids and types of all events, up to the end of the stream."""
    found, id = list[tuple[str, str]](), ""
    while line := await reader.readline():
        if line.startswith(b"id: "):
            id = line[4:].decode().strip()
        elif line.startswith(b"event: "):
            found.append((id, line[7:].decode().strip()))
        elif line == b"0\r\n":
            return found
    raise AssertionError("it broke off")


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_thousand_streams_on_one_process_each_get_their_runs_events(
    tmp_path: Path, request: pytest.FixtureRequest, many_files: None, kind: str
) -> None:
    """The runs execute in another process, so that all streams are open before the first begins."""
    url = f"sqlite:///{tmp_path}/test.db" if kind == "sqlite" else request.getfixturevalue("postgres_url")
    settings = {
        "AGENTCORE_DATABASE_URL": url, "AGENTCORE_AGENTS": AGENTS, "SIDE": str(tmp_path / "side"),
        "AGENTCORE_LOG_LEVEL": "warning",
    }  # fmt: skip
    assert cli("migrate", folder=tmp_path, **settings).returncode == 0
    with Process(tmp_path, "serve", "--port", "0", agents=AGENTS, AGENTCORE_DATABASE_URL=url) as serve:
        runs = [ok(serve.http.post("/runs", json={"agent_id": "few", "input": "go"}))["run_id"] for _ in range(RUNS)]
        idle = memory(serve.process.pid)

        async def go() -> list[list[tuple[str, str]]]:
            async with asyncio.timeout(240), AsyncExitStack() as streams:
                paths = [f"/runs/{runs[n % RUNS]}/events" for n in range(STREAMS)]
                base = httpx.URL(serve.url)
                readers = [await streams.enter_async_context(opened(base, path)) for path in paths]
                reading = [asyncio.create_task(events(reader)) for reader in readers]
                opened_at = memory(serve.process.pid)
                await asyncio.to_thread(cli, "work", "--drain", folder=tmp_path, **settings)
                found = await asyncio.gather(*reading)
                print("MB idle, with the streams open, at their end:", idle, opened_at, memory(serve.process.pid))
                return found

        found = asyncio.run(go())
        assert len(found) == STREAMS
        for n, seen in enumerate(found):
            lasting = [one for one in seen if one[1] != "status"]
            assert lasting == [one for one in found[n % RUNS] if one[1] != "status"]
            assert len({id for id, _ in lasting}) == len(lasting)
            kinds = [kind for _, kind in lasting]
            assert kinds == ["accepted", *["delta"] * 5, "message", "finished"]
        assert serve.stop() == 0
    assert serve.errors() == ""


def test_clients_that_do_not_read_hold_up_nobody_and_cost_little(tmp_path: Path) -> None:
    """A run says six megabytes to a dozen streams that nobody reads."""
    with Process(tmp_path, agents=AGENTS) as dev:
        base = httpx.URL(dev.url)
        warm = ok(dev.http.post("/runs", json={"agent_id": "few", "input": "go"}))
        dev.finished(warm["run_id"])
        assert base.port
        clients = [socket.create_connection((base.host, base.port)) for _ in range(12)]
        body = json.dumps({"agent_id": "many", "input": "go"})
        head = "POST /runs/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: "
        clients[0].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        clients[0].sendall(f"{head}{len(body)}\r\n\r\n{body}".encode())
        start = b""
        while b"/runs/" not in start:
            start += clients[0].recv(200)  # and then no more
        run_id = start.split(b"/runs/")[1][:36].decode()
        for client in clients[1:]:
            client.sendall(f"GET /runs/{run_id}/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        assert dev.finished(run_id)["status"] == "success"
        once = memory(dev.process.pid)
        again = ok(dev.http.post("/runs/wait", json={"agent_id": "few", "input": "go"}, timeout=60))
        assert again["run"]["status"] == "success"
        print("MB when the run has ended, and later:", once, memory(dev.process.pid))
        for client in clients[:6]:
            client.close()
        # Those who read in the end get it all.
        late = clients[-1].makefile("rb")
        kinds = [line[7:].decode().strip() for line in _lines(late) if line.startswith(b"event: ")]
        lasting = [kind for kind in kinds if kind != "status"]
        assert lasting[-1] == "finished"
        assert lasting.count("delta") == 3000
        for client in clients:
            client.close()
        assert dev.stop() == 0
    assert dev.errors() == ""


def _lines(file: Any) -> Any:
    until = time.monotonic() + 90
    for line in file:
        yield line
        assert time.monotonic() < until
        if line == b"0\r\n":
            return
