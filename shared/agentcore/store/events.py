"""Events from outside, and the runs that sleep until one comes."""

from __future__ import annotations

from sqlalchemy import bindparam, or_, select

from agentcore.records import Event
from agentcore.store.accepting import scoped, take_key
from agentcore.store.base import Verbs
from agentcore.store.database import Tx
from agentcore.store.held import lock_run
from agentcore.store.tables import subscription
from agentcore.store.waking import wake

# In the order of their ids, so that two events that wake the same runs do not lock each other out.
_WAITING = (
    select(subscription.c.run_id, subscription.c.key)
    .where(subscription.c.tenant == bindparam("tenant"), subscription.c.name == bindparam("name"))
    .where(or_(subscription.c.correlation == "", subscription.c.correlation == bindparam("correlation")))
    .order_by(subscription.c.run_id)
)
_STILL = _WAITING.where(subscription.c.run_id == bindparam("run_id"))


class Events(Verbs):
    async def signal(self, event: Event, *, redelivery: float) -> tuple[bool, tuple[str, ...]]:
        key = scoped("event", event.source, event.id)

        async def work(tx: Tx) -> tuple[bool, tuple[str, ...]]:
            await self._meet(tx, event.name, waits=False)
            said = {"name": event.name, "correlation": event.correlation, "data": event.data}
            if not await take_key(tx, event.tenant, key, **said):
                return False, ()
            send: list[str] = []
            wanted = {"tenant": event.tenant, "name": event.name, "correlation": event.correlation}
            for waiting in await tx.all(_WAITING, **wanted):
                held = await lock_run(tx, waiting.run_id)
                # Read again under the lock: it may have woken meanwhile, and sleep elsewhere.
                still = await tx.first(_STILL, **wanted, run_id=waiting.run_id)
                if held and still and held.run.status == "sleeping":
                    told = {"by": "event", "data": event.data, "redelivery": redelivery, "key": still.key}
                    send += await wake(tx, held, **told)
            return True, tuple(send)

        return await self.database.transaction(work)
