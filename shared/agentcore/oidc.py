"""OpenID Connect: who a bearer token (JWT, RFC 9068) stands for."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from agentcore.auth import SCOPES, Principal, Scope, name
from agentcore.errors import Invalid, Misconfigured
from agentcore.jwks import Jwk, Jwks, secure
from agentcore.settings import Settings

log = logging.getLogger("agentcore.auth")
# Public-key signatures. HS* would let anybody who knows the public key sign, and `none` anybody at all (RFC 8725, 2.1).
_ALGORITHMS = frozenset(["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"])
_LONGEST = 8_192  # characters of a token: what is longer than headers may be is not looked at
_LEEWAY = 30.0  # seconds by which the provider's clock may differ from ours
T = TypeVar("T")


class Oidc:
    """Checks tokens of one issuer."""

    def __init__(self, settings: Settings, jwks: Jwks | None = None) -> None:
        """Raises Misconfigured for settings under which tokens could not be trusted. Nothing is fetched yet."""
        self._settings = settings
        self._algorithms = _algorithms(settings.oidc_algorithms)
        for setting, url in (("OIDC_ISSUER", settings.oidc_issuer), ("OIDC_JWKS_URL", settings.oidc_jwks_url)):
            if url and not secure(url):
                raise Misconfigured(
                    f"AGENTCORE_{setting}={url}: it must begin with https://.", setting=f"AGENTCORE_{setting}"
                )
        if not settings.oidc_audience:
            raise Misconfigured(
                f"AGENTCORE_OIDC_AUDIENCE is not set, so any token of {settings.oidc_issuer} would open this API. "
                "Set it to the audience that your provider gives to tokens for it.",
                setting="AGENTCORE_OIDC_AUDIENCE",
            )
        self.jwks = jwks or Jwks(settings.oidc_issuer, settings.oidc_jwks_url)

    async def principal(self, token: str) -> Principal | None:
        """Who has this token; None where it is not valid here. Raises Unavailable where that cannot be told."""
        return await self._checked(token, self._principal)

    async def claims(self, token: str) -> Mapping[str, Any] | None:
        """What this token says; None where it is not valid here. Raises Unavailable where that cannot be told."""
        return await self._checked(token, lambda claims: claims)

    async def _checked(self, token: str, use: Callable[[Mapping[str, Any]], T]) -> T | None:
        import jwt  # only processes that take tokens pay for it

        try:
            header = jwt.get_unverified_header(token) if len(token) <= _LONGEST else {}
            algorithm, key_id = header.get("alg"), header.get("kid")
            if algorithm not in self._algorithms:
                raise jwt.InvalidAlgorithmError("its algorithm is not one of AGENTCORE_OIDC_ALGORITHMS")
            if (key := await self.jwks.find(key_id, algorithm)) is None:
                raise jwt.InvalidKeyError("the provider has no such key")
            return use(self._claims(token, algorithm, key))
        except (jwt.PyJWTError, Invalid, ValueError, TypeError, ArithmeticError, RecursionError) as error:
            log.info("refused: a token: %r", str(error))  # quoted, as some of it may be the caller's own words
            return None

    def _claims(self, token: str, algorithm: str, key: Jwk) -> Mapping[str, Any]:
        """RFC 7519, section 4.1; RFC 9068, section 4."""
        import jwt

        found: Mapping[str, Any] = jwt.decode(
            token, jwt.PyJWK(dict(key), algorithm).key, algorithms=[algorithm], issuer=self._settings.oidc_issuer,
            audience=self._settings.oidc_audience, leeway=_LEEWAY,
            options={"require": ["exp", "iss", "aud", "sub"], "enforce_minimum_key_length": True},
        )  # fmt: skip
        return found

    def _principal(self, claims: Mapping[str, Any]) -> Principal:
        settings = self._settings
        tenant = settings.oidc_tenant or _claim(claims, settings.oidc_tenant_claim)
        if not isinstance(tenant, str):
            raise Invalid(f"it has no claim {settings.oidc_tenant_claim}")
        subject = f"oidc:{name('sub', claims['sub'])}"
        given = _claim(claims, settings.oidc_scopes_claim)
        return Principal(tenant=name("tenant", tenant), subject=subject, scopes=_scopes(given))


def _algorithms(text: str) -> frozenset[str]:
    named = frozenset(part.strip() for part in text.split(","))
    if not named <= _ALGORITHMS:
        raise Misconfigured(
            f"AGENTCORE_OIDC_ALGORITHMS={text}: choose from {', '.join(sorted(_ALGORITHMS))}.",
            setting="AGENTCORE_OIDC_ALGORITHMS",
        )
    return named


def _claim(claims: Mapping[str, Any], path: str) -> Any:
    """The claim of that very name (it may be a URL, with dots), or the nested one: realm_access.roles."""
    if path in claims:
        return claims[path]
    found: Any = claims
    for part in path.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _scopes(given: Any) -> frozenset[Scope]:
    """Those of ours. What is about all tenants is for API keys: a tenant may choose its own users' claims."""
    named = given.split() if isinstance(given, str) else given if isinstance(given, list) else ()
    return frozenset(scope for scope in SCOPES if scope in named and scope != "system")
