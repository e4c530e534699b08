"""Where state lives. Each adapter is imported on use, by the URL's scheme."""

from __future__ import annotations

from agentcore.errors import Misconfigured
from agentcore.ports import StateStore
from agentcore.settings import Settings


def open_store(url: str, settings: Settings) -> StateStore:
    """The store that a URL names. It connects on use. Raises Misconfigured for a scheme that has no adapter."""
    scheme = url.partition(":")[0]
    if scheme not in ("sqlite", "postgresql", "cockroachdb"):
        raise Misconfigured(
            f"AGENTCORE_DATABASE_URL: there is no database {scheme!r}. "
            "Known: sqlite:///PATH, postgresql://USER@HOST/NAME, cockroachdb://USER@HOST/NAME.",
            setting="AGENTCORE_DATABASE_URL",
        )
    from sqlalchemy import make_url

    from agentcore.store import engines

    if scheme == "sqlite":
        from agentcore.store.sql import SqlStore

        return SqlStore(engines.sqlite(make_url(url), settings), settings)
    from agentcore.store.postgres import CockroachStore, PostgresStore

    if scheme == "cockroachdb":
        return CockroachStore(engines.cockroachdb(make_url(url), settings), settings)
    return PostgresStore(engines.postgresql(make_url(url), settings), settings)
