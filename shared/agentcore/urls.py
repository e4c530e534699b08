"""URLs of adapters, as they may be shown."""

from __future__ import annotations

import re

_USER = re.compile(r"(://[^/?#@:]*):.*@")  # a password may hold any character, unescaped ones too
_QUERY = re.compile(r"(?i)([?&](?:[^=&]*(?:password|secret|token|key)[^=&]*)=)[^&]*")


def masked(url: str) -> str:
    """The URL without its secrets."""
    return _QUERY.sub(r"\1***", _USER.sub(r"\1:***@", url))
