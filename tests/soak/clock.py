"""A process that believes in another time than its neighbours. Only what counts seconds goes on as before."""

from __future__ import annotations

import datetime as calendar
import time
from datetime import datetime, tzinfo
from typing import Any

RIGHT = time.time  # as it was before anything here was wrong


class _Everywhere(type):
    """What the database and C code make are times too."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, datetime)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, datetime)


def skew(seconds: float) -> None:
    """Be wrong by so much from now on. To be called before anything else is imported."""
    right_ns = time.time_ns

    class Wrong(datetime, metaclass=_Everywhere):
        __slots__ = ()  # C code knows how large a time is

        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]  # nothing here adds to datetime
            return datetime.fromtimestamp(time.time(), tz)

        @classmethod
        def utcnow(cls) -> datetime:  # type: ignore[override]
            return datetime.fromtimestamp(time.time(), calendar.UTC).replace(tzinfo=None)

        @classmethod
        def today(cls) -> datetime:  # type: ignore[override]
            return datetime.fromtimestamp(time.time())

    time.time = lambda: RIGHT() + seconds
    time.time_ns = lambda: right_ns() + int(seconds * 1e9)
    calendar.datetime = Wrong  # type: ignore[misc]
