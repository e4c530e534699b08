"""Namespaces and their paths: none is taken for another, and the beginning of one is the beginning of the other."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from agentcore import namespaces

# Few characters, so that much begins alike; the escape and the separator among them.
part = st.text("/~01a", min_size=1, max_size=4) | st.text(
    st.characters(exclude_categories=["Cs"]), min_size=1, max_size=3
)
namespace = st.lists(part, max_size=5).map(tuple)


@given(namespace)
def test_a_path_is_read_back(one: tuple[str, ...]) -> None:
    assert namespaces.parts(namespaces.path(one)) == one


@given(namespace, namespace)
def test_a_prefix_is_a_range_of_bytes(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    below = other[: len(one)] == one
    path = namespaces.path(other).encode()
    assert path.startswith(namespaces.path(one).encode()) == below
    if one:
        start = namespaces.path(one)
        assert (start.encode() <= path < namespaces.end(start).encode()) == below


@given(namespace, st.integers(0, 6))
def test_the_head_of_a_path_is_that_of_its_first_parts(one: tuple[str, ...], depth: int) -> None:
    found = re.match(namespaces.head(depth), namespaces.path(one))
    assert found is not None
    assert namespaces.parts(found[0]) == one[:depth]
