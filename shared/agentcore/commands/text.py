"""Text from models, tools and users, as a terminal may show it."""

from __future__ import annotations

import unicodedata


def clean(text: str) -> str:
    """Without control characters: what a model or a tool says must not steer the terminal."""
    return "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs"))


def shorten(text: str, most: int) -> str:
    """One line of at most so many characters."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"
