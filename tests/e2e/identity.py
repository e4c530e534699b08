"""A little OpenID provider on loopback: discovery, keys that rotate, and all that may go wrong with it."""

from __future__ import annotations

import json
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Any, Self

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

AUDIENCE = "https://agents.example"


class Provider:
    def __init__(self) -> None:
        self.keys: dict[str, Any] = {}  # by key id
        self.published: list[dict[str, Any]] = []
        self.asked: Counter[str] = Counter()  # by path
        self.document: dict[str, Any] = {}  # what discovery says instead
        self.answers: dict[str, tuple[int, bytes]] = {}  # by path, instead of the right one
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = provider._answer(self.path)
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("Location", f"{provider.issuer}/keys")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"
        self.rotate("first")

    def _answer(self, path: str) -> tuple[int, bytes]:
        self.asked[path] += 1
        right: dict[str, Any] = {
            "/.well-known/openid-configuration": {
                "issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys", **self.document
            },
            "/keys": {"keys": self.published},
        }  # fmt: skip
        if path in self.answers:
            return self.answers[path]
        return (200, json.dumps(right[path]).encode()) if path in right else (404, b"{}")

    def rotate(self, key_id: str, algorithm: str = "RS256", **more: Any) -> None:
        """Sign with a new key from now on; the others are withdrawn."""
        curve = algorithm[0] == "E"
        key: Any = ec.generate_private_key(ec.SECP256R1()) if curve else rsa.generate_private_key(65537, 2048)
        kind: Any = jwt.algorithms.ECAlgorithm if curve else jwt.algorithms.RSAAlgorithm
        public = json.loads(kind.to_jwk(key.public_key()))
        public.pop("key_ops", None)
        self.keys[key_id] = key
        self.published = [{**public, "kid": key_id, "alg": algorithm, "use": "sig", **more}]

    def token(self, key_id: str = "first", algorithm: str = "RS256", key: Any = None, **claims: Any) -> str:
        """A token as the API wants it, but for what is said. A claim that is None is left out."""
        now = int(time.time())
        given = {
            "iss": self.issuer, "aud": AUDIENCE, "sub": "alice", "iat": now, "exp": now + 300, "tenant": "acme",
            "scope": "openid runs:read runs:write schedules:read", **claims,
        }  # fmt: skip
        payload = {name: value for name, value in given.items() if value is not None}
        return jwt.encode(payload, key or self.keys[key_id], algorithm, {"kid": key_id} if key_id else None)

    def settings(self, **more: Any) -> dict[str, Any]:
        return {"auth": "", "oidc_issuer": self.issuer, "oidc_audience": AUDIENCE, **more}

    def __enter__(self) -> Self:
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
