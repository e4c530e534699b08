"""What was begun for an event of a host is finished or handed over before the host has its answer."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from agentcore.deadline import Deadline
from agentcore.hosts.lambda_web_adapter import web_adapter_seconds
from agentcore.stint import current, stint

pytestmark = pytest.mark.anyio


async def test_background_work_is_awaited_also_what_it_begins_itself() -> None:
    done: list[str] = []

    async def inner() -> None:
        await asyncio.sleep(0.01)
        done.append("inner")

    async def outer() -> None:
        await asyncio.sleep(0.01)
        mine = current()
        assert mine is not None
        mine.add(asyncio.create_task(inner()))
        done.append("outer")

    async with stint(Deadline(60), margin=5.0) as one:
        one.add(asyncio.create_task(outer()))
    assert done == ["outer", "inner"]
    assert current() is None


async def test_a_slice_is_told_to_end_and_what_does_not_is_left_to_itself() -> None:
    hangs = asyncio.Event()
    async with stint(Deadline(60), margin=0.05) as one:
        deadline = one.slice(600)
        assert 50 < deadline.left <= 60
        task = asyncio.create_task(hangs.wait())
        one.add(task)
    assert deadline.passed
    assert not task.done()
    hangs.set()
    await task


async def test_events_at_the_same_time_do_not_end_each_other() -> None:
    async def event(seconds: float) -> bool:
        async with stint(Deadline(60), margin=5.0) as one:
            deadline = one.slice(600)
            await asyncio.sleep(seconds)
            return deadline.passed

    assert list(await asyncio.gather(event(0.0), event(0.05))) == [False, False]


def test_a_slice_is_no_longer_than_its_event_and_whole_only_where_that_is_all_there_ever_is() -> None:
    event = Deadline(100)
    assert event.part(600, margin=5).whole
    assert event.part(50, margin=5).whole
    event.bring_forward(20)
    late = event.part(600, margin=5)
    assert late.left <= 20
    assert not late.whole


def test_a_slice_that_lost_its_time_to_imports_does_not_show_what_fits_into_one() -> None:
    now = time.monotonic()
    deadline = Deadline(10)
    assert deadline.fills(now + 1)
    assert not deadline.fills(now + 5)


def test_the_web_adapter_tells_how_long_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its README: the header x-amzn-lambda-context is the context as JSON, with `deadline` in ms since the epoch."""
    context = b'{"request_id": "1", "deadline": %d}' % int((time.time() + 60) * 1000)
    scope: dict[str, Any] = {"headers": [(b"host", b"x"), (b"x-amzn-lambda-context", context)]}
    assert web_adapter_seconds(scope) is None  # anybody could send this header elsewhere
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "f")
    assert 50 < (web_adapter_seconds(scope) or 0) <= 60
    assert web_adapter_seconds({"headers": []}) is None
