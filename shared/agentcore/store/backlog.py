"""What is unfinished, as a scrape of the metrics asks for it."""

from __future__ import annotations

from sqlalchemy import and_, case, func, null, select, union_all

from agentcore.records import Backlog
from agentcore.store.base import Verbs
from agentcore.store.columns import now
from agentcore.store.tables import entry, run

_MOST = 10_000  # rows of each kind that are looked at: it bounds what a scrape costs

# Runs at the head of their thread, those first that must be looked at first: what is queued or running comes before
# what sleeps for long.
_heads = (
    select(run.c.id, run.c.thread_id, run.c.position, run.c.status, run.c.last_seq, run.c.created_at, run.c.started_at)
    .where(run.c.wake_at.is_not(None))
    .order_by(run.c.wake_at)
    .limit(_MOST)
    .subquery("heads")
)
# Those behind a head have no wake_at. No index has them alone, so they are looked for among the newest.
_newest = (
    select(run.c.status, run.c.wake_at)
    .where(run.c.finished_at.is_(None))
    .order_by(run.c.id.desc())
    .limit(_MOST)
    .subquery("newest")
)
_each = union_all(select(_heads.c.status), select(_newest.c.status).where(_newest.c.wake_at.is_(None))).subquery("each")
_STATES = select(_each.c.status, func.count().label("runs")).group_by(_each.c.status)

# wake_at does not say since when a run is queued: each sweep moves it. A run that never began could do so when it was
# accepted, or when the one before it ended; another since its last entry. Where that is the beginning of a wait that a
# time has ended since, nothing says when that was.
_before = run.alias("before")
_first = case((_before.c.finished_at > _heads.c.created_at, _before.c.finished_at), else_=_heads.c.created_at)
_again = case((entry.c.kind.in_(("slept", "asked", "retried")), null()), else_=entry.c.created_at)
_since = case((_heads.c.started_at.is_(None), _first), else_=_again)
_OLDEST = (
    select(func.min(_since).label("since"), now().label("now"))
    .select_from(_heads)
    .outerjoin(
        _before, and_(_before.c.thread_id == _heads.c.thread_id, _before.c.position == _heads.c.position - 1)
    )
    .outerjoin(entry, and_(entry.c.run_id == _heads.c.id, entry.c.seq == _heads.c.last_seq))
    .where(_heads.c.status == "queued")
)  # fmt: skip


class Unfinished(Verbs):
    async def backlog(self) -> Backlog:
        states = await self.database.fetch(_STATES, {})
        (oldest,) = await self.database.fetch(_OLDEST, {})
        age = (oldest.now - oldest.since).total_seconds() if oldest.since is not None else 0.0
        return Backlog(runs={row.status: row.runs for row in states}, queue_age=max(0.0, age))
