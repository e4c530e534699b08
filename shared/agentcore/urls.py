"""URLs of adapters, as they may be shown."""

from __future__ import annotations

import re
from pathlib import Path

_USER = re.compile(r"(://[^/?#@:]*):.*@")  # a password may hold any character, unescaped ones too
_QUERY = re.compile(r"(?i)([?&](?:[^=&]*(?:password|secret|token|key)[^=&]*)=)[^&]*")


def masked(url: str) -> str:
    """The URL without its secrets."""
    return _QUERY.sub(r"\1***", _USER.sub(r"\1:***@", url))


def database_file(url: str) -> Path | None:
    """The file behind a database URL, if there is one."""
    if not url.startswith("sqlite"):
        return None
    name = url.partition("://")[2].partition("/")[2].partition("?")[0]
    return Path(name) if name and name != ":memory:" else None
