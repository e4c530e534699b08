"""HTTP/1.1 on a connection, as uvicorn speaks it over httptools, with bounds on what it lets a client send."""

from __future__ import annotations

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

    _unended = 0  # bytes that came, and are neither of a complete head nor followed by a piece of a body
    _refused = False

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        self._unended += len(data)
        super().data_received(data)
        if self._unended > HEAD_BYTES and not self._refused:
            self.send_400_response(f"The headers are larger than {HEAD_BYTES} bytes.")

    def on_headers_complete(self) -> None:
        self._unended = 0
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > HEAD_BYTES:
            raise Refused
        if self.cycle is not None and not self.cycle.response_complete:
            raise Refused
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._unended = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._unended = 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Read no more; close, at once or with the answer that is under way."""
        self._refused = True
        if self.cycle is None or self.cycle.response_complete or self.cycle.more_body:
            super().send_400_response(msg)
        else:
            self.cycle.keep_alive = False
