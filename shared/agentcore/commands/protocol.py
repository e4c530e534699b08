"""HTTP/1.1 on a connection, as uvicorn speaks it over httptools, with bounds on what it lets a client send.

With httptools a fifth more requests are answered a second than with h11. What h11 sees to by itself is seen to here.
"""

from __future__ import annotations

import sys

from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES = 64 * 1024  # as h11 has it; what is larger is no request of any client of ours


class Refused(Exception):
    """What came is not read on. Raised in the parser's callbacks, it ends the parsing."""


class Bounded(HttpToolsProtocol):
    """Refuses headers without end, and requests that do not wait for the answer before.

    httptools collects a head, or what is between the chunks of a body, until it is complete. uvicorn queues whatever is
    pipelined behind an answer, and then does not hear when the client of that answer goes. A server may close after any
    answer (RFC 9112, section 9.3.2); a client sends what was behind it again.
    """

    _data = b""  # that is being parsed
    _unended = 0  # bytes that came, and are neither of a complete head nor followed by a piece of a body
    _open = False  # the body of the last request is not all there yet
    _refused = False

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        self._data, self._unended = data, self._unended + len(data)
        super().data_received(data)
        if self._unended > HEAD_BYTES and not self._refused:
            self.send_400_response(f"The headers are larger than {HEAD_BYTES} bytes.")

    def on_headers_complete(self) -> None:
        self._unended = 0
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > HEAD_BYTES:
            raise Refused
        if self.cycle is not None and not self.cycle.response_complete:
            raise Refused
        if self.parser.should_upgrade():
            if self._should_upgrade():
                super().on_headers_complete()
            return
        super().on_headers_complete()
        self._open = True
        self.headers = []  # which a trailer would be added to (RFC 9110, section 6.5.1, has them kept apart)

    def on_body(self, body: bytes) -> None:
        self._unended = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._unended, self._open = 0, False
        if not self.parser.should_upgrade():
            super().on_message_complete()

    def _unsupported_upgrade_warning(self) -> None:
        """Have h11 go on, which ignores an offer of HTTP/2 and the like, as Java's client makes it, and reads the body.

        httptools takes all that follows for the other protocol's.
        """
        upgrade = sys.exc_info()[1]  # uvicorn calls this where it has caught it
        assert upgrade is not None
        head = [b"%s %s HTTP/%s\r\n" % (self.parser.get_method(), self.url, self.parser.get_http_version().encode())]
        head += [b"%s: %s\r\n" % header for header in self.headers]
        self._refused = True
        self.connections.discard(self)
        other = H11Protocol(self.config, self.server_state, self.app_state, self.loop)
        other.connection_made(self.transport)
        self.transport.set_protocol(other)
        other.data_received(b"".join((*head, b"\r\n", self._data[upgrade.args[0] :])))

    def send_400_response(self, msg: str) -> None:
        """Read no more; close, at once or with the answer that is under way."""
        self._refused = True
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete and not self._open:
            cycle.keep_alive = False
        elif cycle is not None and cycle.response_started and self._open:
            self.transport.close()  # it has an answer to what it did not send to the end, or half of one
        else:
            super().send_400_response(msg)
