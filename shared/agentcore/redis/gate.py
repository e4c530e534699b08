"""Keeps what does not answer from being waited for by everybody."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

log = logging.getLogger("agentcore.redis")
_FIRST, _MOST = 1.0, 30.0  # seconds between two tries while it does not answer


class Gate:
    """Closed for a while after each failure, longer and longer; then one may try for all."""

    def __init__(self, what: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._what, self._clock = what, clock
        self._pause = self._until = 0.0
        self._trying = False

    def enter(self) -> bool:
        """Whether to ask at all."""
        now = self._clock()
        if now < self._until:
            return False
        if self._pause:
            self._trying, self._until = True, now + self._pause
        return True

    def failed(self, error: BaseException) -> None:
        if not self._pause:
            log.warning("%s (%s)", self._what, str(error) or type(error).__name__)
        elif not self._trying:
            return  # it was asked before the first failure, as many may have been
        self._pause = min(_MOST, self._pause * 2) or _FIRST
        self._trying, self._until = False, self._clock() + self._pause

    def answered(self) -> None:
        if self._pause:
            log.info("no more: %s", self._what)
        self._pause = self._until = 0.0
