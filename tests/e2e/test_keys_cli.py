"""API keys from the command line to a server that asks for them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import httpx
import pytest

from agentcore.commands import doctor
from agentcore.settings import Settings
from tests.e2e.identity import Provider
from tests.e2e.processes import Process, cli
from tests.e2e.test_cli import fails, fine

ASKS = {"AGENTCORE_AUTH": ""}  # as it is where nobody has said anything


@pytest.fixture
def migrated(tmp_path: Path) -> Path:
    fine("migrate", folder=tmp_path)
    return tmp_path


def made(folder: Path, *more: str) -> tuple[str, str]:
    """A new key: itself, and its id."""
    done = cli("keys", "create", "--name", "ci", *more, folder=folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.rpartition("_")[2].strip() not in done.stderr
    return done.stdout.strip(), done.stderr.split()[0]


def test_a_key_is_printed_once_listed_without_its_secret_and_revoked(migrated: Path) -> None:
    token, key_id = made(migrated, "--scope", "runs:read,runs:write", "--scope", "usage:read", "--expires", "90d")
    assert re.fullmatch(r"ac_[0-9a-f]{32}_[0-9A-Za-z]{43}", token)
    (listed,) = fine("keys", "list", "--json", folder=migrated).splitlines()
    shown = json.loads(listed)
    assert shown["scopes"] == ["runs:read", "runs:write", "usage:read"]
    assert shown["expires_at"]
    assert not {"hash", "secret"} & shown.keys()
    assert token.rpartition("_")[2] not in listed
    assert "is revoked" in fine("keys", "revoke", key_id, folder=migrated)
    assert "revoked" in fine("keys", "list", folder=migrated)
    assert "no keys" in fine("keys", "list", "--tenant", "other", folder=migrated)


def test_a_key_that_cannot_be_is_refused(migrated: Path) -> None:
    create = ("keys", "create", "--name", "ci")
    assert "runs:write" in fails(*create, "--scope", "runs:wirte", folder=migrated)
    assert "--scope" in fails(*create, folder=migrated)
    assert "past" in fails(*create, "--scope", "admin", "--expires", "2001-01-01", folder=migrated)
    assert "--tenant" in fails(*create, "--scope", "admin", "--tenant", "", folder=migrated)
    assert "There is no API key" in fails("keys", "revoke", "no-such-key", folder=migrated)
    assert "no keys" in fine("keys", "list", folder=migrated)


def test_serve_asks_also_on_loopback_and_chat_shows_its_key(migrated: Path) -> None:
    scopes = "runs:read,runs:write,approvals:read,approvals:decide"
    token, key_id = made(migrated, "--tenant", "acme", "--scope", scopes)
    with Process(migrated, "serve", "--port", "0", AGENTCORE_KEY_CACHE_SECONDS="0", **ASKS) as serve:
        refused = httpx.get(f"{serve.url}/schedules", trust_env=False)
        assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated")
        chat = ("chat", "--url", serve.url)
        says = "Where is order 1001?\n"
        unknown = cli(*chat, folder=migrated, stdin=says)
        assert (unknown.returncode, "Show who you are" in unknown.stdout) == (1, True)
        assert "1001" in fine(*chat, folder=migrated, stdin=says, AGENTCORE_API_KEY=token)
        fine("keys", "revoke", key_id, "--tenant", "acme", folder=migrated)
        assert cli(*chat, folder=migrated, stdin=says, AGENTCORE_API_KEY=token).returncode == 1
        serve.stop()
    assert token.rpartition("_")[2] not in serve.errors() + serve.shown
    assert f"API key {key_id}" in serve.errors()  # the operator learns which


def test_who_is_asked_depends_on_who_can_call(migrated: Path) -> None:
    with Process(migrated, "dev", "--port", "0", **ASKS) as dev:
        assert "callers nobody is asked" in dev.shown
        assert dev.http.get("/schedules").status_code == 200
    with Process(migrated, "dev", "--port", "0", AGENTCORE_AUTH="keys") as dev:
        assert dev.http.get("/schedules").status_code == 401
        assert dev.http.get("/healthz", headers={"Host": "a.proxy.example"}).status_code == 200
    with Process(migrated, "dev", "--port", "0", "--host", "0.0.0.0", **ASKS) as dev:
        assert dev.http.get("/schedules").status_code == 401
    for command in ("dev", "serve"):
        said = fails(command, "--port", "0", "--host", "0.0.0.0", folder=migrated, AGENTCORE_AUTH="none")
        assert "AGENTCORE_ALLOW_UNAUTHENTICATED" in said


def test_doctor_says_who_is_asked(migrated: Path) -> None:
    bad = cli("doctor", folder=migrated, AGENTCORE_HOST="0.0.0.0", AGENTCORE_AUTH="none")
    assert "callers   nobody is asked" in bad.stdout
    assert (bad.returncode, "AGENTCORE_ALLOW_UNAUTHENTICATED" in bad.stdout) == (1, True)


def test_doctor_asks_the_provider_for_its_keys() -> None:
    assert doctor._callers(Settings()).found.startswith("show API keys")
    with Provider() as provider:
        oidc = Settings(oidc_issuer=provider.issuer, oidc_audience="a")
        assert "(1 public keys there)" in doctor._callers(oidc).found
        provider.document = {"issuer": "https://other.example"}
        wrong = doctor._callers(oidc)
        assert ("other.example" in wrong.found, bool(wrong.fix)) == (True, True)
