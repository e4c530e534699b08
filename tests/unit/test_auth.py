"""Who may call, without a server: scopes, API keys, rates, and settings that cannot be trusted."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentcore import auth
from agentcore.auth import ANONYMOUS, SCOPES, Principal, Scope
from agentcore.buckets import Buckets
from agentcore.callers import Callers
from agentcore.errors import Forbidden, Invalid, Misconfigured, RateLimited
from agentcore.keys import KeyRing, digest, mint
from agentcore.ports import StateStore
from agentcore.records import ApiKey
from agentcore.settings import Settings

DOCS = Path(__file__).parents[2] / "docs"


def principal(*scopes: Scope) -> Principal:
    return Principal(tenant="acme", subject="me", scopes=frozenset(scopes))


# -- scopes


def test_a_scope_allows_itself_and_admin_all_but_what_is_about_all_tenants() -> None:
    for scope in SCOPES:
        assert principal(scope).may(scope)
        assert not principal(*(SCOPES.keys() - {scope, "admin"})).may(scope)
        assert principal("admin").may(scope) == (scope != "system")
        assert ANONYMOUS.may(scope)
    with pytest.raises(Forbidden, match="runs:write"):
        principal("runs:read").need("runs:write")


def test_the_documented_scopes_are_those_there_are() -> None:
    assert auth.markdown() in (DOCS / "auth.md").read_text()


@pytest.mark.parametrize("text", ["", " a", "a\n", "a\0b", "x" * 201, "\ud800"])
def test_a_name_that_cannot_be_shown_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="tenant"):
        auth.name("tenant", text)
    assert auth.name("tenant", "Ærlig & Sønner") == "Ærlig & Sønner"


@pytest.mark.parametrize(
    ("settings", "asked"),
    [
        ({}, {"keys"}),
        ({"oidc_issuer": "https://id"}, {"keys", "oidc"}),
        ({"auth": "none", "oidc_issuer": "https://id"}, set()),
        ({"auth": "keys", "oidc_issuer": "https://id"}, {"keys"}),
        ({"auth": "oidc, keys", "oidc_issuer": "https://id"}, {"keys", "oidc"}),
    ],
)
def test_callers_show_who_they_are_as_the_settings_say(settings: dict[str, Any], asked: set[str]) -> None:
    assert auth.methods(Settings(**settings)) == asked


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"auth": "off"}, "AGENTCORE_AUTH"),
        ({"auth": "keys,none"}, "AGENTCORE_AUTH"),
        ({"auth": "oidc"}, "AGENTCORE_OIDC_ISSUER"),
        ({"oidc_issuer": "https://id"}, "AGENTCORE_OIDC_AUDIENCE"),
        ({"oidc_issuer": "http://id.example", "oidc_audience": "a"}, "AGENTCORE_OIDC_ISSUER"),
        ({"oidc_issuer": "file:///etc", "oidc_audience": "a"}, "AGENTCORE_OIDC_ISSUER"),
        ({"oidc_issuer": "https://id", "oidc_audience": "a", "oidc_jwks_url": "http://x/k"}, "AGENTCORE_OIDC_JWKS_URL"),
        ({"oidc_issuer": "https://id", "oidc_audience": "a", "oidc_algorithms": "RS256,none"}, "none"),
        ({"oidc_issuer": "https://id", "oidc_audience": "a", "oidc_algorithms": "HS256"}, "HS256"),
    ],
)
def test_settings_that_cannot_be_trusted_are_refused(settings: dict[str, Any], named: str) -> None:
    with pytest.raises(Misconfigured, match=named):
        Callers(cast(StateStore, None), Settings(**settings))


# -- API keys


class Keys:
    """A store that has keys, and counts how often it is asked."""

    def __init__(self, *keys: ApiKey) -> None:
        self.keys, self.asked, self.fails = {key.id: key for key in keys}, 0, False

    async def live_key(self, key_id: str) -> ApiKey | None:
        self.asked += 1
        await asyncio.sleep(0)
        if self.fails:
            raise ConnectionError("away")
        return self.keys.get(key_id)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def ring(store: Keys, clock: Clock, seconds: float = 10.0) -> KeyRing:
    return KeyRing(cast(StateStore, store), seconds, clock=clock)


def a_key() -> tuple[ApiKey, str]:
    return mint(str(uuid4()), tenant="acme", name="ci", scopes=["runs:read"])


def test_a_key_has_256_bits_that_are_nowhere_kept() -> None:
    key, token = a_key()
    secret = token.rpartition("_")[2]
    assert len({a_key()[1] for _ in range(100)}) == 100
    assert len(secret) == 43
    assert key.hash == digest(secret)
    assert secret not in repr(key)
    assert key.hash not in repr(key)
    with pytest.raises(Invalid, match="scope"):
        mint(str(uuid4()), tenant="acme", name="ci", scopes=[])


def test_a_key_is_its_tenants_and_a_wrong_secret_nobodys() -> None:
    async def test() -> None:
        key, token = a_key()
        found = await ring(Keys(key), Clock()).principal(token)
        assert found is not None
        assert (found.tenant, sorted(found.scopes), found.key_id) == ("acme", ["runs:read"], key.id)
        assert found.subject == f"key:ci/{key.id}"
        last = "a" if token[-1] != "a" else "b"
        altered = [token[:-1] + last, token[:-1], token + "x", token.upper(), f"{token}\n", token.replace("_", "-")]
        for wrong in [*altered, "ac_", ""]:
            assert await ring(Keys(key), Clock()).principal(wrong) is None

    asyncio.run(test())


def test_the_store_is_asked_once_in_a_while_also_about_keys_that_do_not_exist() -> None:
    async def test() -> None:
        (key, token), (_, nobody) = a_key(), a_key()
        store, clock = Keys(key), Clock()
        keys = ring(store, clock)
        assert all(await asyncio.gather(*(keys.principal(token) for _ in range(50))))
        assert not any([await keys.principal(nobody) for _ in range(50)])
        assert store.asked == 2
        clock.now += 9.9
        assert await keys.principal(token)
        assert store.asked == 2
        del store.keys[key.id]
        clock.now += 0.1
        assert await keys.principal(token) is None

    asyncio.run(test())


def test_a_store_that_fails_is_asked_again_and_a_caller_who_goes_takes_nobody_along() -> None:
    async def test() -> None:
        key, token = a_key()
        store = Keys(key)
        keys = ring(store, Clock())
        store.fails = True
        with pytest.raises(ConnectionError):
            await keys.principal(token)
        store.fails = False
        gone, stays = (asyncio.create_task(keys.principal(token)) for _ in range(2))
        await asyncio.sleep(0)
        gone.cancel()
        assert await stays

    asyncio.run(test())


def test_a_key_that_was_revoked_is_forgotten_also_while_it_is_being_read() -> None:
    async def test() -> None:
        key, token = a_key()
        store = Keys(key)
        keys = ring(store, Clock())
        assert await keys.principal(token)
        del store.keys[key.id]
        keys.forget(str(uuid4()))  # somebody else's news
        assert await keys.principal(token)
        keys.forget(key.id)
        assert await keys.principal(token) is None
        store.keys[key.id] = key
        keys.forget(key.id)
        slow = Slow(store)
        keys._store = cast(StateStore, slow)
        reading = asyncio.create_task(keys.principal(token))
        await slow.asked.wait()
        del store.keys[key.id]
        keys.forget(key.id)
        slow.answers.set()
        assert await reading  # whoever asked before it was told
        assert await keys.principal(token) is None
        assert keys._reads == {}

    asyncio.run(test())


class Slow:
    """Answers, when it may, with what it found when it was asked."""

    def __init__(self, store: Keys) -> None:
        self.store, self.asked, self.answers = store, asyncio.Event(), asyncio.Event()

    async def live_key(self, key_id: str) -> ApiKey | None:
        found = await self.store.live_key(key_id)
        self.asked.set()
        await self.answers.wait()
        return found


def test_what_is_known_of_keys_has_an_end() -> None:
    async def test() -> None:
        keys = ring(Keys(), Clock())
        for _ in range(10_050):
            await keys._key(str(uuid4()))
        assert len(keys._known) == 10_000

    asyncio.run(test())


# -- rates


def test_a_caller_may_call_in_a_burst_and_then_at_the_rate() -> None:
    buckets = Buckets(rate=2.0, burst=3)
    assert [buckets.take("a", 0.0) for _ in range(4)] == [0, 0, 0, 0.5]
    assert buckets.take("b", 0.0) == 0
    assert [buckets.take("a", 0.5), buckets.take("a", 0.5)] == [0, 0.5]
    assert [buckets.take("a", 1000.0) for _ in range(4)] == [0, 0, 0, 0.5]


@given(
    st.lists(st.floats(0, 3), max_size=60), st.floats(0.1, 50), st.integers(1, 20)
)  # fmt: skip
def test_nobody_gets_more_than_burst_and_rate(pauses: list[float], rate: float, burst: int) -> None:
    buckets, times = Buckets(rate=rate, burst=burst), list(itertools.accumulate(pauses))
    granted = [at for at in times if buckets.take("a", at) == 0]
    for first, last in itertools.combinations(range(len(granted)), 2):
        assert last - first + 1 <= burst + rate * (granted[last] - granted[first]) + 1e-6


def test_the_callers_remembered_have_an_end() -> None:
    buckets = Buckets(rate=1.0, burst=1, most=10)
    for n in range(1000):
        buckets.take(str(n), 0.0)
    assert len(buckets._buckets) == 10


def test_who_calls_too_often_is_told_when_to_come_back() -> None:
    assert RateLimited(0.01).headers == {"Retry-After": "1"}
    assert RateLimited(2.1).details == {"retry_after": 3}
    assert (RateLimited(1).status, RateLimited(1).code) == (429, "rate_limited")
