"""The store over SQL: each verb one transaction of several statements, the same on every database."""

from __future__ import annotations

from agentcore.store.accepting import Accepting
from agentcore.store.backlog import Unfinished
from agentcore.store.deciding import Deciding
from agentcore.store.deliveries import Deliveries
from agentcore.store.due import Due
from agentcore.store.events import Events
from agentcore.store.forgetting import Forgetting
from agentcore.store.hints import NoHints
from agentcore.store.keys import Keys
from agentcore.store.leaving import Leaving
from agentcore.store.reading import Reading
from agentcore.store.redriving import Redriving
from agentcore.store.revising import Revising
from agentcore.store.ringing import Ringing
from agentcore.store.schedules import Schedules
from agentcore.store.searching import Searching
from agentcore.store.states import States
from agentcore.store.storeitems import StoreItems
from agentcore.store.threads import Threads
from agentcore.store.usage import UsageOfRuns
from agentcore.store.watching import Watching
from agentcore.store.working import Working


class SqlStore(
    Threads, States, Searching, Revising, Forgetting, Accepting, Redriving, Working, Leaving, Deciding, Events, Reading,
    Watching, Due, Schedules, Ringing, Deliveries, StoreItems, Keys, UsageOfRuns, Unfinished, NoHints,
):  # fmt: skip
    """Implements `ports.StateStore`. As it is, it serves SQLite."""

    async def open(self) -> None:
        """Nothing: connections are made on use, so that a cold start pays for those it needs."""

    async def close(self) -> None:
        await self.database.close()

    async def migrate(self) -> None:
        from agentcore.store.migrating import migrate  # alembic is slow to import, and seldom needed

        await migrate(self.database)
        if role := self.settings.database_grant:
            from agentcore.store.granting import grant

            await grant(self.database, role)
