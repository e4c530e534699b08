"""What a deployment does first, in the image that is to be deployed. It runs as `python -c` in a Container Apps job.

DATABASE_MEMBERS is set where the database is the deployment's own: the identities that use it, as {name: object id}.
"""

import json
import os
import sys
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from agentcore.cli import main


def connect(**more: Any) -> psycopg.Connection[Any]:
    """As the administrator that this job is, with a token."""
    from agentcore.store.identities.azure import fetch

    url = make_url(os.environ["AGENTCORE_DATABASE_URL"])
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(address, password=fetch(url).text, autocommit=True, **more)


def make_database() -> None:
    """Make it as this administrator: one that Azure makes may be owned by a role that lets nobody in."""
    name = make_url(os.environ["AGENTCORE_DATABASE_URL"]).database or ""
    with connect(dbname="postgres") as server:
        if not server.execute("select 1 from pg_database where datname = %s", [name]).fetchone():
            server.execute(sql.SQL("create database {}").format(sql.Identifier(name)))


def let_in(members: dict[str, str]) -> None:
    """Let each of them sign in with its token, and use what `migrate` has granted. They own nothing."""
    granted = sql.Identifier(os.environ["AGENTCORE_DATABASE_GRANT"])
    with connect(dbname="postgres") as server:  # Azure's functions are in this database only
        for name, object_id in members.items():
            if not server.execute("select 1 from pg_roles where rolname = %s", [name]).fetchone():
                server.execute(
                    "select pgaadauth_create_principal_with_oid(%s, %s, 'service', false, false)", [name, object_id]
                )
            server.execute(sql.SQL("grant {} to {}").format(granted, sql.Identifier(name)))


def deploy() -> int:
    """The first step that fails ends it."""
    members = json.loads(os.environ.get("DATABASE_MEMBERS", "{}"))
    if members:
        make_database()
    if code := main(["migrate"]):
        return code
    if members:
        let_in(members)
    return main(["preflight"])


if __name__ == "__main__":
    sys.exit(deploy())
