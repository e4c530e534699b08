"""What clients do to a thread: change its metadata, its values and its messages, and copy it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import bindparam, insert, null, select

from agentcore.errors import Conflict, Invalid, LimitExceeded, ThreadBusy
from agentcore.records import Checkpoint, Source, Thread
from agentcore.store.base import Verbs
from agentcore.store.columns import dumps, now
from agentcore.store.database import Tx
from agentcore.store.held import save_thread
from agentcore.store.rows import THREAD, to_thread
from agentcore.store.states import END, checkpoint, timeline
from agentcore.store.tables import item, revision, thread
from agentcore.store.threads import add_thread, lock_there

_MOST = 100_000  # messages that one transaction copies
_PAGE = 500  # checkpoints

_READ = select(*THREAD).where(thread.c.id == bindparam("id"))
_REVISED = select(revision.c.id).where(revision.c.thread_id == bindparam("thread"), revision.c.id == bindparam("id"))
_REVISE = insert(revision).values(created_at=now())
_COPY_REVISION = insert(revision)
_SAY = insert(item)
_ITEM = ["thread_id", "position", "tenant", "run_id", "data"]


def _copied(run_id: Any) -> Any:
    """Items of a thread, once more: further on in it, or in another one."""
    to, shift = bindparam("to", type_=item.c.thread_id.type), bindparam("shift", type_=item.c.position.type)
    found = select(to, item.c.position + shift, item.c.tenant, run_id, item.c.data).where(
        item.c.thread_id == bindparam("from", type_=item.c.thread_id.type),
        item.c.position >= bindparam("start"),
        item.c.position < bindparam("end"),
    )
    return insert(item).from_select(_ITEM, found)


_COPY_ON, _COPY_AWAY = _copied(item.c.run_id), _copied(null())


@dataclass(frozen=True, kw_only=True)
class Change:
    """What a client changes. None: nothing of that kind. `at` is the checkpoint it starts from."""

    metadata: Mapping[str, Any] | None = None
    values: Mapping[str, Any] | None = None
    items: Sequence[Mapping[str, Any]] | None = None
    at: int | None = None


class Revising(Verbs):
    async def patch_thread(
        self, tenant: str, thread_id: str, *, metadata: Mapping[str, Any] | None = None,
        values: Mapping[str, Any] | None = None, items: Sequence[Mapping[str, Any]] | None = None,
        at: int | None = None,
    ) -> Thread:  # fmt: skip
        change, new_id = Change(metadata=metadata, values=values, items=items, at=at), self.new_id()

        async def work(tx: Tx) -> Thread:
            found = await lock_there(tx, tenant, thread_id)
            if not (tx.repeat and await tx.first(_REVISED, thread=thread_id, id=new_id)):
                await save_thread(tx, thread_id, **await self._changes(tx, found, change, new_id))
            row = await tx.first(_READ, id=thread_id)
            assert row is not None
            return to_thread(row)

        return await self.database.transaction(work)

    async def _changes(self, tx: Tx, found: Thread, change: Change, new_id: str) -> dict[str, Any]:
        changes: dict[str, Any] = {}
        if change.metadata is not None:
            changes["metadata"] = {**found.metadata, **change.metadata}
            _check_size("metadata", changes["metadata"], self.settings.metadata_bytes, "AGENTCORE_METADATA_BYTES")
        if change.values is not None or change.items is not None:
            if found.head_id is not None:
                raise ThreadBusy(f"Run {found.head_id} of this thread is unfinished.", run_id=found.head_id)
            changes |= await self._revise(tx, found, change, new_id)
        return changes

    async def _revise(self, tx: Tx, found: Thread, change: Change, new_id: str) -> dict[str, Any]:
        """Store a revision, and go on from the checkpoint that it names: what it had is told once more."""
        newest = await timeline(tx, found, upto=END, limit=1)
        base = newest[0] if newest else None
        changes: dict[str, Any] = {}
        count, source, start = found.item_count, "update", found.branch_start or 0
        if change.at is not None and (base is None or change.at != base.position):
            base = await checkpoint(tx, found, change.at)
            await _copy_items(tx, found, found.id, base, shift=count - base.start, statement=_COPY_ON)
            source, start, count = "fork", count, count + base.end - base.start
            changes |= {"branch_start": start, "summary": None, "summary_until": start}
        state = {**(base.values if base else {}), **(change.values or {})}
        _check_size("values", state, self.settings.input_bytes, "AGENTCORE_INPUT_BYTES")
        said = list(change.items or ())
        about = {"thread_id": found.id, "tenant": found.tenant}
        await tx.run(_SAY, [{**about, "position": n, "run_id": None, "data": one} for n, one in enumerate(said, count)])
        count, position = count + len(said), found.next_position
        kept = {"begin": found.item_count, "start": start, "end": count, "state": state, "source": source}
        await tx.run(_REVISE, {**about, "id": new_id, "position": position, **kept})
        return {**changes, "item_count": count, "next_position": position + 1, "state": state, "revision": position}

    async def copy_thread(self, tenant: str, thread_id: str, new_id: str, *, at: int | None = None) -> Thread:
        async def work(tx: Tx) -> Thread:
            if tx.repeat and (row := await tx.first(_READ, id=new_id)):
                return to_thread(row)
            found = await lock_there(tx, tenant, thread_id)
            newest = await timeline(tx, found, upto=END, limit=1) if at is None else [await checkpoint(tx, found, at)]
            if not await add_thread(tx, _copy_of(found, newest[0] if newest else None, new_id)):
                raise Conflict(f"There is a thread {new_id} already.", thread_id=new_id)
            if newest:
                whole = replace(newest[0], start=0)
                await _copy_items(tx, found, new_id, whole, shift=0, statement=_COPY_AWAY)
                await self._copy_history(tx, found, new_id, newest[0].position)
            row = await tx.first(_READ, id=new_id)
            assert row is not None
            return to_thread(row)

        return await self.database.transaction(work)

    async def _copy_history(self, tx: Tx, found: Thread, new_id: str, upto: int) -> None:
        """The runs stay where they ran: in the copy their checkpoints are revisions."""
        while page := await timeline(tx, found, upto=upto, limit=_PAGE):
            await tx.run(_COPY_REVISION, [self._revision(one, new_id, found.tenant) for one in page])
            upto = page[-1].position - 1

    def _revision(self, one: Checkpoint, thread_id: str, tenant: str) -> dict[str, Any]:
        source: Source = "copy" if one.source == "run" else one.source
        return {
            "thread_id": thread_id, "position": one.position, "id": self.new_id(), "tenant": tenant,
            "begin": one.begin, "start": one.start, "end": one.end, "state": dict(one.values), "source": source,
            "created_at": one.created_at,
        }  # fmt: skip


def _copy_of(found: Thread, last: Checkpoint | None, new_id: str) -> Thread:
    copy = Thread(id=new_id, tenant=found.tenant, agent=found.agent, metadata=found.metadata)
    if last is None:
        return copy
    # A summary holds for all that came before its end, so for a copy that goes on from there.
    fits = last.start <= found.summary_until <= last.end
    return replace(
        copy, next_position=last.position + 1, item_count=last.end, state=last.values, revision=last.position,
        branch_start=last.start or None, summary=found.summary if fits else None,
        summary_until=found.summary_until if fits else last.start,
    )  # fmt: skip


async def _copy_items(tx: Tx, found: Thread, to: str, of: Checkpoint, *, shift: int, statement: Any) -> None:
    if of.end - of.start > _MOST:
        raise LimitExceeded(f"Thread {found.id} has more than {_MOST} messages there, which is too many to copy.")
    await tx.run(statement, {"from": found.id, "to": to, "start": of.start, "end": of.end, "shift": shift})


def _check_size(field: str, value: Any, most: int, setting: str) -> None:
    if (size := len(dumps(value).encode())) > most:
        raise Invalid(f"{field}: {size} bytes in all are more than {setting}={most}.", field=field)
