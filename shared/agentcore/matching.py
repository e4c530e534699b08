"""Whether one JSON value contains another, as PostgreSQL's `@>` has it: for databases that do not, and for lists."""

from __future__ import annotations

from typing import Any


def contains(whole: Any, part: Any) -> bool:
    """Objects contain a part of their members, arrays a part of their elements in any order; the rest must be equal.

    PostgreSQL 18, section 8.14.3, with its exception: an array as the whole contains a bare element.
    """
    if isinstance(whole, list) and not isinstance(part, list | dict):
        return any(_within(one, part) for one in whole)
    return _within(whole, part)


def _within(whole: Any, part: Any) -> bool:
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(k in whole and _within(whole[k], v) for k, v in part.items())
    if isinstance(part, list):
        return isinstance(whole, list) and all(any(_within(one, v) for one in whole) for v in part)
    return isinstance(whole, bool) == isinstance(part, bool) and bool(whole == part)
