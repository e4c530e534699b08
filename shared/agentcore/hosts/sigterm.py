"""SIGTERM, for code inside a server that keeps it to itself."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from typing import Any


def on_sigterm(do: Callable[[], None]) -> None:
    """Call `do` in this loop when SIGTERM comes, before the server begins to stop.

    Servers tell an application of their end only when all answers have ended, and streams and runs may take for ever.
    Nothing happens where no server handles the signal: then the process ends at once, as by default.
    """
    loop, before = asyncio.get_running_loop(), signal.getsignal(signal.SIGTERM)

    def heard(*args: Any) -> None:
        loop.call_soon_threadsafe(do)
        if callable(before):
            before(*args)

    if callable(before):
        signal.signal(signal.SIGTERM, heard)
