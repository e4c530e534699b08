"""The service's verbs for threads: begin, change, copy, delete."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from agentcore.checkpoints import position_of
from agentcore.errors import Invalid, LimitExceeded, NotFound
from agentcore.ports import StateStore
from agentcore.records import Thread
from agentcore.settings import Settings

_COUNTED = 600.0  # seconds that a count of threads is believed, where the limit is far away
_COUNTED_NEAR = 60.0
_TENANTS = 10_000  # whose counts are kept at once


class Threads:
    """Half of `Service`: one transaction of the store each, after a look at what is given."""

    store: StateStore
    settings: Settings

    def __init__(self) -> None:
        self._counts: dict[str, tuple[int, float]] = {}  # by tenant: threads, and until when that is believed

    async def create_thread(
        self, tenant: str, *, thread_id: str | None = None, agent: str = "", metadata: Mapping[str, Any] | None = None
    ) -> tuple[Thread, bool]:
        """A thread, and whether it is new. Invalid (metadata too large), LimitExceeded."""
        self.check_metadata(metadata)
        await self.make_room(tenant, thread_id)
        thread = Thread(id=thread_id or self.store.new_id(), tenant=tenant, agent=agent, metadata=metadata or {})
        return await self.store.create_thread(thread)

    async def patch_thread(
        self, tenant: str, thread_id: str, *, metadata: Mapping[str, Any] | None = None,
        values: Mapping[str, Any] | None = None, items: Sequence[Mapping[str, Any]] | None = None,
        checkpoint_id: str | None = None,
    ) -> Thread:  # fmt: skip
        """Merge metadata and values, add messages; the latter two on the state of a checkpoint, if one is named.

        Raises NotFound (thread, checkpoint), ThreadBusy, Invalid (too large).
        """
        if values is None and items is None:
            checkpoint_id = None  # only metadata: they belong to the thread, not to one of its states
        at = None if checkpoint_id is None else position_of(thread_id, checkpoint_id)
        self.check_size("messages", items or [])
        return await self.store.patch_thread(
            tenant, thread_id, metadata=metadata, values=values, items=items, at=at
        )  # fmt: skip

    async def copy_thread(self, tenant: str, thread_id: str, *, checkpoint_id: str | None = None) -> Thread:
        """A new thread with the state and the history up to a checkpoint (none: the newest). NotFound."""
        at = None if checkpoint_id is None else position_of(thread_id, checkpoint_id)
        await self.make_room(tenant)
        return await self.store.copy_thread(tenant, thread_id, self.store.new_id(), at=at)

    async def make_room(self, tenant: str, thread_id: str | None = None) -> None:
        """Refuse a new thread past the setting. LimitExceeded.

        Counted now and then, not each time, so several processes together may go a little beyond it.
        """
        most, now = self.settings.threads_per_tenant, time.monotonic()
        count, until = self._counts.get(tenant, (most, 0.0))
        if until < now or (count >= most and thread_id is None):
            count = await self.store.count_threads(tenant, most=most)
            until = now + (_COUNTED if count < 0.9 * most else _COUNTED_NEAR)
        if len(self._counts) >= _TENANTS:
            self._counts.clear()
        self._counts[tenant] = (count + (thread_id is None), until)
        if count >= most and not await self._there(tenant, thread_id):
            raise LimitExceeded(f"A tenant can have at most {most} threads (AGENTCORE_THREADS_PER_TENANT).", most=most)

    async def _there(self, tenant: str, thread_id: str | None) -> bool:
        if thread_id is None:
            return False
        try:
            return bool(await self.store.thread(tenant, thread_id))
        except NotFound:
            return False

    def check_metadata(self, metadata: Mapping[str, Any] | None) -> None:
        """Invalid when they are too large."""
        most = self.settings.metadata_bytes
        if metadata and (size := _size(metadata)) > most:
            raise Invalid(f"metadata: {size} bytes are more than AGENTCORE_METADATA_BYTES={most}.", field="metadata")

    def check_size(self, field: str, given: Any) -> None:
        """Invalid when an input is too large."""
        most = self.settings.input_bytes
        if (size := _size(given)) > most:
            raise Invalid(f"{field}: {size} bytes are more than AGENTCORE_INPUT_BYTES={most}.", field=field)


def _size(given: Any) -> int:
    return len(given.encode()) if isinstance(given, str) else len(json.dumps(given))
