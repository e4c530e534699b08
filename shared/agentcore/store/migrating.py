"""Bringing a database to this version's schema."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from agentcore.store.database import Database, Tx
from agentcore.store.tables import metadata

log = logging.getLogger("agentcore.store")
_FOLDER = Path(__file__).parent / "migrations"
LOCK = text("select pg_advisory_xact_lock(7236841520914)")  # any number that nothing else locks


async def migrate(database: Database) -> None:
    """Run the migrations this database does not have. Of several who try, one does and the others wait.

    A schema that a later version has made is left as it is: so rolling back to this version is a deployment like any
    other. (A migration must leave the version before it working: it adds first, and takes away one version later.)
    """

    if database.dialect == "sqlite":
        Path(database.engine.url.database or "").parent.mkdir(parents=True, exist_ok=True)

    async def work(tx: Tx) -> None:
        if database.dialect == "postgresql":  # SQLite's transaction has locked the file; CockroachDB has no such lock
            await tx.connection.execute(LOCK)
        await tx.connection.run_sync(upgrade)

    at = await database.moment(lambda tx: tx.connection.run_sync(version))
    known = scripts()
    if at == known.get_current_head():
        return
    if at is not None and at not in {one.revision for one in known.walk_revisions()}:
        log.warning("the schema (%s) was made by a later version of agentcore, and is left as it is", at)
        return
    await database.transaction(work)


def scripts() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    return ScriptDirectory.from_config(config)


def version(connection: Connection) -> str | None:
    """The version of a database's schema; None where there is none."""
    return MigrationContext.configure(connection).get_current_revision()


def upgrade(connection: Connection, to: str = "head") -> None:
    """Run the migrations inside the transaction that is open."""
    found = scripts()

    def steps(revision: Any, context: Any) -> Any:
        return found._upgrade_revs(to, revision)

    with EnvironmentContext(Config(), found, fn=steps, destination_rev=to) as context:
        context.configure(connection=connection, target_metadata=metadata, transactional_ddl=False)
        context.run_migrations()
