"""An OpenID provider's public keys: found, fetched, kept, and fetched again when they rotate."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from agentcore.errors import Unavailable

log = logging.getLogger("agentcore.auth")
_FRESH = 3600.0  # seconds until keys are looked at again
_STALE = 86_400.0  # seconds for which they are believed while the provider does not answer
_PAUSE = 10.0  # seconds between two fetches: a token with a made-up key id must not make us ask each time
_PATIENCE = 5.0  # seconds for a whole answer
_LARGEST = 1_000_000  # bytes of an answer
_MOST = 100  # keys
_KINDS = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}  # of key, by how an algorithm's name begins

Jwk = Mapping[str, Any]

_AWAY = "The identity provider does not answer, so no token can be checked. Try again later."


class Jwks:
    """The keys behind one issuer. One instance a process."""

    def __init__(self, issuer: str, url: str = "", *, clock: Callable[[], float] = time.monotonic) -> None:
        """`url`: where they are, so that it need not be discovered."""
        self._issuer, self._url, self._clock = issuer, url, clock
        self._keys: Sequence[Jwk] = ()
        self._got = self._tried = -math.inf  # when, on our clock
        self._fetching = asyncio.Lock()

    async def find(self, key_id: str | None, algorithm: str) -> Jwk | None:
        """The key for a token that names this key id and algorithm. Raises Unavailable where none could be fetched."""
        found = self._fit(key_id, algorithm)
        if found is None or (self._age() > _FRESH and not self._fetching.locked()):
            await self.refresh()
            found = self._fit(key_id, algorithm)
        if self._age() > _STALE:
            raise Unavailable(_AWAY, seconds=10)
        return found

    async def refresh(self) -> None:
        """Fetch the keys, unless that was just tried. A failure is logged, and the keys stay as they are."""
        async with self._fetching:
            if self._clock() - self._tried < _PAUSE:
                return
            self._tried = self._clock()
            try:
                self._keys = await self.fetch()
                self._got = self._clock()
            except Exception as error:
                log.warning("the keys of %s cannot be fetched: %s: %s", self._issuer, type(error).__name__, error)

    async def fetch(self) -> Sequence[Jwk]:
        """The keys, now. Raises ValueError, TimeoutError or an error of httpx."""
        async with asyncio.timeout(_PATIENCE):
            url = self._url or await self._discover()
            keys = (await _get(url)).get("keys")
        if not isinstance(keys, list) or len(keys) > _MOST:
            raise ValueError(f"{url} is no list of at most {_MOST} keys")
        return [key for key in keys if isinstance(key, dict) and key.get("use", "sig") == "sig"]

    async def _discover(self) -> str:
        """OpenID Connect Discovery 1.0, section 4."""
        found = await _get(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
        if found.get("issuer") != self._issuer:  # section 4.3: else anybody's document would do
            raise ValueError(f"the provider calls itself {found.get('issuer')!r}")
        url = found.get("jwks_uri")
        if not isinstance(url, str) or not secure(url):
            raise ValueError(f"the provider's jwks_uri {url!r} is not https")
        return url

    def _fit(self, key_id: str | None, algorithm: str) -> Jwk | None:
        """RFC 7515, section 4.1.4 lets a token name no key: then there must be one that it can mean."""
        kind = _KINDS[algorithm[:2]]
        fit = [
            key for key in self._keys
            if key.get("kty") == kind and key.get("alg", algorithm) == algorithm and key_id in (None, key.get("kid"))
        ]  # fmt: skip
        return fit[0] if len(fit) == 1 else None

    def _age(self) -> float:
        return self._clock() - self._got


def secure(url: str) -> bool:
    """Whether nobody on the way can read or change what comes from there: https, or this machine."""
    parts = urlsplit(url)
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and _local(parts.hostname)))


def _local(host: str | None) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


async def _get(url: str) -> Mapping[str, Any]:
    """A JSON object of a bounded size; a redirect is an error."""
    import httpx  # only processes that take tokens pay for it

    body = bytearray()
    plain = {"Accept": "application/json", "Accept-Encoding": "identity"}  # compressed, it could be any size
    local = _local(urlsplit(url).hostname)
    async with (
        httpx.AsyncClient(timeout=_PATIENCE, trust_env=not local) as http,
        http.stream("GET", url, headers=plain) as answer,
    ):
        answer.raise_for_status()
        async for part in answer.aiter_raw():
            body += part
            if len(body) > _LARGEST:
                raise ValueError(f"{url} is larger than {_LARGEST} bytes")
    found = json.loads(body)
    if not isinstance(found, dict):
        raise ValueError(f"{url} is no JSON object")
    return found
