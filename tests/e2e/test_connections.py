"""What comes over a connection in odd ways reaches an application as it was meant, or not at all."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import uvicorn

from agentcore.commands.protocol import Bounded

CLOSE = b"Connection: close\r\n"
H2C = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"
WHOLE = b"Content-Length: 5\r\n\r\nhello"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answers with what it was asked: `/early` before it has read the body, `/half` with a half before."""
    path, body, more = scope["path"], b"", scope["path"] != "/early"
    start = {"type": "http.response.start", "status": 200, "headers": [(b"x-path", path.encode())]}
    if path == "/half":
        await send(start)
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    found = {"path": path, "body": body.decode(), "headers": sorted(name.decode() for name, _ in scope["headers"])}
    if path != "/half":
        await send(start)
    await send({"type": "http.response.body", "body": json.dumps(found).encode()})


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(echo, http=Bounded, lifespan="off", log_config=None))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    yield listening.getsockname()[1]
    server.should_exit = True
    thread.join(30)


def asked(port: int, *pieces: bytes) -> bytes:
    """All that comes back on one connection, to pieces that are sent one after the other."""
    found = b""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client, suppress(ConnectionError):
        for piece in pieces:
            client.sendall(piece)
            time.sleep(0.1)  # so that they arrive one by one
        while piece := client.recv(65_536):
            found += piece
    return found


def post(path: bytes = b"/", *headers: bytes) -> bytes:
    return b"POST %s HTTP/1.1\r\nHost: localhost\r\n%s" % (path, b"".join(headers))


def bodies(answers: bytes) -> list[Any]:
    found = (part.partition(b"\r\n\r\n")[2] for part in answers.split(b"HTTP/1.1 200 ")[1:])
    return [json.loads(body[body.index(b"{") : body.rindex(b"}") + 1])["body"] for body in found]


@pytest.mark.parametrize("body", [WHOLE, CHUNKED], ids=["whole", "chunked"])
@pytest.mark.parametrize("at", [None, 0, 3], ids=["at once", "after the head", "in the body"])
def test_an_offer_of_another_protocol_is_ignored_and_the_body_is_read(port: int, body: bytes, at: int | None) -> None:
    head, end = body.index(b"\r\n\r\n") + 4, post(b"/last", CLOSE) + WHOLE
    request = post(b"/", H2C) + body[:head], body[head:]
    cut = len(request[0]) + (at or 0)
    whole = b"".join(request)
    pieces = (whole,) if at is None else (whole[:cut], whole[cut:])
    assert bodies(asked(port, *pieces, end)) == ["hello", "hello"]


def test_a_body_behind_an_early_answer_is_no_request(port: int) -> None:
    hidden = b"POST /hidden HTTP/1.1\r\nHost: localhost\r\n\r\n"
    first = post(b"/early", H2C, b"Content-Length: %d\r\n\r\n" % len(hidden))
    answers = asked(port, first, hidden, post(b"/last", CLOSE) + WHOLE)
    assert answers.count(b"x-path: /early") == 1
    assert b"/hidden" not in answers


def test_a_trailer_is_no_header(port: int) -> None:
    trailer = CHUNKED.removesuffix(b"\r\n") + b"Authorization: Bearer one\r\n\r\n"
    for pieces in ((post(b"/", CLOSE) + trailer,), (post(b"/", CLOSE), trailer[:-10], trailer[-10:])):
        answer = asked(port, *pieces)
        assert bodies(answer) == ["hello"]
        assert b"authorization" not in answer.lower()


def test_a_broken_request_gets_one_answer_at_most(port: int) -> None:
    begun = post(b"/", b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n")
    assert asked(port, begun, b"ZZ\r\n").startswith(b"HTTP/1.1 400 ")
    for path in (b"/half", b"/early"):
        answer = asked(port, begun.replace(b"POST / ", b"POST %s " % path), b"ZZ\r\n")
        assert (answer.startswith(b"HTTP/1.1 200 "), answer.count(b"HTTP/1.1 ")) == (True, 1)
    kept = post(b"/") + WHOLE
    answers = asked(port, kept, b"no HTTP at all\r\n\r\n")
    assert bodies(answers.partition(b"HTTP/1.1 400")[0]) == ["hello"]
    assert answers.count(b"HTTP/1.1 400 ") == 1
