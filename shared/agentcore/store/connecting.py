"""How psycopg connects: for the pool, and for who listens."""

from __future__ import annotations

from typing import Any

import psycopg
from sqlalchemy import URL
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from agentcore.settings import Settings
from agentcore.store.columns import dumps
from agentcore.store.identity import encrypted, tokens

_PATIENCE = 10  # seconds: to connect, and until a silent peer counts as gone


class Connector:
    """Makes connections to one database, each with the password that is good at that time."""

    def __init__(self, url: URL, settings: Settings) -> None:
        """Raises Misconfigured where AGENTCORE_DATABASE_IDENTITY cannot be what signs in there."""
        self._tokens = tokens(url, settings)
        # With psycopg at hand it also says how JSON is written. Untyped; CockroachDB's is the same in this.
        dialect: Any = PGDialect_psycopg(dbapi=psycopg, json_serializer=dumps)  # type: ignore[no-untyped-call]
        _, options = dialect.create_connect_args(encrypted(url) if self._tokens else url)
        self._options: dict[str, Any] = {**options, **_lasting(settings)}

    async def __call__(self, **more: Any) -> psycopg.AsyncConnection[Any]:
        if self._tokens is None:
            return await psycopg.AsyncConnection.connect(**self._options, **more)
        password = await self._tokens.get()
        try:
            return await psycopg.AsyncConnection.connect(**self._options, **more, password=password)
        except psycopg.OperationalError:
            self._tokens.forget()  # it may be what was refused; the next attempt asks for another one
            raise


def _lasting(settings: Settings) -> dict[str, Any]:
    return {
        "connect_timeout": _PATIENCE,
        "prepare_threshold": 5 if settings.prepared_statements else None,
        # A host that was frozen wakes with dead sockets. Without these a statement on one waits for minutes.
        "keepalives_idle": _PATIENCE,
        "keepalives_interval": _PATIENCE // 3,
        "keepalives_count": 3,
        "tcp_user_timeout": _PATIENCE * 1000,
        "application_name": "agentcore",
    }
