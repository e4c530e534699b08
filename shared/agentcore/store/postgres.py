from agentcore.store.sql import SqlStore
class PostgresStore(SqlStore):
    skip_locked = True
class CockroachStore(SqlStore): pass
