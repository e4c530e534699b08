"""A reader that does not read costs nothing; one that does is told what it lacks."""

from __future__ import annotations

import asyncio

import pytest

from agentcore.events import Begun, Delta
from agentcore.live import MOST, Feed, Live
from agentcore.look import LEAST, Look
from agentcore.records import Entry


def entry(seq: int) -> Entry:
    return Entry(key=str(seq), kind="model", data={"text": "x" * 1000}, seq=seq)


def test_a_feed_keeps_so_much_and_then_nothing_until_it_is_read() -> None:
    feed = Feed()
    for n in range(MOST + 500):
        feed.put(entry(n))
    assert len(list(feed.drain())) == 0
    assert feed.stale()
    feed.put(entry(9999))
    assert [one.seq for one in feed.drain() if isinstance(one, Entry)] == [9999]
    assert not feed.stale()


def test_a_hint_keeps_what_is_there() -> None:
    feed = Feed()
    feed.put(entry(1))
    feed.put(None)
    feed.put(entry(2))
    assert [one.seq for one in feed.drain() if isinstance(one, Entry)] == [1, 2]
    assert feed.stale()


def test_a_reader_is_woken_for_what_it_does_not_know() -> None:
    live = Live()
    with live.watch("run") as feed, live.watch("thread", thread=True) as idle:
        assert live.watched() == (["run"], ["thread"])
        assert not live.compare(["run"], {"run": (5, "running 1")})  # it has yet to look for itself
        feed.mark, idle.mark = (5, "running 1"), (2, "")
        assert not live.compare(["run", "thread"], {"run": (5, "running 1"), "thread": (2, "")})
        live.publish("run", entry(6))  # it has that from memory
        assert not live.compare(["run"], {"run": (6, "running 1")})
        live.publish("run", Begun(attempt=2), Delta(attempt=2, index=0, step="s", text="t"))
        assert not live.compare(["run"], {"run": (6, "running 2")})
        assert live.compare(["run"], {"run": (7, "running 2")})
        assert live.compare(["run"], {"run": (6, "waiting 2")})
        assert live.compare(["thread"], {})  # it is gone
        assert feed.stale()
        assert idle.stale()
    assert live.watched() == ([], [])


class Slow:
    """A store that says how often it was asked."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    async def progress(self, runs: list[str], threads: list[str]) -> dict[str, tuple[int, str]]:
        self.asked.append(len(runs) + len(threads))
        return dict.fromkeys(runs, (1, "sleeping 1"))


def test_one_look_is_for_all_and_it_ends_with_the_last_reader() -> None:
    async def go() -> None:
        live, store = Live(), Slow()
        look = Look(lambda: store, live, lambda _: False)  # type: ignore[arg-type, return-value]
        async with asyncio.timeout(10):
            with live.watch("a") as one, live.watch("b") as two:
                one.mark = two.mark = (0, "")
                look.begin("a")
                look.begin("b")
                await asyncio.gather(one.wait(), two.wait())
            assert set(store.asked) == {2}
            task = look._task
            assert task is not None
            await task  # nobody reads any more

    asyncio.run(go())


@pytest.mark.parametrize(("id", "pause"), [("here", 1.0), ("elsewhere", LEAST)])
def test_what_executes_here_tells_of_itself_and_is_looked_for_at_leisure(
    id: str, pause: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    naps = list[float]()

    async def nap(look: Look, seconds: float) -> None:
        naps.append(seconds)
        await asyncio.Event().wait()

    async def go() -> None:
        look = Look(Slow, Live(), {"here"}.__contains__)  # type: ignore[arg-type]
        look.begin(id)
        await asyncio.sleep(0)
        assert (naps, look._soon.is_set()) == ([pause], id != "here")
        look.begin("elsewhere")
        assert look._soon.is_set()  # which ends the pause
        await look.close()

    monkeypatch.setattr(Look, "_nap", nap)
    asyncio.run(go())


def test_who_begins_during_a_look_is_not_left_to_the_pause_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses, enough = list[bool](), asyncio.Event()

    async def nap(look: Look, seconds: float) -> None:
        pauses.append(look._soon.is_set())  # then the pause is cut short
        await asyncio.sleep(0)
        if len(pauses) == 3:
            enough.set()

    class Joined(Slow):
        async def progress(self, runs: list[str], threads: list[str]) -> dict[str, tuple[int, str]]:
            if not self.asked:
                look.begin("a")
            return await super().progress(runs, threads)

    monkeypatch.setattr(Look, "_nap", nap)
    live, store = Live(), Joined()
    look = Look(lambda: store, live, lambda _: False)  # type: ignore[arg-type, return-value]

    async def go() -> None:
        with live.watch("a") as feed:
            feed.mark = (1, "sleeping 1")
            look.begin("a")
            await enough.wait()
        await look.close()

    asyncio.run(go())
    assert pauses[:3] == [True, True, False]


def test_what_a_wait_does_not_read_does_not_pile_up() -> None:
    feed = Feed()
    feed.put(entry(1))
    feed.clear()
    assert len(list(feed.drain())) == 0
    assert not feed.stale()
