"""Signing in to PostgreSQL with a token instead of a password, on a real server that asks for it, over TLS."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from agentcore import app
from agentcore.errors import Misconfigured, Unavailable
from agentcore.settings import Settings
from agentcore.store import open_store
from agentcore.store.identity import Token
from agentcore.store.postgres import PostgresStore
from tests.contracts.store_kit import TENANT, accept
from tests.postgres import Postgres
from tests.tls import certificate, in_tls

pytestmark = pytest.mark.anyio
ROLE = "run role"


class Identity:
    """What a cloud gives: here its tokens are known, and the role's password is the one that is good."""

    def __init__(self, server: Postgres) -> None:
        self.server, self.seconds, self.slow, self.asked = server, 900.0, 0.0, 0
        self.error: Exception | None = None
        self.rotate("first")

    def fetch(self, url: Any) -> Token:
        self.asked += 1
        time.sleep(self.slow)
        assert url.username == ROLE
        if self.error:
            raise self.error
        return Token(self.text, time.time() + self.seconds)

    def rotate(self, text: str) -> None:
        """The server takes this token and no other."""
        self.text = text
        self.tell(sql.SQL("alter role {} password {}").format(sql.Identifier(ROLE), text))

    def tell(self, statement: sql.Composed | sql.SQL) -> None:
        with psycopg.connect(self.server.url(), autocommit=True) as connection:
            connection.execute(statement)


@pytest.fixture(scope="module")
def guarded() -> Iterator[Postgres]:
    """A server that asks the role for its password."""
    server = Postgres()
    rules = server.root / "rules"
    rules.write_text(f'host all "{ROLE}" 127.0.0.1/32 scram-sha-256\nhost all postgres 127.0.0.1/32 trust\n')
    server.options["hba_file"] = str(rules)
    try:
        server.start()
        with psycopg.connect(server.url(), autocommit=True) as connection:
            connection.execute(sql.SQL("create role {} login").format(sql.Identifier(ROLE)))
        yield server
    finally:
        server.remove()


@pytest.fixture
def identity(guarded: Postgres, monkeypatch: pytest.MonkeyPatch) -> Identity:
    it = Identity(guarded)
    monkeypatch.setattr("agentcore.store.identities.aws.fetch", it.fetch)
    return it


@pytest.fixture
async def url(identity: Identity, tmp_path: Path, anyio_backend: str) -> AsyncIterator[str]:
    """An empty database of the role's, over TLS."""
    database = identity.server.create_database().rpartition("/")[2]
    names = sql.Identifier(database), sql.Identifier(ROLE)
    identity.tell(sql.SQL("alter database {} owner to {}").format(*names))
    async with in_tls(identity.server.port, tmp_path) as port:
        yield f"postgresql://run%20role@127.0.0.1:{port}/{database}"


@pytest.fixture
async def store(url: str) -> AsyncIterator[PostgresStore]:
    it = signing_in(url)
    await it.migrate()
    yield it
    await it.close()


def signing_in(url: str, **more: Any) -> PostgresStore:
    it = open_store(url, Settings(database_url=url, database_identity="aws", **more))
    assert isinstance(it, PostgresStore)
    return it


async def test_migrations_the_pool_and_who_listens_sign_in_with_the_token(store: PostgresStore) -> None:
    assert (await accept(store)).run.tenant == TENANT
    listening = store.listen("agentcore_test")
    assert listening is not None
    async with asyncio.timeout(10), listening as payloads:
        await store.notify("agentcore_test", "run-1")
        async with aclosing(payloads) as found:  # type: ignore[type-var]
            assert await anext(found) == "run-1"


async def test_a_token_is_fetched_once_for_many_connections(url: str, identity: Identity) -> None:
    identity.slow = 0.1
    store = signing_in(url)
    for _ in range(2):
        await asyncio.gather(*(store.now() for _ in range(8)))
        await store.database.engine.dispose()
    assert identity.asked == 1


