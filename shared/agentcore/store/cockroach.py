"""The store on CockroachDB."""

from __future__ import annotations

from agentcore.store.onestatement import OneStatementStore


class CockroachStore(OneStatementStore):
    """Everything is serializable there, so conflicts come as SQLSTATE 40001 and are tried again.

    Its SKIP LOCKED is slow, so rows are taken by atomic updates; it has no LISTEN and NOTIFY, so others poll.
    """
