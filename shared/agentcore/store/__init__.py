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
    from agentcore.store import engines

    place = engines.parsed(url)
    if scheme == "sqlite":
        from agentcore.store.sql import SqlStore

        return SqlStore(engines.sqlite(place), settings)
    if scheme == "cockroachdb":
        from agentcore.store.cockroach import CockroachStore

        return CockroachStore(engines.cockroachdb(place, settings), settings)
    from agentcore.store.postgres import PostgresStore

    return PostgresStore(engines.postgresql(place, settings), settings)
