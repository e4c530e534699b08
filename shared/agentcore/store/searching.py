"""Threads as clients see them, one by one and by what they have."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Integer, Row, Select, and_, bindparam, case, func, literal, select

from agentcore.records import Item, State, ThreadStatus
from agentcore.store.base import Verbs
from agentcore.store.columns import Json, contains
from agentcore.store.rows import THREAD, to_item, to_thread
from agentcore.store.states import LEFT, values_of
from agentcore.store.tables import item, run, thread
from agentcore.store.threads import missing

_MESSAGES = 10_000  # of one answer, shared by the threads in it


def _of_thread(column: ColumnElement[Any], *wanted: ColumnElement[bool]) -> Any:
    """A column of the newest of a thread's runs that fit: one step in the index by position."""
    newest = select(column).where(run.c.thread_id == thread.c.id, *wanted).order_by(run.c.position.desc()).limit(1)
    return newest.correlate(thread).scalar_subquery()


_SINCE = run.c.position > func.coalesce(thread.c.revision, 0)
_DONE = and_(run.c.status == "succeeded", _SINCE)
_HEAD = select(run.c.status).where(run.c.id == thread.c.head_id).correlate(thread).scalar_subquery()
STATUS = case(
    (and_(thread.c.head_id.is_not(None), _HEAD == "waiting"), literal("interrupted")),
    (thread.c.head_id.is_not(None), literal("busy")),
    (_of_thread(run.c.status, LEFT).in_(("failed", "expired")), literal("error")),
    else_=literal("idle"),
)
_REQUEST, _OUTPUT = _of_thread(run.c.request, LEFT, _SINCE), _of_thread(run.c.output, _DONE)
_IS_DONE = _of_thread(run.c.id, _DONE)
_SEEN = select(
    *THREAD, STATUS.label("status"), _REQUEST.label("request"), _OUTPUT.label("output"), _IS_DONE.label("done")
).where(thread.c.tenant == bindparam("tenant"), thread.c.deleted_at.is_(None))  # fmt: skip
_ONE = _SEEN.where(thread.c.id == bindparam("id"))
_NEWEST_FIRST = (thread.c.created_at.desc(), thread.c.id.desc())
_PAGE = _SEEN.order_by(*_NEWEST_FIRST).limit(bindparam("limit")).offset(bindparam("offset"))

# A filter that no index serves looks at so many of the newest threads, whatever it finds: that bounds its cost.
_recent = thread.alias("recent")
_RECENT = thread.c.id.in_(
    select(_recent.c.id)
    .where(_recent.c.tenant == bindparam("tenant"), _recent.c.deleted_at.is_(None))
    .order_by(_recent.c.created_at.desc(), _recent.c.id.desc())
    .limit(bindparam("rows", type_=Integer))
    .scalar_subquery()
)


def _wanted(name: str) -> Any:
    return bindparam(name, type_=Json)


_FILTERS: Mapping[str, ColumnElement[bool]] = {
    "status": bindparam("status") == STATUS,
    "metadata": contains(thread.c.metadata, _wanted("metadata")),
    "values": contains(thread.c.state, _wanted("values")),
    "output": case(
        (_IS_DONE.is_not(None), contains(_OUTPUT, _wanted("output"))),
        else_=contains(thread.c.state, _wanted("set_output")),
    ),
    "input": case(
        (contains(_REQUEST, literal({"values": {}}, type_=Json)), contains(_REQUEST, _wanted("input"))),
        else_=contains(thread.c.state, _wanted("set_input")),
    ),
}


@cache  # a new statement each time would be compiled each time
def _search(given: tuple[str, ...]) -> Select[Any]:
    return _PAGE.where(_RECENT, *(_FILTERS[name] for name in given)) if given else _PAGE


_ITEMS = (
    select(item.c.thread_id, item.c.position, item.c.run_id, item.c.data)
    .join_from(item, thread, thread.c.id == item.c.thread_id)
    .where(thread.c.tenant == bindparam("tenant"), thread.c.id.in_(bindparam("ids", expanding=True)))
    .where(item.c.position >= func.coalesce(thread.c.branch_start, 0))
    .where(item.c.position >= thread.c.item_count - bindparam("most", type_=Integer))
    .where(item.c.position < thread.c.item_count)
    .order_by(item.c.thread_id, item.c.position)
)


class Searching(Verbs):
    async def state(self, tenant: str, thread_id: str, *, items: int = 0) -> State:
        rows = await self.database.fetch(_ONE, {"tenant": tenant, "id": thread_id})
        if not rows:
            raise missing(thread_id)
        return (await self._with_items(tenant, rows, items))[0]

    async def states(
        self, tenant: str, *, metadata: Mapping[str, Any] | None = None, values: Mapping[str, Any] | None = None,
        status: str | None = None, limit: int = 50, offset: int = 0, items: int = 0,
    ) -> list[State]:  # fmt: skip
        given, params = _filters(metadata, values, status)
        params |= {"tenant": tenant, "limit": limit, "offset": offset, "rows": self.settings.search_rows}
        rows = await self.database.fetch(_search(given), params)
        return await self._with_items(tenant, rows, items)

    async def _with_items(self, tenant: str, rows: Sequence[Row[Any]], most: int) -> list[State]:
        said: defaultdict[str, list[Item]] = defaultdict(list)
        if most and rows:
            share = min(most, max(1, _MESSAGES // len(rows)))
            wanted = {"tenant": tenant, "ids": [row.id for row in rows], "most": share}
            for row in await self.database.fetch(_ITEMS, wanted):
                said[row.thread_id].append(to_item(row))
        return [_state(row, said[row.id]) for row in rows]


def _filters(
    metadata: Mapping[str, Any] | None, values: Mapping[str, Any] | None, status: str | None
) -> tuple[tuple[str, ...], dict[str, Any]]:
    """The conditions that are asked for, and what they compare with."""
    params: dict[str, Any] = {"status": status} if status else {}
    if metadata:
        params["metadata"] = dict(metadata)
    if rest := {name: value for name, value in (values or {}).items() if name not in ("input", "output")}:
        params["values"] = rest
    if values and "input" in values:
        params |= {"input": {"values": values["input"]}, "set_input": {"input": values["input"]}}
    if values and "output" in values:
        params |= {"output": values["output"], "set_output": {"output": values["output"]}}
    return tuple(name for name in _FILTERS if name in params), params


def _state(row: Row[Any], said: Sequence[Item]) -> State:
    found = to_thread(row)
    status: ThreadStatus = row.status
    values = values_of(found.state, row.request, (row.output,) if row.done else ())
    return State(thread=found, status=status, values=values, items=tuple(said))
