"""Several things at once, until the first of them ends; what went wrong meanwhile, in words."""

from __future__ import annotations

import asyncio
import traceback
from collections import Counter
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

_HERE = str(Path(__file__).parent)


async def until_one_ends(limit: float, parts: dict[str, Coroutine[Any, Any, None]]) -> list[str]:
    """Run these until one of them returns or fails, or the time is up; the others are cancelled then."""
    tasks = [asyncio.create_task(part, name=name) for name, part in parts.items()]
    try:
        done, _ = await asyncio.wait(tasks, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
        if not done:
            return [f"after {limit:.0f} s it had not come to its end: {places()}"]
        return [words for one in done if (error := one.exception()) for words in _told(one.get_name(), error)]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _told(name: str, error: BaseException) -> Iterator[str]:
    """Each error within, and where it came from. The whole of it is printed."""
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from _told(name, one)
        return
    traceback.print_exception(error)
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(_HERE)]
    at = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    yield f"{name}: {type(error).__name__}: {error}{at}"


def places() -> str:
    """Where in this folder all tasks of the loop are, and how many at each place."""
    found = Counter(place for task in asyncio.all_tasks() if (place := _place(task)))
    return ", ".join(f"{count} at {place}" for place, count in found.most_common())


def _place(task: asyncio.Task[Any]) -> str:
    inner: Any = task.get_coro()
    place = ""
    while inner is not None:
        frame = getattr(inner, "cr_frame", None)
        if frame is not None and frame.f_code.co_filename.startswith(_HERE):
            place = f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
        inner = getattr(inner, "cr_await", None)
    return place