async def test_a_token_that_soon_ends_is_replaced_before_it_is_refused(url: str, identity: Identity) -> None:
    identity.seconds = 60.0
    store = signing_in(url, pool_size=2)
    await store.now()
    identity.rotate("second")
    await store.now()  # on its old connection, which stays
    await store.database.engine.dispose()
    await store.now()
    await store.close()
    assert identity.asked == 2


async def test_after_a_refusal_the_next_attempt_asks_for_another_token(
    store: PostgresStore, identity: Identity
) -> None:
    identity.rotate("second")
    await store.database.engine.dispose()
    with pytest.raises(Unavailable):
        await store.now()
    await store.now()
    assert identity.asked == 2


async def test_a_cloud_that_gives_no_token_is_named_at_the_start(url: str, identity: Identity) -> None:
    identity.error = LookupError("no credentials were found")
    store = signing_in(url)
    with pytest.raises(Misconfigured, match=r"AGENTCORE_DATABASE_IDENTITY=aws: no token .*: no credentials were found"):
        async with app.connected(store, store.settings):
            pass


async def test_a_cloud_that_gives_no_token_for_a_while_is_asked_again(store: PostgresStore, identity: Identity) -> None:
    await store.database.engine.dispose()
    identity.rotate("second")
    identity.error = OSError("the network is away")
    for _ in range(2):  # the token at hand is refused, and there is no other
        with pytest.raises(Unavailable):
            await store.now()
    assert identity.asked == 2
    identity.error = None
    await store.now()


async def test_a_token_never_travels_without_tls(url: str, identity: Identity) -> None:
    _, _, database = url.rpartition("/")
    plain = signing_in(f"postgresql://run%20role@127.0.0.1:{identity.server.port}/{database}")
    with pytest.raises(Unavailable) as caught:
        await plain.now()
    assert "SSL" in str(caught.value.__cause__)
    await plain.close()
    for mode in ("disable", "allow", "prefer"):
        with pytest.raises(Misconfigured, match=f"AGENTCORE_DATABASE_URL: .* sslmode={mode}"):
            signing_in(f"{url}?sslmode={mode}")


async def test_the_server_may_have_to_show_who_it_is(url: str, tmp_path: Path) -> None:
    known = signing_in(f"{url}?sslmode=verify-full&sslrootcert={tmp_path}/cert.pem")
    await known.now()
    await known.close()
    (other := tmp_path / "other").mkdir()
    stranger = signing_in(f"{url}?sslmode=verify-full&sslrootcert={certificate(other)}")
    with pytest.raises(Unavailable) as caught:
        await stranger.now()
    assert "certificate verify failed" in str(caught.value.__cause__)
    await stranger.close()


async def test_a_password_may_be_in_the_environment(
    url: str, identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", identity.text)
    store = open_store(f"{url}?sslmode=require", Settings(database_url=url))
    assert isinstance(store, PostgresStore)
    await store.now()
    await store.close()


@pytest.mark.parametrize(
    ("identity_name", "url", "said"),
    [
        ("oracle", "postgresql://u@h/d", "AGENTCORE_DATABASE_IDENTITY=oracle: it is none of aws, azure, gcp"),
        ("aws", "cockroachdb://u@h/d", "AGENTCORE_DATABASE_IDENTITY=aws: only postgresql:// takes tokens"),
        ("aws", "postgresql://h/d", "AGENTCORE_DATABASE_URL must name the role"),
        ("gcp", "postgresql://u:secret@h/d", "take the password out of AGENTCORE_DATABASE_URL"),
    ],
)
async def test_what_cannot_work_is_refused_when_the_store_is_opened(identity_name: str, url: str, said: str) -> None:
    with pytest.raises(Misconfigured, match=said) as caught:
        open_store(url, Settings(database_url=url, database_identity=identity_name))
    assert "secret" not in str(caught.value)


async def test_a_client_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "agentcore.store.identities.azure", None)
    with pytest.raises(Misconfigured, match=r'pip install "agentcore\[azure\]"'):
        open_store("postgresql://u@h/d", Settings(database_identity="azure"))


def test_a_token_does_not_show_itself() -> None:
    assert "hidden" not in repr(Token("hidden", 1.0))
