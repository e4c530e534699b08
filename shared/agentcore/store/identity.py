"""Signing in to PostgreSQL as who the cloud says this process is: a token that ends soon is the password."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module

from sqlalchemy import URL

from agentcore.errors import Misconfigured, Unavailable
from agentcore.settings import Settings

SETTING = "AGENTCORE_DATABASE_IDENTITY"
_EARLY = 120.0  # seconds before its end, a token is replaced: clocks differ, and connecting takes a while
_WEAK = ("disable", "allow", "prefer")  # sslmode under which a token may travel for all to read
_CLOUDS = ("aws", "azure", "gcp")  # also the extras with their clients


@dataclass(frozen=True)
class Token:
    text: str = field(repr=False)
    until: float  # as time.time() has it: that goes on while a host freezes the process


Source = Callable[[URL], Token]  # it may block


class Tokens:
    """The token of the process's identity, fetched again shortly before it ends."""

    def __init__(self, url: URL, name: str, fetch: Source) -> None:
        self._url, self._name, self._fetch = url, name, fetch
        self._token: Token | None = None
        self._fetching = asyncio.Lock()  # many connections at once need one token

    async def get(self) -> str:
        """Raises Unavailable."""
        async with self._fetching:
            if self._token is None or self._token.until - _EARLY <= time.time():
                self._token = await self._fetched()
            return self._token.text

    def forget(self) -> None:
        self._token = None

    async def _fetched(self) -> Token:
        try:
            return await asyncio.to_thread(self._fetch, self._url)
        except Exception as error:
            why = _misconfigured(self._name, f"no token was given to this process: {error}")
            raise Unavailable("The database cannot be reached. Try again soon.") from why


def tokens(url: URL, settings: Settings) -> Tokens | None:
    """None where the URL's own password signs in. Raises Misconfigured."""
    if not (name := settings.database_identity):
        return None
    if name not in _CLOUDS:
        raise _misconfigured(name, f"it is none of {', '.join(_CLOUDS)}")
    if not url.drivername.startswith("postgresql"):
        raise _misconfigured(name, "only postgresql:// takes tokens; unset it")
    if not url.username:
        raise _misconfigured(name, "AGENTCORE_DATABASE_URL must name the role: postgresql://ROLE@HOST/NAME")
    if url.password:
        raise _misconfigured(name, "take the password out of AGENTCORE_DATABASE_URL: the token is the password")
    return Tokens(url, name, _source(name))


def encrypted(url: URL) -> URL:
    """The URL with TLS: whoever sees a token can sign in with it. Raises Misconfigured for one that says otherwise."""
    mode = url.query.get("sslmode")
    if mode in _WEAK:
        raise Misconfigured(
            f"AGENTCORE_DATABASE_URL: {SETTING} needs TLS, and sslmode={mode} does not. Take it out, or write "
            "sslmode=verify-full and sslrootcert=FILE.",
            setting="AGENTCORE_DATABASE_URL",
        )
    return url if mode else url.update_query_dict({"sslmode": "require"})


def _source(name: str) -> Source:
    try:
        found: Source = import_module(f"agentcore.store.identities.{name}").fetch
    except ModuleNotFoundError as error:
        raise _misconfigured(
            name, f'its client is not installed ({error.name}). Run: pip install "agentcore[{name}]"'
        ) from error
    return found


def _misconfigured(name: str, what: str) -> Misconfigured:
    return Misconfigured(f"{SETTING}={name}: {what.rstrip('.')}.", setting=SETTING)
