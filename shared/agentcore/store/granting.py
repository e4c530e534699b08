"""A role that may use our tables and not change them: functions sign in as it, and only a deployment as their owner."""

from __future__ import annotations

from sqlalchemy import text

from agentcore.errors import Misconfigured
from agentcore.store.database import Database, Tx
from agentcore.store.migrating import LOCK

SETTING = "AGENTCORE_DATABASE_GRANT"
_IAM = "rds_iam"  # on Amazon RDS, who has this role signs in with a token of AWS, and no longer with a password
_IS_THERE = text("select 1 from pg_roles where rolname = :name")
_SCHEMA = text("select current_schema() as name")
_HAS = text("select pg_has_role(current_user, :name, 'usage') as it")


async def grant(database: Database, role: str) -> None:
    """Make the role where there is none, and let it read and write rows. Safe to repeat. Raises Misconfigured."""
    if database.dialect != "postgresql":
        raise _misconfigured(role, "only postgresql:// has such roles; unset it")
    quoted = database.engine.dialect.identifier_preparer.quote_identifier

    async def work(tx: Tx) -> None:
        await tx.first(LOCK)
        schema = await tx.first(_SCHEMA)
        assert schema is not None
        if await tx.first(_IS_THERE, name=role) is None:
            await _run(tx, f"create role {quoted(role)} login")
        if await tx.first(_IS_THERE, name=_IAM) is not None:
            await _let_in_by_iam(tx, role, quoted(role))
        await _run(tx, f"grant usage on schema {quoted(schema.name)} to {quoted(role)}")
        tables = f"all tables in schema {quoted(schema.name)}"
        await _run(tx, f"grant select, insert, update, delete on {tables} to {quoted(role)}")

    await database.transaction(work)


async def _let_in_by_iam(tx: Tx, role: str, quoted: str) -> None:
    before = await tx.first(_HAS, name=_IAM)
    await _run(tx, f"grant {_IAM} to {quoted}")
    if await tx.first(_HAS, name=_IAM) != before:  # who migrates inherits it, and could not sign in again
        raise _misconfigured(role, f"who migrates inherits from this role, and so would lose its password to {_IAM}")


async def _run(tx: Tx, statement: str) -> None:
    await tx.connection.execute(text(statement.replace(":", r"\:")))  # a colon in a name is no parameter


def _misconfigured(role: str, what: str) -> Misconfigured:
    return Misconfigured(f"{SETTING}={role}: {what}.", setting=SETTING)
