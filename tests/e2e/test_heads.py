"""What the server takes of a connection before it knows what is asked, and beside what it answers."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from tests.e2e.processes import Process, eventually, ok, reached

MUCH = 8 * 1024 * 1024
HOST = b"Host: localhost\r\n"
START = b"POST /threads HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n"
CHUNKED = START + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"
HEALTH = b"GET /healthz HTTP/1.1\r\n" + HOST
BODY = b'{"agent_id": "slow", "input": "go", "on_disconnect": "cancel"}'
STREAM = START.replace(b"/threads", b"/runs/stream") + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY
PIECE = b"a" * 4096
ENDLESS = {
    "path": (b"GET /", PIECE),
    "header": (START + b"X-Long: ", PIECE),
    "headers": (START, b"X-One: " + PIECE + b"\r\n"),
    "chunk extension": (CHUNKED + b"2;", PIECE),
    "trailer": (CHUNKED + b"0\r\nX-Long: ", PIECE),
    "trailers": (CHUNKED + b"0\r\n", b"X-One: " + PIECE + b"\r\n"),
}


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    with Process(tmp_path_factory.mktemp("heads"), agents="tests.e2e.agents_slow") as running:
        yield running


@contextmanager
def connected(to: Process) -> Iterator[socket.socket]:
    url = httpx.URL(to.url)
    with socket.create_connection((url.host, url.port or 0), timeout=60) as client:
        yield client
    assert ok(to.http.get("/healthz")) == {"status": "ok"}


def all_of(client: socket.socket) -> bytes:
    """What comes until the other side closes."""
    found = b""
    with suppress(ConnectionResetError):
        while piece := client.recv(65_536):
            found += piece
    return found


@pytest.mark.parametrize("what", ENDLESS)
def test_what_has_no_end_is_refused(dev: Process, what: str) -> None:
    begin, piece = ENDLESS[what]
    sent, answer = 0, b""
    with connected(dev) as client, suppress(ConnectionError):  # closed while this still sent, and the answer with it
        client.sendall(begin)
        while sent < MUCH and not answer:
            client.sendall(piece)
            sent += len(piece)
            client.settimeout(0.001)
            with suppress(TimeoutError):
                answer = client.recv(4096)
            client.settimeout(60)
    assert sent < MUCH
    assert not answer or answer.startswith(b"HTTP/1.1 400 ")


def test_headers_that_come_whole_and_are_too_long_are_refused(dev: Process) -> None:
    with connected(dev) as client:
        client.sendall(HEALTH + b"X-Long: " + b"a" * 70_000 + b"\r\n\r\n")
        assert all_of(client).startswith((b"HTTP/1.1 400 ", b""))
    with connected(dev) as client:
        client.sendall(HEALTH + b"X-Long: " + b"a" * 60_000 + b"\r\nConnection: close\r\n\r\n")
        assert all_of(client).startswith(b"HTTP/1.1 200 ")


def test_long_headers_and_bodies_in_many_small_chunks_are_taken(dev: Process) -> None:
    text = b'{"metadata": {"note": "' + b"a" * 200_000 + b'"}}'
    chunks = (text[at : at + 100] for at in range(0, len(text), 100))
    refused = dev.http.post("/threads", content=chunks, headers={"Content-Type": "application/json"})
    assert refused.json()["code"] == "invalid"  # as metadata are bounded too: so all of it was read
    for _ in range(20):  # on one connection
        ok(dev.http.get("/healthz", headers={"X-Long": "a" * 10_000}))


def test_what_is_sent_before_the_answer_came_is_not_answered_and_not_kept(dev: Process) -> None:
    with connected(dev) as client:
        client.sendall(HEALTH + b"\r\n" + (HEALTH + b"\r\n") * 1000)
        answers = all_of(client)  # closed, so that it is known what to send again
    assert answers.startswith(b"HTTP/1.1 200 ")
    assert answers.count(b"HTTP/1.1") == answers.count(b"HTTP/1.1 200 ") == 1


def test_what_is_sent_during_a_stream_leaves_it_whole(tmp_path: Path) -> None:
    with Process(tmp_path, agents="tests.e2e.agents_slow") as dev, connected(dev) as client:
        client.sendall(STREAM)
        reached(dev.side, "step:3")
        first = client.recv(65_536)
        client.sendall((HEALTH + b"\r\n") * 1000)
        client.sendall(b"and no HTTP at all")
        ok(dev.http.get("/healthz"))  # the server has had its turn
        (tmp_path / "side.go").touch()
        rest = all_of(client)
    assert first.startswith(b"HTTP/1.1 200 ")
    assert b"event: finished" in rest
    assert b"HTTP/1.1" not in rest


def test_who_leaves_a_stream_is_missed_although_more_was_sent(tmp_path: Path) -> None:
    with Process(tmp_path, agents="tests.e2e.agents_slow") as dev:
        with connected(dev) as client:
            client.sendall(STREAM + HEALTH + b"\r\n")
            reached(dev.side, "step:3")
        [run] = ok(dev.http.post("/runs/search", json={}))
        eventually(lambda: ok(dev.http.get(f"/runs/{run['run_id']}"))["cancel_requested"])
