"""What a process says about itself."""

from __future__ import annotations

import logging

from agentcore.errors import Misconfigured, Unavailable
from agentcore.settings import Settings

_AWAY = (Unavailable, OSError)  # a connection, or a time-out: the code that met it has done nothing wrong


def set_up(settings: Settings) -> None:
    """Log as the settings say, through the handlers that the host has set up, if any. Raises Misconfigured."""
    level = logging.getLevelNamesMapping().get(settings.log_level.upper())
    if level is None:
        raise Misconfigured(f"AGENTCORE_LOG_LEVEL={settings.log_level!r} is none of debug, info, warning, error.")
    logging.basicConfig(level=max(level, logging.WARNING), format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("agentcore").setLevel(level)


def brief(error: BaseException) -> str:
    """An error in one line, with what brought it about."""
    cause = f" ({_line(error.__cause__)})" if error.__cause__ else ""
    return f"{_line(error)}{cause}"


def trace(log: logging.Logger, error: BaseException) -> BaseException | None:
    """The traceback of an error, for `exc_info`: at once, unless something is merely away."""
    # An outage comes with one for each message, heartbeat and look, and hides what else is wrong.
    return detail(log, error) if isinstance(error, _AWAY) else error


def detail(log: logging.Logger, error: BaseException) -> BaseException | None:
    """The same for errors that are foreseen, of whichever class: only where AGENTCORE_LOG_LEVEL=debug."""
    return error if log.isEnabledFor(logging.DEBUG) else None


def _line(error: BaseException) -> str:
    words = str(error).strip().splitlines()
    return f"{type(error).__name__}: {words[0]}" if words else type(error).__name__
