"""The store on CockroachDB."""

from __future__ import annotations

from uuid import uuid4

from agentcore.store.onestatement import OneStatementStore


class CockroachStore(OneStatementStore):
    """Everything is serializable there, so conflicts come as SQLSTATE 40001 and are tried again.

    Its SKIP LOCKED is slow, so rows are taken by atomic updates; it has no LISTEN and NOTIFY, so others poll.
    """

    def new_id(self) -> str:
        # Ids in order would send every insert to the one node that has the end of the index.
        return str(uuid4())
