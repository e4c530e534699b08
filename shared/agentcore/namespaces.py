"""Namespaces of the store as one text each: a path, whose beginning is a range of an index. Pure.

Each part is escaped as in a JSON Pointer (RFC 6901, section 3: `~` is `~0`, `/` is `~1`) and ends with a slash. No part
has a bare slash, so no two namespaces share a path, and one is the beginning of another exactly when its path is: `a/`
of `a/b/`, and not of `ab/`. The root is the empty path.
"""

from __future__ import annotations

from collections.abc import Sequence

_MOST = 255  # repetitions in a pattern of PostgreSQL; the API allows no namespace that is nearly as deep


def path(namespace: Sequence[str]) -> str:
    return "".join(part.replace("~", "~0").replace("/", "~1") + "/" for part in namespace)


def parts(path: str) -> tuple[str, ...]:
    """The namespace of a path."""
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[:-1])


def end(path: str) -> str:
    """The first text after all that begin with this path, which is not the root's, compared byte by byte."""
    return path[:-1] + "0"  # the character after the slash


def head(depth: int) -> str:
    """A pattern, in every database's dialect, of the first so many parts of a path."""
    return f"^([^/]*/){{0,{min(depth, _MOST)}}}"
