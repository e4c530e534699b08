"""What a subscription to a thread is sent: the protocol events it wants, from the one on that it has not."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from agentcore.api import state
from agentcore.api.frames import Frame, Since, Wanted, seq_after
from agentcore.api.mapping import LATER, RunFrames
from agentcore.records import Run
from agentcore.service import Service

Frames = AsyncGenerator[Frame, None]


@dataclass
class Gate:
    """Lets through what one subscription wants, once it has passed what the client already has."""

    wanted: Wanted
    since: Since
    open: bool = False
    told: bool = False
    start: Since = field(init=False)

    def __post_init__(self) -> None:
        self.start = self.since

    def had(self, frame: Frame) -> bool:
        """Whether it let this frame through before it was shut again."""
        return not self.open and self.start.passed_by(frame) and self.wanted.has(frame)

    def begins(self) -> bool:
        """Whether the client is to be told the state now, before anything else. Once."""
        told, self.told = self.told, True
        return not told and self.wanted.has(Frame(method="values", data=None))

    def passes(self, frame: Frame) -> bool:
        """To be asked about each frame in order. One without a place belongs to those around it."""
        self.open = self.open or self.since.passed_by(frame)
        return self.open and self.wanted.has(frame)


async def current(verbs: Service, tenant: str, thread_id: str) -> Since:
    """From where a reader reads who does not say: the start of the run at work, else of the last one. NotFound."""
    thread = await verbs.store.thread(tenant, thread_id)
    if thread.head_id is not None:
        return before(await verbs.store.run(tenant, thread.head_id))
    last = await verbs.store.runs(tenant, thread_id=thread_id, limit=1)
    return before(last[0]) if last else Since()


def before(run: Run) -> Since:
    """Before all events of a run."""
    return Since(seq=seq_after(run.position - 1))


async def follow(verbs: Service, tenant: str, thread_id: str, since: Since, passes: Callable[[Frame], bool]) -> Frames:
    """A thread's protocol events from the run on in which `since` is; those that pass. It has no end."""
    frames: RunFrames | None = None
    async with aclosing(verbs.thread_news(tenant, thread_id, since.cursor())) as news:
        async for run, event in news:
            if frames is None or frames.run.id != run.id:
                frames = RunFrames(run)
            for frame in frames.take(event):
                if passes(frame):
                    yield frame if frame.data is not LATER else await _filled(verbs, tenant, frame, run)


async def snapshot(verbs: Service, tenant: str, thread_id: str) -> Frame:
    """The state as it is now: what a subscription to `values` begins with. It is no event, so it has no place."""
    values, _ = await state.values(verbs, tenant, thread_id)
    return Frame(method="values", data=values, timestamp=int(time.time() * 1000))


async def _filled(verbs: Service, tenant: str, frame: Frame, run: Run) -> Frame:
    values, _ = await state.values(verbs, tenant, run.thread_id, upto=run.position)
    return replace(frame, data=values)
