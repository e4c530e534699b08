"""What the server takes of a request before it knows what is asked: not more than headers have reason to be."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress

import httpx
import pytest

from tests.e2e.processes import Process, ok

MUCH = 8 * 1024 * 1024
START = b"POST /threads HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
CHUNKED = START + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"
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


@pytest.mark.parametrize("what", ENDLESS)
def test_what_has_no_end_is_refused(dev: Process, what: str) -> None:
    begin, piece = ENDLESS[what]
    url = httpx.URL(dev.url)
    with socket.create_connection((url.host, url.port or 0), timeout=60) as client:
        client.sendall(begin)
        sent, answer = 0, b""
        try:
            while sent < MUCH and not answer:
                client.sendall(piece)
                sent += len(piece)
                client.settimeout(0.001)
                with suppress(TimeoutError):
                    answer = client.recv(4096)
                client.settimeout(60)
        except ConnectionError:  # closed while this was still sending, and the answer with it
            pass
    assert sent < MUCH
    assert not answer or answer.startswith(b"HTTP/1.1 400 ")
    assert ok(dev.http.get("/healthz")) == {"status": "ok"}


def test_long_headers_and_bodies_in_many_small_chunks_are_taken(dev: Process) -> None:
    ok(dev.http.get("/healthz", headers={"X-Long": "a" * 60_000}))
    text = b'{"metadata": {"note": "' + b"a" * 200_000 + b'"}}'
    chunks = (text[at : at + 100] for at in range(0, len(text), 100))
    refused = dev.http.post("/threads", content=chunks, headers={"Content-Type": "application/json"})
    assert refused.json()["code"] == "invalid"  # as metadata are bounded too: so all of it was read
    for _ in range(20):  # on one connection
        ok(dev.http.get("/healthz", headers={"X-Long": "a" * 10_000}))
