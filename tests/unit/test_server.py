"""The socket that the HTTP server listens on."""

from __future__ import annotations

import socket

from agentcore.commands import server
from agentcore.settings import Settings


def test_an_answer_is_sent_at_once() -> None:
    """Without this each answer of a connection that is kept open takes 40 ms: asyncio leaves given sockets alone."""
    with server.listen(Settings(port=0)) as listening, socket.create_connection(listening.getsockname()[:2]):
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
