"""Lets callers in: by API key, by token or by signature, and not too often."""

from __future__ import annotations

import logging
import time

from agentcore import webhooks
from agentcore.auth import ANONYMOUS, Principal, methods
from agentcore.buckets import Limit
from agentcore.errors import RateLimited, Unauthenticated
from agentcore.keys import KeyRing, is_key
from agentcore.oidc import Oidc
from agentcore.ports import Shared, StateStore
from agentcore.settings import Settings

log = logging.getLogger("agentcore.auth")
# Whoever signs calls for no tenant: only routes that are about all of them take a signature.
_SIGNER = Principal(tenant="", subject="signature", scopes=frozenset({"system"}))


class Callers:
    """One instance a process: what it knows of keys, tokens and rates is in memory."""

    def __init__(self, store: StateStore, settings: Settings, shared: Shared | None = None) -> None:
        """Raises Misconfigured."""
        asked = methods(settings)
        self._open = not asked
        self._keys = KeyRing(store, settings.key_cache_seconds) if "keys" in asked else None
        self._oidc = Oidc(settings) if "oidc" in asked else None
        self._signers = webhooks.keys_of(settings.tick_secrets, "AGENTCORE_TICK_SECRETS")
        rate, burst = settings.rate_per_second, settings.rate_burst
        self._limit = Limit(rate=rate, burst=burst, shared=shared) if rate > 0 else None

    async def identify(self, bearer: str | None) -> Principal:
        """Who calls with this bearer credential. Raises Unauthenticated, RateLimited, Unavailable.

        Where nobody is asked, everybody is ANONYMOUS, whatever they send.
        """
        if self._open:
            return ANONYMOUS
        found = None if bearer is None else await self._principal(bearer)
        if found is None:
            raise Unauthenticated(given=bearer is not None)
        await self._count(found)
        return found

    async def verify(self, signature: webhooks.Signature) -> Principal:
        """Who signed a request with an empty body. Raises Unauthenticated, RateLimited."""
        if self._open:
            return ANONYMOUS
        if not webhooks.verified(self._signers, signature, b"", now=time.time()):
            log.info("refused: a signature that is of another key or another time")
            raise Unauthenticated(given=True)
        await self._count(_SIGNER)
        return _SIGNER

    def forget(self, id: str) -> None:
        """If it is a key's, look at it anew: it may have been revoked."""
        if self._keys:
            self._keys.forget(id)

    async def _principal(self, bearer: str) -> Principal | None:
        if is_key(bearer):
            return await self._keys.principal(bearer) if self._keys else None
        return await self._oidc.principal(bearer) if self._oidc else None

    async def _count(self, caller: Principal) -> None:
        if self._limit and (wait := await self._limit.take(f"{caller.tenant}\0{caller.subject}")):
            raise RateLimited(wait)
