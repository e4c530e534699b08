"""HTTP/1.1 on a connection, as uvicorn speaks it over httptools, with a bound on what it lets a client send."""

from __future__ import annotations

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES = 64 * 1024  # as h11 has it; what is larger is no request of any client of ours


class BoundedHeads(HttpToolsProtocol):
    """Refuses a request line and headers, or what is between the chunks of a body, that have no end.

    httptools collects them until they are complete, however large they are. What one read brings (256 KiB at most) is
    looked at as a whole.
    """

    _unended = 0  # bytes that came, and are neither of a complete head nor followed by a piece of a body

    def data_received(self, data: bytes) -> None:
        self._unended += len(data)
        super().data_received(data)
        if self._unended > HEAD_BYTES and not self.transport.is_closing():
            self.logger.warning("A request whose headers are larger than %d bytes was refused.", HEAD_BYTES)
            self.send_400_response(f"The headers are larger than {HEAD_BYTES} bytes.")

    def on_headers_complete(self) -> None:
        self._unended = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._unended = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._unended = 0
        super().on_message_complete()
