"""The shipped agents, and a shop that takes the process with it in the middle of a refund: once, where a file asks."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import agentcore.agents  # noqa: F401 - registers them
from agentcore.agents import orders

_refund = orders.refund


def refund(*args: Any, **kwargs: Any) -> orders.Order:
    if (asked := Path("die")).exists():
        asked.unlink()
        os._exit(9)
    return _refund(*args, **kwargs)


orders.refund = refund
