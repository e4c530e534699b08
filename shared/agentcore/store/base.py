"""What all groups of verbs share."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from agentcore.ids import new_id
from agentcore.settings import Settings
from agentcore.store.columns import now
from agentcore.store.database import Database, Tx

_NOW = select(now().label("now"))


class Verbs:
    """A group of the store's verbs."""

    skip_locked = False  # whether a statement may pass over rows that others hold

    def __init__(self, database: Database, settings: Settings) -> None:
        self.database, self.settings = database, settings

    def new_id(self) -> str:
        return new_id()

    async def _meet(self, tx: Tx, event: str, *, waits: bool) -> None:
        """An event and a run about to wait for it must not miss each other: one of them sees the other's commit.

        Nothing is to be done where one transaction writes at a time, or all are serializable.
        """

    async def now(self) -> datetime:
        at: datetime = (await self.database.fetch(_NOW, {}))[0].now
        return at
