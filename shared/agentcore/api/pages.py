"""The messages of many checkpoints, read at once: those of one mostly begin with those of the one before."""

from __future__ import annotations

from collections.abc import Sequence

from agentcore.ports import StateStore
from agentcore.records import Checkpoint, Item

_MOST = 10_000  # messages of one answer, shared by its checkpoints


async def messages_of(
    store: StateStore, tenant: str, thread_id: str, checkpoints: Sequence[Checkpoint]
) -> list[list[Item]]:
    """The newest messages of each checkpoint."""
    share = _MOST // max(1, len(checkpoints))
    wanted = [(max(one.start, one.end - share), one.end) for one in checkpoints]
    items: dict[int, Item] = {}
    for start, end in spans(wanted):
        items |= {item.position: item for item in await store.items(tenant, thread_id, start=start, end=end)}
    return [[items[n] for n in range(start, end) if n in items] for start, end in wanted]


def spans(ranges: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The same positions in the fewest ranges."""
    found: list[tuple[int, int]] = []
    for start, end in sorted(one for one in ranges if one[0] < one[1]):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found
