"""Imports that take long, and the garbage collector, which takes a quarter of their time and finds nothing."""

from __future__ import annotations

import gc
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType


def collect_seldom() -> None:
    """For a process that is ours alone, before it imports anything."""
    gc.set_threshold(50_000, 20, 50)


@cache
def engine() -> ModuleType:
    """`agentcore.engine` and with it the SDK: a second or two, paid when the first run executes and never before.

    What is imported stays, so no collection looks at it, neither meanwhile nor ever again.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        from agentcore import engine as found
    finally:
        gc.freeze()
        if collects:
            gc.enable()
    return found
