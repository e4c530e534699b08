"""What readers of runs and threads look at again and again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import BindParameter, bindparam, select

from agentcore.records import Run
from agentcore.store.base import Verbs
from agentcore.store.rows import RUN, to_run
from agentcore.store.tables import run, thread

_AT = (
    select(*RUN)
    .where(run.c.tenant == bindparam("tenant"), run.c.thread_id == bindparam("id"))
    .where(run.c.position >= bindparam("position"))
    .order_by(run.c.position)
    .limit(1)
)
_IDS: BindParameter[str] = bindparam("ids", expanding=True)
_RUNS = select(run.c.id, run.c.last_seq, run.c.status, run.c.fence).where(run.c.id.in_(_IDS))
_THREADS = select(thread.c.id, thread.c.next_position).where(thread.c.id.in_(_IDS))
_MOST = 512  # ids in one statement


class Watching(Verbs):
    async def run_at(self, tenant: str, thread_id: str, position: int) -> Run | None:
        rows = await self.database.fetch(_AT, {"tenant": tenant, "id": thread_id, "position": position})
        return to_run(rows[0]) if rows else None

    async def progress(self, runs: Sequence[str], threads: Sequence[str]) -> Mapping[str, tuple[int, str]]:
        found: dict[str, tuple[int, str]] = {}
        for ids in _batches(runs):
            rows = await self.database.fetch(_RUNS, {"ids": ids})
            found |= {row.id: (row.last_seq, f"{row.status} {row.fence}") for row in rows}
        for ids in _batches(threads):
            found |= {row.id: (row.next_position, "") for row in await self.database.fetch(_THREADS, {"ids": ids})}
        return found


def _batches(ids: Sequence[str]) -> Iterator[list[str]]:
    """In sizes of powers of two, the last id repeated: a statement of each length is one more to prepare."""
    for start in range(0, len(ids), _MOST):
        batch = list(ids[start : start + _MOST])
        yield batch + batch[-1:] * ((1 << (len(batch) - 1).bit_length()) - len(batch))
