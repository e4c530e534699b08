"""API keys: `ac_<id>_<secret>`. The id finds the row; the secret is shown once and stored as a hash."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import re
import secrets
import string
import time
from collections import OrderedDict
from collections.abc import Callable, Collection
from datetime import datetime
from uuid import UUID

from agentcore.auth import SCOPES, Principal, Scope
from agentcore.errors import Invalid
from agentcore.ports import StateStore
from agentcore.records import ApiKey

log = logging.getLogger("agentcore.auth")
_FORM = re.compile(r"ac_([0-9a-f]{32})_([0-9A-Za-z]{43})")
_LETTERS = string.ascii_letters + string.digits  # 43 of them have 256 bits
_MOST = 10_000  # keys known at once, about 1 kB each


def is_key(token: str) -> bool:
    """Whether it means to be an API key, be it a right one or not."""
    return token.startswith("ac_")


def mint(
    key_id: str, *, tenant: str, name: str, scopes: Collection[Scope], expires_at: datetime | None = None
) -> tuple[ApiKey, str]:
    """A new key, as it is stored and as its owner gets it. The second is nowhere kept."""
    if not scopes:
        raise Invalid("scope: a key without a scope can do nothing. Name at least one.", field="scope")
    secret = "".join(secrets.choice(_LETTERS) for _ in range(43))
    key = ApiKey(
        id=key_id, tenant=tenant, name=name, hash=digest(secret), scopes=tuple(sorted(scopes)), expires_at=expires_at
    )
    return key, f"ac_{UUID(key_id).hex}_{secret}"


def digest(secret: str) -> str:
    """What is stored of a secret.

    A fast hash is right here: slow ones protect secrets that people choose, by making each guess dear. These are 256
    random bits, which no number of guesses finds, and a slow hash would be paid for on every request.
    """
    return hashlib.sha256(secret.encode()).hexdigest()


class KeyRing:
    """Finds the caller behind a key. What the store said is believed for `seconds`: so long can a revocation take."""

    def __init__(self, store: StateStore, seconds: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._store, self._seconds, self._clock = store, seconds, clock
        self._known: OrderedDict[str, tuple[float, ApiKey | None]] = OrderedDict()  # by id: until when, and what
        self._reads: dict[str, asyncio.Task[ApiKey | None]] = {}  # under way: callers of one key share one

    async def principal(self, token: str) -> Principal | None:
        """Who has this key; None where nobody has, or no longer."""
        if (parts := _FORM.fullmatch(token)) is None:
            log.info("refused: an API key that has not the form of one")
            return None
        key = await self._key(str(UUID(parts[1])))
        if key is None or not hmac.compare_digest(digest(parts[2]), key.hash):
            why = "is not its secret" if key else "is unknown, revoked or expired"
            log.info("refused: API key %s: what came %s", UUID(parts[1]), why)
            return None
        scopes = frozenset(scope for scope in SCOPES if scope in key.scopes)
        return Principal(tenant=key.tenant, subject=f"key:{key.name}/{key.id}", scopes=scopes, key_id=key.id)

    def forget(self, key_id: str) -> None:
        """Ask the store anew, also where it is being asked just now: that answer may be from before."""
        self._known.pop(key_id, None)
        self._reads.pop(key_id, None)

    async def _key(self, key_id: str) -> ApiKey | None:
        until, key = self._known.get(key_id, (0.0, None))
        if self._clock() < until:
            self._known.move_to_end(key_id)
            return key
        if (reading := self._reads.get(key_id)) is None:
            reading = self._reads[key_id] = asyncio.create_task(self._read(key_id))
            reading.add_done_callback(lambda task: self._done(key_id, task))
        return await asyncio.shield(reading)  # a caller who goes away does not take the answer from the others

    async def _read(self, key_id: str) -> ApiKey | None:
        until = self._clock() + self._seconds  # from before the question, so that no answer is believed for longer
        key = await self._store.live_key(key_id)
        if self._reads.get(key_id) is not asyncio.current_task():
            return key  # forgotten meanwhile
        self._known[key_id] = (until, key)
        self._known.move_to_end(key_id)
        if len(self._known) > _MOST:
            self._known.popitem(last=False)
        return key

    def _done(self, key_id: str, task: asyncio.Task[ApiKey | None]) -> None:
        if self._reads.get(key_id) is task:
            del self._reads[key_id]
        if not task.cancelled():
            task.exception()  # it was raised for those who waited, if any
