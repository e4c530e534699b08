"""Which messages of a partition are done, for logs that only know "all before this one"."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from threading import Lock


class Offsets:
    """Per partition: what was taken and not settled, and from where a successor must go on."""

    def __init__(self) -> None:
        self._open: dict[int, set[int]] = {}
        self._next: dict[int, int] = {}
        self._moved: set[int] = set()  # partitions in which the place to go on from is another than was told
        self._lock = Lock()  # taken in the client's thread, settled in others

    def take(self, partition: int, offset: int) -> None:
        with self._lock:
            self._open.setdefault(partition, set()).add(offset)
            self._next[partition] = max(offset + 1, self._next.get(partition, 0))

    def settle(self, partition: int, offset: int) -> None:
        """A partition that was lost meanwhile is its new owner's affair."""
        with self._lock:
            waiting = self._open.get(partition)
            if waiting is None or offset not in waiting:
                return
            if offset == min(waiting):
                self._moved.add(partition)
            waiting.remove(offset)

    def moved(self) -> Mapping[int, int]:
        """From where to go on, in each partition in which that has changed since this was last asked."""
        with self._lock:
            moved, self._moved = self._moved, set()
            return {partition: self._from(partition) for partition in moved}

    def resume(self) -> Mapping[int, int]:
        """From where to go on, in each partition."""
        with self._lock:
            return {partition: self._from(partition) for partition in self._next}

    def lose(self, partitions: Iterable[int]) -> None:
        with self._lock:
            for partition in partitions:
                self._open.pop(partition, None)
                self._next.pop(partition, None)
                self._moved.discard(partition)

    def _from(self, partition: int) -> int:
        return min(self._open.get(partition) or (self._next[partition],))
