"""The store on databases with data-modifying CTEs: the hot verbs as one statement each, without BEGIN and COMMIT."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row

from agentcore.ids import delivery_id
from agentcore.records import Accepted, Ack, Claim, Entry, Finish, Lease, Pause, Requeue, Run
from agentcore.storable import clean
from agentcore.store import statements
from agentcore.store.accepting import Terms, told
from agentcore.store.journal import NEWEST, read_claim
from agentcore.store.reading import missing
from agentcore.store.rows import entries_of, items_of, to_item, to_run, values
from agentcore.store.sql import SqlStore
from agentcore.store.working import ack


class OneStatementStore(SqlStore):
    """One statement for each hot verb; where it cannot decide, the transaction of `SqlStore`."""

    async def _accept(self, run: Run, terms: Terms, *, repeat: bool = False) -> Accepted:
        claimed = terms.lease is not None
        params: dict[str, Any] = {f"new_{name}": value for name, value in values(run).items()}
        params |= {
            "new_status": "running" if claimed else "queued", "new_fence": int(claimed), "claimed": claimed,
            "wait": terms.lease if claimed else terms.redelivery, "window": terms.window if claimed else 0,
            "life": terms.life, "creates": terms.creates, "accepted": told(run), "key": terms.key,
            "request_hash": terms.request_hash,
        }  # fmt: skip
        statement = statements.ACCEPT_KEYED if terms.key else statements.ACCEPT
        rows = await self.database.once(statement, params)
        if not rows:
            return await super()._accept(run, terms, repeat=rows is None)
        added = to_run(rows[0])
        if not claimed:
            return Accepted(run=added, created=True, send=(added.id,))
        line = Entry(seq=1, key="accepted", kind="accepted", data=told(run), created_at=added.created_at)
        return Accepted(run=added, created=True, claim=await self._claim_of(rows[0], (line,), terms.window))

    async def _claim(self, run_id: str, lease: float, window: int) -> Claim | None:
        params = {"the_run": run_id, "lease": lease, "window": window}
        rows = await self.database.fetch(statements.CLAIM_RUN, params)
        if not rows:
            return None
        row = rows[0]
        if row.read_to != row.last_seq:  # the last holder's entries came while this waited for the run's lock
            return await self.database.moment(lambda tx: read_claim(tx, to_run(row), window))
        return await self._claim_of(row, entries_of(row.lines), window)

    async def _claim_of(self, row: Row[Any], entries: tuple[Entry, ...], window: int) -> Claim:
        run, items = to_run(row), items_of(row.items)
        if window and run.history_end and (not items or items[-1].position != run.history_end - 1):
            # The history was written while this waited for the thread's lock.
            wanted = {"id": run.thread_id, "end": run.history_end, "window": window}
            items = tuple(to_item(found) for found in reversed(await self.database.fetch(NEWEST, wanted)))
        return Claim(
            run=run, entries=entries, items=items, summary=row.thread_summary,
            summary_until=row.thread_summary_until, next_position=row.thread_next_position,
        )  # fmt: skip

    async def append(self, lease: Lease, entries: Sequence[Entry], *, renew: float | None = None) -> Ack:
        statement = statements.APPEND if renew is None else statements.APPEND_RENEW
        params = {**_under(lease), "entries": _packed(entries), "lease": renew}
        return ack(await self.database.fetch(statement, params), lease)

    async def _pause(
        self, lease: Lease, entries: Sequence[Entry], to: Pause, redelivery: float, *, repeat: bool = False
    ) -> tuple[str, ...]:
        if not isinstance(to, Requeue):
            return await super()._pause(lease, entries, to, redelivery, repeat=repeat)
        at_once = to.delay <= 0
        params = {
            **_under(lease), "entries": _packed(entries), "wait": redelivery if at_once else to.delay,
            "redelivery": redelivery, "failed": int(to.failed),
        }  # fmt: skip
        rows = await self.database.once(statements.REQUEUE, params)
        if not rows:
            return await super()._pause(lease, entries, to, redelivery, repeat=repeat or rows is None)
        return (lease.run_id,) if at_once or rows[0].cancel_requested else ()

    async def _finish(
        self, lease: Lease, entries: Sequence[Entry], end: Finish, redelivery: float, *, repeat: bool = False
    ) -> tuple[Ack, tuple[str, ...]]:
        statement = statements.FINISH if end.summary is None else statements.FINISH_SUMMARY
        outcome = {f"end_{name}": value for name, value in values(end).items() if name != "items"}
        outcome |= {"end_summary": clean(end.summary), "delivery": delivery_id(lease.run_id)}
        items = [dict(one) for one in end.items]
        params = {**_under(lease), **outcome, "entries": _packed(entries), "items": items, "count": len(items)}
        rows = await self.database.once(statement, params)
        if not rows:
            return await super()._finish(lease, entries, end, redelivery, repeat=repeat or rows is None)
        return ack(rows, lease), ()

    async def entries(
        self, tenant: str, run_id: str, *, after: int = 0, limit: int = 1000, size: int | None = None
    ) -> tuple[Run, list[Entry]]:
        params = {"tenant": tenant, "id": run_id, "after": after, "limit": limit}
        if size is None:
            rows = await self.database.fetch(statements.ENTRIES, params)
        else:
            rows = await self.database.fetch(statements.ENTRIES_SIZED, {**params, "size": size})
        if not rows:
            raise missing(run_id)
        return to_run(rows[0]), list(entries_of(rows[0].lines))


def _under(lease: Lease) -> dict[str, Any]:
    return {"the_run": lease.run_id, "the_fence": lease.fence}


def _packed(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    return [{"key": e.key, "kind": e.kind, "data": e.data} for e in entries]
