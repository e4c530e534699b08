"""API keys."""

from __future__ import annotations

from sqlalchemy import bindparam, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from agentcore.errors import NotFound
from agentcore.records import ApiKey
from agentcore.store.base import Verbs
from agentcore.store.columns import now
from agentcore.store.database import Tx
from agentcore.store.rows import API_KEY, to_key, values
from agentcore.store.tables import api_key

# SQLite took this syntax over from PostgreSQL, and SQLAlchemy compiles it for both.
_INSERT = insert(api_key).values(created_at=now()).on_conflict_do_nothing()
_ONE = select(*API_KEY).where(api_key.c.id == bindparam("id"))
_LIVE = _ONE.where(api_key.c.revoked_at.is_(None), or_(api_key.c.expires_at.is_(None), api_key.c.expires_at > now()))
_LIST = (
    select(*API_KEY)
    .where(api_key.c.tenant == bindparam("tenant"))
    .order_by(api_key.c.created_at.desc(), api_key.c.id.desc())
    .limit(bindparam("limit"))
    .offset(bindparam("offset"))
)
_REVOKE = (
    update(api_key)
    .where(api_key.c.tenant == bindparam("of_tenant"), api_key.c.id == bindparam("the_key"))
    .values(revoked_at=func.coalesce(api_key.c.revoked_at, now()))
    .returning(*API_KEY)
)


class Keys(Verbs):
    async def add_key(self, key: ApiKey) -> ApiKey:
        params = values(key, scopes=list(key.scopes))
        del params["created_at"]

        async def work(tx: Tx) -> ApiKey:
            await tx.run(_INSERT, params)  # its id is new; if it is there, a lost connection had written it
            row = await tx.first(_ONE, id=key.id)
            assert row is not None
            return to_key(row)

        return await self.database.transaction(work)

    async def live_key(self, key_id: str) -> ApiKey | None:
        rows = await self.database.fetch(_LIVE, {"id": key_id})
        return to_key(rows[0]) if rows else None

    async def keys(self, tenant: str, *, limit: int = 100, offset: int = 0) -> list[ApiKey]:
        rows = await self.database.fetch(_LIST, {"tenant": tenant, "limit": limit, "offset": offset})
        return [to_key(row) for row in rows]

    async def revoke_key(self, tenant: str, key_id: str) -> ApiKey:
        rows = await self.database.fetch(_REVOKE, {"of_tenant": tenant, "the_key": key_id}, write=True)
        if not rows:
            raise NotFound(f"There is no API key {key_id}.", key_id=key_id)
        return to_key(rows[0])
