"""What a process says about itself."""

from __future__ import annotations

import logging

from agentcore.errors import Misconfigured
from agentcore.settings import Settings


def set_up(settings: Settings) -> None:
    """Log as the settings say, through the handlers that the host has set up, if any. Raises Misconfigured."""
    level = logging.getLevelNamesMapping().get(settings.log_level.upper())
    if level is None:
        raise Misconfigured(f"AGENTCORE_LOG_LEVEL={settings.log_level!r} is none of debug, info, warning, error.")
    logging.basicConfig(level=max(level, logging.WARNING), format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("agentcore").setLevel(level)
