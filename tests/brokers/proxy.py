"""A way to a server that can be cut, as when the network or the server is gone."""

from __future__ import annotations

import ctypes
import socket
import struct
import threading
from contextlib import suppress

_ATTACH_FILTER, _DETACH_FILTER = 26, 27  # of Linux, socket(7)
# A filter of one instruction: accept 0 bytes.
_NOTHING = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))


class Proxy:
    """Passes bytes between a port of its own and the server's. While it is cut, nobody gets through."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = _listener(0).close_after_port()
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listening: socket.socket | None = None
        self._budget: int | None = None
        self._silent = False
        self.restore()

    def cut(self) -> None:
        """Break every connection and take no new one."""
        with self._lock:
            listening, self._listening = self._listening, None
            doomed, self._open = self._open, set()
        if listening is not None:
            with suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
            listening.close()
        for one in doomed:
            with suppress(OSError):  # so that it hears that its end has arrived
                one.setsockopt(socket.SOL_SOCKET, _DETACH_FILTER, 0)
            _break(one)

    def cut_after(self, bytes_sent: int) -> None:
        """Cut once clients have sent so much more."""
        with self._lock:
            self._budget = bytes_sent

    def silence(self) -> None:
        """Swallow whatever comes until it is cut. Nothing is acknowledged, and nobody is told: no FIN, no RST."""
        with self._lock:
            self._silent = True
            for one in [*self._open, *([self._listening] if self._listening else [])]:
                if not _port_to(one, self.target):
                    _swallow(one)

    def restore(self) -> None:
        with self._lock:
            if self._listening is None:
                self._budget, self._silent = None, False
                self._listening = _listener(self.port)
                threading.Thread(target=self._accept, args=(self._listening,), daemon=True).start()

    def ports(self) -> set[int]:
        """Those from which it is connected to the server."""
        with self._lock:
            return {port for one in self._open if (port := _port_to(one, self.target))}

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                client, _ = listening.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                client.close()
                continue
            for one in (client, server):  # as both sides set it themselves: else small answers wait for 40 ms
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                if self._listening is not listening:
                    _break(client)
                    _break(server)
                    return
                self._open |= {client, server}
                if self._silent:  # it came a moment before
                    _swallow(client)
            for source, sink, counted in ((client, server, True), (server, client, False)):
                threading.Thread(target=self._pump, args=(source, sink, counted), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, counted: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if counted and self._spent(len(data)):
                    self.cut()
                    return
                if not self._silent:
                    sink.sendall(data)
        with self._lock:
            self._open -= {source, sink}
        _break(source)
        _break(sink)

    def _spent(self, count: int) -> bool:
        with self._lock:
            if self._budget is None:
                return False
            self._budget -= count
            return self._budget < 0


class _Listener(socket.socket):
    def close_after_port(self) -> int:
        port: int = self.getsockname()[1]
        self.close()
        return port


def _listener(port: int) -> _Listener:
    listener = _Listener()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(64)
    return listener


def _port_to(one: socket.socket, target: int) -> int:
    """The port of a connection to the target; 0 for one to somewhere else, or that has just ended."""
    with suppress(OSError):
        return int(one.getsockname()[1]) if one.getpeername()[1] == target else 0
    return 0


def _swallow(one: socket.socket) -> None:
    with suppress(OSError):  # it has just ended
        one.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, struct.pack("HP", 1, ctypes.addressof(_NOTHING)))


def _break(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
