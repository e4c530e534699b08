"""What Azure's migration job does, on a PostgreSQL that plays the functions of Azure's."""

from __future__ import annotations

import json
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import errors
from sqlalchemy import make_url

from agentcore.store.identities import azure
from agentcore.store.identity import Token
from tests.postgres import Postgres

SCRIPT = Path(__file__).parents[2] / "infra/terraform/azure/modules/migration/deploy.py"
PLAYED = """
    create function pgaadauth_create_principal_with_oid(name text, oid text, kind text, admin boolean, mfa boolean)
    returns text language plpgsql as $$ begin
      if kind <> 'service' or admin or mfa then raise exception 'not what a managed identity is'; end if;
      execute format('create role %I login', name);
      return name;
    end $$
"""


@pytest.fixture
def server(postgres: Postgres) -> Iterator[str]:
    """The URL of a database that is not there yet, on a server with Azure's functions where Azure has them."""
    url = make_url(postgres.create_database()).set(database="postgres").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(PLAYED)
        yield make_url(url).set(database="made_by_the_job").render_as_string(hide_password=False)
        connection.execute("drop database if exists made_by_the_job with (force)")
        connection.execute("drop function pgaadauth_create_principal_with_oid")
        for role in ("dev-chat", "dev-worker", "functions"):
            connection.execute(f'drop role if exists "{role}"')


@pytest.fixture
def environment(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(azure, "fetch", lambda url: Token("a token", 0.0))
    monkeypatch.setenv("AGENTCORE_DATABASE_URL", server)
    monkeypatch.setenv("AGENTCORE_DATABASE_GRANT", "functions")
    monkeypatch.setenv("DATABASE_MEMBERS", json.dumps({"dev-chat": "1", "dev-worker": "2"}))


def deploy() -> int:
    code: int = runpy.run_path(str(SCRIPT))["deploy"]()
    return code


def as_role(url: str, role: str) -> psycopg.Connection[Any]:
    return psycopg.connect(make_url(url).set(username=role).render_as_string(hide_password=False), autocommit=True)


def test_it_makes_the_database_the_tables_and_who_may_use_them(
    server: str, environment: None, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):  # with each deployment
        assert deploy() == 0
    assert "0 parked runs checked" in capsys.readouterr().out
    for role in ("dev-chat", "dev-worker"):
        with as_role(server, role) as connection:
            assert connection.execute("select count(*) from run").fetchone() == (0,)
            with pytest.raises(errors.InsufficientPrivilege):
                connection.execute("create table mine (x int)")
            with pytest.raises(errors.InsufficientPrivilege):
                connection.execute("drop table run")


def test_a_migration_that_fails_ends_it(
    environment: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AGENTCORE_AGENTS", "no_such_module")
    assert deploy() == 2
    assert "no_such_module" in capsys.readouterr().err


def test_an_external_database_is_only_migrated(
    server: str, environment: None, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres.create_database()
    monkeypatch.setenv("AGENTCORE_DATABASE_URL", url)
    monkeypatch.delenv("AGENTCORE_DATABASE_GRANT")
    monkeypatch.delenv("DATABASE_MEMBERS")
    monkeypatch.setattr(azure, "fetch", pytest.fail)  # its URL has a password
    assert deploy() == 0
    with psycopg.connect(url) as connection:
        assert connection.execute("select count(*) from run").fetchone() == (0,)
