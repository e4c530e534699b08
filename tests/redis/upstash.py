"""Upstash's REST API in front of a Valkey, written from https://upstash.com/docs/redis/features/restapi.

Commands in the body, pipelines, transactions, base64, both ways to say who one is, subscriptions as server-sent events,
and the status codes. Not here: commands in the path, MONITOR, read-only tokens, limits, HTTP/2.
"""

from __future__ import annotations

import base64
import hmac
import json
import select
import sys
import threading
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from redis.exceptions import RedisError, ResponseError

from tests.redis.valkey import Valkey

TOKEN = "t0ken-of-upstash"


class Upstash:
    """A server on a port of its own. While its Valkey is away it answers with errors."""

    def __init__(self, valkey: Valkey) -> None:
        self._http = _Server(("127.0.0.1", 0), type("Bound", (_Handler,), {"valkey": valkey}))
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):  # a client that has gone is nothing to tell of
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    valkey: Valkey
    protocol_version = "HTTP/1.1"
    wbufsize = 65536  # headers and body in one packet
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        where = urlsplit(self.path)
        try:
            if not self._known(where.query):
                self._answer(401, {"error": "Unauthorized"})
            elif where.path.startswith("/subscribe/"):
                self._subscribe(unquote(where.path.removeprefix("/subscribe/")))
            else:
                self._answer(*self._run(where.path, json.loads(body)))
        except ValueError as error:
            self._answer(400, {"error": f"ERR {error}"})
        except ConnectionError:
            self.close_connection = True  # whoever asked has gone
        except (RedisError, OSError) as error:
            self._answer(500, {"error": f"ERR {error}"})

    def _known(self, query: str) -> bool:
        given = self.headers.get("authorization") or f"Bearer {parse_qs(query).get('_token', [''])[0]}"
        return hmac.compare_digest(given, f"Bearer {TOKEN}")

    def _run(self, path: str, body: Any) -> tuple[int, Any]:
        with closing(_Session(self.valkey, base64=self.headers.get("upstash-encoding") == "base64")) as session:
            match path:
                case "" | "/":
                    (told,) = session.ask(body)
                    return 400 if "error" in told else 200, told
                case "/pipeline":
                    return 200, session.ask(*body)
                case "/multi-exec":
                    *_, done = session.ask(["MULTI"], *body, ["EXEC"], whole=True)
                    return 400 if "error" in done else 200, done if "error" in done else done["result"]
        return 400, {"error": f"ERR unsupported path {path}"}

    def _subscribe(self, channel: str) -> None:
        with closing(_Session(self.valkey)) as session:
            session.raw.send_command("SUBSCRIBE", channel)
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            try:
                while not select.select([self.connection], [], [], 0)[0]:  # its client is still there
                    if session.raw.can_read(timeout=0.02):
                        kind, name, data = session.raw.read_response()
                        shown = data if isinstance(data, int) else data.decode()
                        self._chunk(f"data: {kind.decode()},{name.decode()},{shown}\n\n")
            except RedisError:
                pass  # it is cut off in the middle, as by a server that goes away
            self.close_connection = True

    def _chunk(self, text: str) -> None:
        data = text.encode()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def _answer(self, status: int, body: Any) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


class _Session:
    """One request's connection to the Valkey."""

    def __init__(self, valkey: Valkey, *, base64: bool = False) -> None:
        self.raw, self._base64 = valkey.raw(), base64
        self.raw.connect()

    def ask(self, *commands: list[Any], whole: bool = False) -> list[dict[str, Any]]:
        """The answers, each as the API has it; of a transaction (`whole`) too."""
        self.raw.send_packed_command(self.raw.pack_commands([[_text(one) for one in command] for command in commands]))
        return [self._told(self._read(), whole=whole) for _ in commands]

    def close(self) -> None:
        self.raw.disconnect()

    def _read(self) -> Any:
        try:
            return self.raw.read_response()
        except ResponseError as error:
            return error

    def _told(self, value: Any, *, whole: bool = False) -> dict[str, Any]:
        if isinstance(value, Exception):
            return {"error": f"ERR {value}"}
        if whole and isinstance(value, list):
            return {"result": [self._told(one) for one in value]}
        return {"result": self._shown(value)}

    def _shown(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._shown(one) for one in value]
        if isinstance(value, bytes):
            return base64.b64encode(value).decode() if self._base64 and value != b"OK" else value.decode()
        return value


def _text(one: Any) -> str:
    return one if isinstance(one, str) else json.dumps(one)
