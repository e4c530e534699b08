"""The names of checkpoints, what they contain of each other, and what contains what."""

from __future__ import annotations

from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentcore.api.pages import spans
from agentcore.checkpoints import checkpoint_id, position_of
from agentcore.errors import NotFound
from agentcore.matching import contains

POSITION = st.integers(min_value=0, max_value=2**31 - 1)
RANGE = st.tuples(st.integers(0, 30), st.integers(0, 30))


@given(st.uuids(), POSITION)
def test_a_checkpoint_is_found_by_its_name(thread: UUID, position: int) -> None:
    name = checkpoint_id(str(thread), position)
    assert UUID(name).version == 8
    assert position_of(str(thread), name) == position
    assert position_of(str(thread), name.upper()) == position


@given(st.uuids(), POSITION)
def test_a_name_of_another_thread_is_none_of_this(thread: UUID, position: int) -> None:
    with pytest.raises(NotFound):
        position_of(str(uuid4()), checkpoint_id(str(thread), position))
    with pytest.raises(NotFound):
        position_of(str(thread), str(uuid4()))


@given(st.lists(RANGE, max_size=6))
def test_the_fewest_ranges_have_the_same_positions(ranges: list[tuple[int, int]]) -> None:
    found = spans(ranges)
    assert {n for a, b in found for n in range(a, b)} == {n for a, b in ranges for n in range(a, b)}
    assert all(before[1] < after[0] for before, after in pairwise(found))


CONTAINED: list[tuple[Any, Any, bool]] = [
    ({"a": 1, "b": 2}, {"a": 1}, True), ({"a": 1}, {"a": 1, "b": 2}, False), ({"a": 1}, {}, True), ([1], {}, False),
    ({"a": {"b": 1, "c": 2}}, {"a": {"c": 2}}, True), ({"a": None}, {"a": None}, True), ({}, {"a": None}, False),
    ([1, 2, [3]], [[3], 1], True), ([1, 2], [1, 1], True), ([1], [2], False), ({"a": [1]}, {"a": 1}, False),
    ([1], 1, True), ([[1]], 1, False), (1, [1], False), ({"a": 1}, {"a": True}, False), ({"a": 1}, {"a": 1.0}, True),
    ([{"a": 1, "b": 2}], [{"b": 2}], True), ([True], True, True), ([1], True, False), ("ab", "a", False),
    ([], [], True), ({"a": []}, {"a": []}, True),
]  # fmt: skip


@pytest.mark.parametrize(("whole", "part", "does"), CONTAINED)
def test_containing_is_what_postgresql_says_it_is(whole: Any, part: Any, does: bool) -> None:
    assert contains(whole, part) is does
