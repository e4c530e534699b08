"""What webhooks are told: written with the end of a run, claimed for each attempt, settled."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, bindparam, literal, null, select, update

from agentcore.errors import NotFound
from agentcore.records import Delivery
from agentcore.storable import clean
from agentcore.store.base import Verbs
from agentcore.store.columns import later, now
from agentcore.store.rows import DELIVERY, to_delivery
from agentcore.store.tables import delivery

_ID = bindparam("the_delivery", type_=delivery.c.id.type)
_DUE = (
    select(delivery.c.id).where(delivery.c.due_at <= now()).order_by(delivery.c.due_at).limit(bindparam("most"))
)  # fmt: skip


def _take(which: ColumnElement[bool]) -> Any:
    return (
        update(delivery)
        # The second condition is checked again on a row that another claim had locked: each attempt is made once.
        .where(which, delivery.c.due_at <= now())
        .values(
            attempts=delivery.c.attempts + 1, tries=delivery.c.tries + 1, attempted_at=now(), due_at=later("lease")
        )
        .returning(*DELIVERY)
    )  # fmt: skip


_TAKE, _TAKE_SKIPPING = (_take(delivery.c.id.in_(due)) for due in (_DUE, _DUE.with_for_update(skip_locked=True)))
_TAKE_ONE = _take(delivery.c.id == _ID)

_TOLD = {
    "last_status": bindparam("answered", type_=delivery.c.last_status.type),
    "last_error": bindparam("error", type_=delivery.c.last_error.type),
}
# Taken again, or asked for again, it has another due_at: then an older attempt has nothing more to say.
_SETTLE = update(delivery).where(
    delivery.c.id == _ID,
    delivery.c.attempts == bindparam("the_attempt"),
    delivery.c.due_at == bindparam("leased", type_=delivery.c.due_at.type),
)
_END = _SETTLE.values(**_TOLD, status=bindparam("outcome"), due_at=null(), finished_at=now()).returning(delivery.c.id)
_RETRY = _SETTLE.values(**_TOLD, due_at=later("wait")).returning(delivery.c.id)

_OF_RUN = (delivery.c.tenant == bindparam("of_tenant"), delivery.c.run_id == bindparam("the_run"))
_LIST = (
    select(*DELIVERY)
    .where(*_OF_RUN)
    .order_by(delivery.c.created_at, delivery.c.id)
    .limit(bindparam("most"))
    .offset(bindparam("offset"))
)
_AGAIN = (
    update(delivery)
    .where(*_OF_RUN, delivery.c.id == _ID)
    .values(status=literal("pending"), tries=literal(0), due_at=now(), finished_at=null())
    .returning(*DELIVERY)
)


class Deliveries(Verbs):
    async def take_deliveries(self, *, limit: int, lease: float, delivery_id: str | None = None) -> list[Delivery]:
        statement = _TAKE_SKIPPING if self.skip_locked else _TAKE
        if delivery_id is not None:
            statement = _TAKE_ONE
        params = {"most": limit, "lease": lease, "the_delivery": delivery_id}
        return [to_delivery(row) for row in await self.database.fetch(statement, params, write=True)]

    async def settle_delivery(
        self, taken: Delivery, outcome: str, *, answered: int | None = None, error: str | None = None, wait: float = 0.0
    ) -> None:
        statement = _RETRY if outcome == "pending" else _END
        attempt = {"the_delivery": taken.id, "the_attempt": taken.attempts, "leased": taken.due_at}
        params = {**attempt, "outcome": outcome, "answered": answered, "error": clean(error), "wait": wait}
        await self.database.fetch(statement, params, write=True)

    async def deliveries(self, tenant: str, run_id: str, *, limit: int = 50, offset: int = 0) -> list[Delivery]:
        params = {"of_tenant": tenant, "the_run": run_id, "most": limit, "offset": offset}
        return [to_delivery(row) for row in await self.database.fetch(_LIST, params)]

    async def redeliver(self, tenant: str, run_id: str, delivery_id: str) -> Delivery:
        params = {"of_tenant": tenant, "the_run": run_id, "the_delivery": delivery_id}
        rows = await self.database.fetch(_AGAIN, params, write=True)
        if not rows:
            raise NotFound(f"This run has no delivery {delivery_id}.", delivery_id=delivery_id)
        return to_delivery(rows[0])
