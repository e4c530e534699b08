"""Bearer tokens of an OpenID provider."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from agentcore import jwks
from agentcore.auth import Principal
from agentcore.errors import Unavailable
from agentcore.jwks import Jwks
from agentcore.oidc import Oidc
from agentcore.settings import Settings
from tests.e2e.http import REFUND, Http, ok, on, refused
from tests.e2e.identity import AUDIENCE, Provider


@pytest.fixture
def provider() -> Iterator[Provider]:
    with Provider() as it:
        yield it


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def oidc(provider: Provider, clock: Clock | None = None, **settings: Any) -> Oidc:
    """Checks tokens without an API around it."""
    given = Settings(**provider.settings(**settings))
    return Oidc(given, Jwks(given.oidc_issuer, given.oidc_jwks_url, clock=clock or Clock()))


def who(checks: Oidc, token: str) -> Principal | None:
    return asyncio.run(checks.principal(token))


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


# -- over HTTP


def test_a_token_is_its_tenants_and_has_the_scopes_of_its_claims(tmp_path: Path, provider: Provider) -> None:
    async def test(http: Http) -> None:
        alice, eve = bearer(provider.token()), bearer(provider.token(tenant="other", sub="eve"))
        run = ok(await http.post("/runs/wait", json={"agent_id": "support", "input": REFUND}, headers=alice))["run"]
        assert ok(await http.get(f"/runs/{run['run_id']}", headers=alice))["state"] == "waiting"
        refused(await http.get(f"/runs/{run['run_id']}", headers=eve), 404, "not_found")
        refused(await http.get("/approvals", headers=alice), 403, "forbidden")
        manager = bearer(provider.token(sub="bob", scope="approvals:read approvals:decide"))
        (asked,) = ok(await http.get("/approvals", headers=manager))
        decided = await http.post(f"/approvals/{asked['approval_id']}", json={"decision": "approve"}, headers=manager)
        assert ok(decided)["decided_by"] == "oidc:bob"

    on(tmp_path, test, **provider.settings())


def test_keys_rotate_under_the_eyes_of_callers(
    tmp_path: Path, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(http: Http) -> None:
        old = bearer(provider.token())
        ok(await http.get("/schedules", headers=old))
        provider.rotate("second")
        new = bearer(provider.token("second"))
        ok(await http.get("/schedules", headers=old))  # still known
        ok(await http.get("/schedules", headers=new))
        refused(await http.get("/schedules", headers=old), 401, "unauthenticated")  # withdrawn
        ok(await http.get("/schedules", headers=new))

    monkeypatch.setattr(jwks, "_PAUSE", 0.0)
    on(tmp_path, test, **provider.settings())


def test_a_provider_that_is_away_is_no_fault_of_the_caller(tmp_path: Path, provider: Provider) -> None:
    async def test(http: Http) -> None:
        token = bearer(provider.token())
        provider.stop()
        answer = await http.get("/schedules", headers=token)
        refused(answer, 503, "unavailable")
        assert int(answer.headers["retry-after"]) > 0

    on(tmp_path, test, **provider.settings())


def test_no_token_is_ever_logged(tmp_path: Path, provider: Provider, caplog: pytest.LogCaptureFixture) -> None:
    async def test(http: Http) -> None:
        for token in tokens:
            assert (await http.get("/schedules", headers=bearer(token))).status_code in (200, 401)

    tokens = [provider.token(), provider.token(aud="else"), provider.token(exp=1), provider.token() + "x", "a.b.c"]
    forged = {"alg": "RS256", "kid": "first", "crit": ["x\nINFO a line of the caller's own"]}
    tokens.append(".".join((_encoded(forged), *tokens[0].split(".")[1:])))
    caplog.set_level(logging.DEBUG)
    on(tmp_path, test, **provider.settings())
    assert "\nINFO a line" not in caplog.text
    assert "refused: a token" in caplog.text
    assert [token for token in tokens[:4] if token in caplog.text or token.rpartition(".")[2] in caplog.text] == []


# -- which tokens are good


def now() -> int:
    return int(time.time())


BAD: dict[str, dict[str, Any]] = {
    "expired": {"exp": now() - 60},
    "without an end": {"exp": None},
    "not yet": {"nbf": now() + 3600},
    "issued in the future": {"iat": now() + 3600},
    "of another issuer": {"iss": "https://evil.example"},
    "without an issuer": {"iss": None},
    "for another audience": {"aud": "https://other.example"},
    "for no audience": {"aud": None},
    "of nobody": {"sub": None},
    "of somebody with a NUL": {"sub": "a\0b"},
    "of a number": {"sub": 7},
    "without a tenant": {"tenant": None},
    "of an empty tenant": {"tenant": ""},
    "of a list of tenants": {"tenant": ["acme"]},
    "of a tenant with a line break": {"tenant": "acme\nx"},
}


@pytest.mark.parametrize("case", BAD)
def test_a_token_with_a_wrong_claim_is_nobodys(provider: Provider, case: str) -> None:
    claims = BAD[case]
    token = provider.token(**claims) if not isinstance(claims.get("sub"), int) else _signed(provider, claims)
    assert who(oidc(provider), token) is None


def _signed(provider: Provider, claims: dict[str, Any]) -> str:
    """PyJWT would not write a subject that is no text, so the text is put together here."""
    head, body, _ = provider.token().split(".")
    told = {**json.loads(base64.urlsafe_b64decode(body + "==")), **claims}
    signed = f"{head}.{_encoded(told)}".encode()
    algorithm = jwt.get_algorithm_by_name("RS256")
    return f"{signed.decode()}.{_plain(algorithm.sign(signed, provider.keys['first']))}"


def _encoded(value: Any) -> str:
    return _plain(json.dumps(value).encode())


def _plain(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def test_a_token_with_a_wrong_signature_is_nobodys(provider: Provider) -> None:
    checks, token = oidc(provider), provider.token()
    head, body, signature = token.split(".")
    stranger = rsa.generate_private_key(65537, 2048)
    public = provider.keys["first"].public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    forged = {
        "by a stranger": provider.token(key=stranger),
        "none": f"{_encoded({'alg': 'none', 'kid': 'first'})}.{body}.",
        "HS256, with the public key as its secret": _hmac(pem, claims),
        "another body": f"{head}.{_encoded({**claims, 'tenant': 'other'})}.{signature}",
        "another algorithm of the same key": provider.token(algorithm="RS512"),
        "critical extension": f"{_encoded({'alg': 'RS256', 'kid': 'first', 'crit': ['x'], 'x': 1})}.{body}.{signature}",
        "no signature": f"{head}.{body}.",
        "no token": "x",
        "dots": "..",
        "long": token + "a" * 10_000,
        "deep": f"{_plain(b'[' * 5_000)}.{body}.{signature}",
        "a key id that is none": f"{_encoded({'alg': 'RS256', 'kid': ['first']})}.{body}.{signature}",
    }
    assert {why: who(checks, forgery) for why, forgery in forged.items()} == dict.fromkeys(forged)
    assert who(checks, token) is not None


def _hmac(secret: bytes, claims: dict[str, Any]) -> str:
    """What RFC 8725, section 2.1 warns of. PyJWT refuses to make it, so it is made by hand."""
    import hashlib
    import hmac

    signed = f"{_encoded({'alg': 'HS256', 'kid': 'first'})}.{_encoded(claims)}"
    return f"{signed}.{_plain(hmac.new(secret, signed.encode(), hashlib.sha256).digest())}"


def test_a_token_of_an_algorithm_that_is_not_pinned_is_nobodys(provider: Provider) -> None:
    provider.rotate("curve", "ES256")
    token = provider.token("curve", "ES256")
    assert who(oidc(provider), token) is not None
    assert who(oidc(provider, oidc_algorithms="RS256"), token) is None


def test_keys_for_other_uses_or_too_short_are_not_taken(provider: Provider) -> None:
    provider.rotate("encrypts", use="enc")
    assert who(oidc(provider), provider.token("encrypts")) is None
    short = rsa.generate_private_key(65537, 1024)
    provider.keys["short"] = short
    provider.published = [
        {**json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(short.public_key())), "kid": "short", "key_ops": ["verify"]}
    ]
    with pytest.warns(jwt.warnings.InsecureKeyLengthWarning):
        token = provider.token("short")
    assert who(oidc(provider), token) is None


def test_a_token_that_names_no_key_means_the_only_one(provider: Provider) -> None:
    token = provider.token("", key=provider.keys["first"])
    assert who(oidc(provider), token) is not None
    provider.published.append({**provider.published[0], "kid": "twin"})
    assert who(oidc(provider), token) is None


@pytest.mark.parametrize(
    ("settings", "claims", "tenant", "scopes"),
    [
        ({}, {}, "acme", {"runs:read", "runs:write", "schedules:read"}),
        ({}, {"scope": None}, "acme", set()),
        ({}, {"scope": {"runs:read": 1}}, "acme", set()),
        ({}, {"scope": "system admin"}, "acme", {"admin"}),
        ({"oidc_scopes_claim": "roles"}, {"roles": ["runs:read", 7, "boss"]}, "acme", {"runs:read"}),
        ({"oidc_scopes_claim": "realm.roles"}, {"realm": {"roles": ["usage:read"]}}, "acme", {"usage:read"}),
        ({"oidc_scopes_claim": "realm.roles"}, {"realm": "none"}, "acme", set()),
        ({"oidc_tenant_claim": "https://x.example/org"}, {"https://x.example/org": "o1"}, "o1", None),
        ({"oidc_tenant": "all"}, {}, "all", None),
    ],
)
def test_tenant_and_scopes_come_from_the_claims_that_the_settings_name(
    provider: Provider, settings: dict[str, Any], claims: dict[str, Any], tenant: str, scopes: set[str] | None
) -> None:
    found = who(oidc(provider, **settings), provider.token(**claims))
    assert found is not None
    assert (found.tenant, found.subject, found.key_id) == (tenant, "oidc:alice", None)
    assert scopes is None or found.scopes == scopes


def test_several_audiences_are_fine_when_ours_is_one(provider: Provider) -> None:
    assert who(oidc(provider), provider.token(aud=["https://other.example", AUDIENCE])) is not None


# -- the provider's keys


def test_keys_are_fetched_once_and_made_up_key_ids_do_not_change_that(provider: Provider) -> None:
    async def test() -> None:
        clock = Clock()
        checks = oidc(provider, clock)
        assert all(await asyncio.gather(*(checks.principal(provider.token()) for _ in range(20))))
        for n in range(20):
            assert await checks.principal(provider.token(f"made up {n}", key=provider.keys["first"])) is None
        assert provider.asked["/keys"] == 1
        clock.now += jwks._PAUSE
        for n in range(20):
            assert await checks.principal(provider.token(f"made up {n}", key=provider.keys["first"])) is None
        assert provider.asked["/keys"] == 2
        clock.now += 3601
        assert await checks.principal(provider.token())
        assert provider.asked["/keys"] == 3

    asyncio.run(test())


def test_keys_are_believed_for_a_day_while_the_provider_is_away(provider: Provider) -> None:
    async def test() -> None:
        clock = Clock()
        checks = oidc(provider, clock)
        assert await checks.principal(provider.token())
        provider.answers["/keys"] = (500, b"")
        clock.now += 80_000
        assert await checks.principal(provider.token())
        clock.now += 10_000
        with pytest.raises(Unavailable):
            await checks.principal(provider.token())
        del provider.answers["/keys"]
        clock.now += jwks._PAUSE
        assert await checks.principal(provider.token())

    asyncio.run(test())


def test_where_the_keys_are_can_be_told(provider: Provider) -> None:
    provider.document = {"jwks_uri": "https://nowhere.invalid/keys"}
    assert who(oidc(provider, oidc_jwks_url=f"{provider.issuer}/keys"), provider.token()) is not None
    assert provider.asked == {"/keys": 1}


DISCOVERY = "/.well-known/openid-configuration"


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/keys", (200, b"x" * 1_000_001)),
        ("/keys", (200, b"[]")),
        ("/keys", (200, b"<html>")),
        ("/keys", (200, b'{"keys": {}}')),
        ("/keys", (200, json.dumps({"keys": [{}] * 101}).encode())),
        ("/keys", (404, b"{}")),
        (DISCOVERY, (302, b"")),
        (DISCOVERY, (500, b"")),
        (DISCOVERY, (200, b'{"issuer": "https://evil.example", "jwks_uri": "https://evil.example"}')),
    ],
)
def test_an_answer_that_cannot_be_is_not_believed(provider: Provider, path: str, answer: tuple[int, bytes]) -> None:
    provider.answers[path] = answer
    with pytest.raises(Unavailable):
        who(oidc(provider), provider.token())
    assert provider.asked["/keys"] <= 1


@pytest.mark.parametrize("url", ["http://evil.example/keys", "file:///etc/passwd", "https://", 7])
def test_keys_are_not_fetched_from_where_others_could_change_them(provider: Provider, url: Any) -> None:
    provider.document = {"jwks_uri": url}
    with pytest.raises(Unavailable):
        who(oidc(provider), provider.token())


def test_a_provider_that_never_answers_is_given_up(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:  # the kernel takes the connection, and nobody else
            port = silent.getsockname()[1]
            checks = oidc(provider, oidc_jwks_url=f"http://127.0.0.1:{port}/keys")
            with pytest.raises(Unavailable):
                await checks.principal(provider.token())

    monkeypatch.setattr(jwks, "_PATIENCE", 0.2)
    asyncio.run(test())
