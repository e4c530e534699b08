"""What carries hints between processes, and what counts their callers, whichever it is."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from agentcore import hints as hints_module
from agentcore.buckets import Limit
from agentcore.errors import Misconfigured
from agentcore.hints import listen
from agentcore.ports import Hints, Shared
from agentcore.redis import open_shared
from agentcore.redis import rest as rest_module
from agentcore.redis import shared as shared_module
from agentcore.redis import tcp as tcp_module
from agentcore.redis.gate import Gate
from agentcore.redis.shared import Redis
from agentcore.settings import Settings
from agentcore.store.sql import SqlStore
from tests.conftest import opened
from tests.redis.rig import KINDS, Rig

PATIENCE = 30.0  # seconds; no test waits that long unless it fails
Ends = Callable[[], Hints]


async def closed(end: Hints) -> None:
    assert isinstance(end, SqlStore | Redis)
    await end.close()


# -- hints


@pytest.fixture(params=["postgresql", *KINDS])
def ends(request: pytest.FixtureRequest, tmp_path: Path, patient: None) -> Iterator[Ends]:
    """Opens one more end of what carries hints, as each process has one."""
    if request.param == "postgresql":
        url: str = request.getfixturevalue("postgres_url")
        yield lambda: opened(url)
        return
    rig = Rig(request.param, tmp_path)
    yield rig.open
    rig.stop()


def between(ends: Ends, test: Callable[[Hints, Hints], Awaitable[None]]) -> None:
    async def go() -> None:
        here, there = ends(), ends()
        try:
            async with asyncio.timeout(PATIENCE):
                await test(here, there)
        finally:
            await closed(here)
            await closed(there)

    asyncio.run(go())


@asynccontextmanager
async def heard(end: Hints, channel: str) -> AsyncIterator[Callable[[int], Awaitable[list[str]]]]:
    """Listens; called with a number, it gives the next so many payloads."""
    listening = end.listen(channel)
    assert listening is not None
    async with listening as payloads:

        async def take(count: int) -> list[str]:
            return [await anext(payloads) for _ in range(count)]

        yield take


def test_what_one_process_tells_all_others_hear(ends: Ends) -> None:
    async def test(here: Hints, there: Hints) -> None:
        async with heard(there, "agentcore_test") as take, heard(here, "agentcore_test") as take_here:
            await here.notify("agentcore_test", "run-1", "", 'ü, "x"\n')
            assert sorted(await take(3)) == sorted(await take_here(3)) == ["", "run-1", 'ü, "x"\n']

    between(ends, test)


def test_channels_are_apart(ends: Ends) -> None:
    async def test(here: Hints, there: Hints) -> None:
        async with heard(there, "agentcore_test") as take:
            await here.notify("agentcore_other", "x")
            await here.notify("agentcore_test", "y")
            assert await take(1) == ["y"]

    between(ends, test)


def test_nobody_need_listen_and_nothing_need_be_told(ends: Ends) -> None:
    async def test(here: Hints, there: Hints) -> None:
        await here.notify("agentcore_test", "x")
        async with heard(there, "agentcore_test") as take:
            await here.notify("agentcore_test")
            await here.notify("agentcore_test", "y")
            assert await take(1) == ["y"]  # what was told before is gone

    between(ends, test)


def test_hints_come_again_when_the_server_does(
    shared_by: Rig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(hints_module, "_RETRY", 0.05)
    monkeypatch.setattr("agentcore.redis.gate._FIRST", 0.01)
    monkeypatch.setattr("agentcore.redis.gate._MOST", 0.05)
    caplog.set_level(logging.INFO)

    async def test(here: Hints, there: Hints) -> None:
        come: list[str] = []
        listening = asyncio.create_task(listen(there, "agentcore_test", come.append))
        await told_until(here, come, "before")
        shared_by.valkey.kill()
        for _ in range(20):
            await here.notify("agentcore_test", "lost")  # raises nothing
            await asyncio.sleep(0.02)
        shared_by.valkey.start()
        await told_until(here, come, "after")
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)

    between(shared_by.open, test)
    said = [record.getMessage() for record in caplog.records if record.name.startswith("agentcore.")]
    assert sum("polling until then" in line for line in said) == 1, said
    assert sum("are back" in line for line in said) == 1, said
    assert sum("find what is new by polling" in line and "no more" not in line for line in said) == 1, said
    assert shared_by.token not in caplog.text


async def told_until(end: Hints, come: list[str], what: str) -> None:
    while what not in come:
        await end.notify("agentcore_test", what)
        await asyncio.sleep(0.02)


def test_a_silent_connection_is_looked_after(shared_by: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp_module, "_QUIET", 0.05)
    monkeypatch.setattr(rest_module, "_QUIET", 0.05)
    monkeypatch.setattr(hints_module, "_RETRY", 0.0)

    async def test(here: Hints, there: Hints) -> None:
        come: list[str] = []
        listening = asyncio.create_task(listen(there, "agentcore_test", come.append))
        for what in "a", "b", "c":
            await told_until(here, come, what)
            await asyncio.sleep(0.3)
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)

    between(shared_by.open, test)


def test_what_others_publish_on_a_channel_is_passed_over(shared_by: Rig) -> None:
    async def test(here: Hints, there: Hints) -> None:
        async with heard(there, "agentcore_test") as take:
            for strange in "no json", "7", '{"a": 1}', '[1, null, "kept"]':
                shared_by.valkey.ask("PUBLISH", "agentcore_test", strange)
            assert await take(1) == ["kept"]

    between(shared_by.open, test)


# -- rates


def counting(shared_by: Rig | None, count: int, test: Callable[..., Awaitable[None]]) -> None:
    """Runs a test over the limits of so many processes: 3 calls at once, and hardly any from then on."""

    async def go() -> None:
        shared = [shared_by.open() if shared_by else None for _ in range(count)]
        try:
            async with asyncio.timeout(PATIENCE):
                await test(*(Limit(rate=0.01, burst=3, shared=one) for one in shared))
        finally:
            for one in shared:
                if one:
                    await one.close()

    asyncio.run(go())


@pytest.fixture(params=["memory", *KINDS])
def counted(request: pytest.FixtureRequest, tmp_path: Path, patient: None) -> Iterator[Rig | None]:
    """What counts callers; None: each process alone."""
    rig = None if request.param == "memory" else Rig(request.param, tmp_path)
    yield rig
    if rig:
        rig.stop()


def test_a_caller_may_call_in_a_burst_and_is_then_told_when(counted: Rig | None) -> None:
    async def test(limit: Limit) -> None:
        assert [await limit.take("a") for _ in range(3)] == [0, 0, 0]
        assert 90 < await limit.take("a") <= 100
        assert await limit.take("b") == 0

    counting(counted, 1, test)


def test_a_bucket_fills_again(counted: Rig | None) -> None:
    async def go() -> None:
        shared = counted.open() if counted else None
        limit = Limit(rate=20.0, burst=1, shared=shared)
        granted = 0
        while granted < 4:
            wait = await limit.take("a")
            granted += not wait
            await asyncio.sleep(wait)
        if shared:
            await shared.close()

    asyncio.run(asyncio.wait_for(go(), PATIENCE))


def test_all_processes_count_together(shared_by: Rig) -> None:
    async def test(*limits: Limit) -> None:
        waits = await asyncio.gather(*(limit.take("a") for limit in limits for _ in range(3)))
        assert sum(not wait for wait in waits) == 3
        assert all(wait == 0 or 90 < wait <= 100 for wait in waits)

    counting(shared_by, 4, test)


def test_who_floods_one_process_costs_what_is_shared_no_more_than_the_rate(shared_by: Rig) -> None:
    async def test(limit: Limit) -> None:
        for _ in range(200):
            await limit.take("a")
        calls = shared_by.valkey.ask("INFO", "commandstats")["cmdstat_eval"]["calls"]
        assert calls == 3

    counting(shared_by, 1, test)


def test_nothing_is_kept_of_who_calls_and_not_for_longer_than_it_counts(shared_by: Rig) -> None:
    async def test(limit: Limit) -> None:
        await limit.take("acme\0jane@example.com")
        (key,) = shared_by.valkey.ask("KEYS", "*")
        assert key.startswith("agentcore:rate:")
        assert "jane" not in key
        assert 0 < shared_by.valkey.ask("PTTL", key) <= 100_000

    counting(shared_by, 1, test)


def test_while_the_server_is_away_each_process_counts_and_afterwards_all_do(
    shared_by: Rig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("agentcore.redis.gate._FIRST", 0.01)

    async def test(one: Limit, other: Limit) -> None:
        shared_by.valkey.kill()
        assert [await one.take("a") for _ in range(3)] == [0, 0, 0]
        assert await one.take("a") > 0
        assert [await other.take("a") for _ in range(3)] == [0, 0, 0]
        shared_by.valkey.start()
        for n in range(10_000):  # until it is asked again
            await one.take(f"caller {n}")
            if shared_by.valkey.ask("DBSIZE"):
                break
        assert [await one.take("b") for _ in range(3)] == [0, 0, 0]

    counting(shared_by, 2, test)
    assert caplog.text.count("counts for itself") == 2  # one for each process


def test_a_server_that_forgets_lets_callers_begin_anew(shared_by: Rig) -> None:
    async def test(one: Limit, other: Limit) -> None:
        assert [await one.take("a") for _ in range(3)] == [0, 0, 0]
        assert await other.take("a") > 0
        shared_by.valkey.ask("FLUSHALL")
        assert await other.take("a") == 0

    counting(shared_by, 2, test)


def test_a_server_that_hangs_is_not_waited_for(shared_by: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_module, "_SOON", 0.05)

    async def go() -> None:
        shared = shared_by.open()
        assert await shared.take("a", rate=1.0, burst=1) == 0
        shared_by.valkey.ask("CLIENT", "PAUSE", "1000", "ALL")
        assert await shared.take("a", rate=1.0, burst=1) is None
        assert await shared.take("a", rate=1.0, burst=1) is None  # at once: it is not even asked
        await shared.close()

    asyncio.run(asyncio.wait_for(go(), PATIENCE))


def test_one_tries_for_all_whether_it_is_back() -> None:
    now = 0.0
    gate = Gate("it is away", clock=lambda: now)
    assert [gate.enter(), gate.enter()] == [True, True]
    pauses = []
    for _ in range(8):
        gate.failed(ConnectionError())
        gate.failed(ConnectionError())  # another that was asked at the same time
        began = now
        while not gate.enter():
            now += 0.5
        assert not gate.enter()
        pauses.append(now - began)
    assert pauses == [1, 2, 4, 8, 16, 30, 30, 30]
    gate.answered()
    assert [gate.enter(), gate.enter()] == [True, True]


# -- settings


def test_it_says_how_it_is(shared_by: Rig) -> None:
    async def go(shared: Shared) -> str:
        try:
            return await shared.check()
        finally:
            await shared.close()

    assert "answers in" in asyncio.run(go(shared_by.open()))
    assert "answers in" in asyncio.run(go(shared_by.open(redis_url=shared_by.in_url(), redis_token="")))
    with pytest.raises(
        Misconfigured, match=r"AGENTCORE_REDIS_URL=.*refuses the credentials.*AGENTCORE_REDIS_TOKEN"
    ) as no:
        asyncio.run(go(shared_by.open(redis_token="wr0ng")))
    assert "wr0ng" not in str(no.value)
    shared_by.valkey.kill()
    with pytest.raises(Misconfigured, match=r"AGENTCORE_REDIS_URL=.*does not answer"):
        asyncio.run(go(shared_by.open()))


@pytest.mark.parametrize(
    ("url", "token", "what"),
    [
        ("memcached://host", "", "AGENTCORE_REDIS_URL=memcached://host: it must look like redis://"),
        ("redis://", "", "it must look like"),
        ("redis://host:port", "", "it is not a URL"),
        ("redis://:hidden@host/name", "", r"redis://:\*\*\*@host/name: its path is the number of a database"),
        ("redis://host?password=hidden", "", "it has no option 'password'"),
        ("https://x.upstash.io", "", "AGENTCORE_REDIS_TOKEN is missing: https://x.upstash.io asks for it"),
        ("https://:hidden@x.upstash.io", "t", "the token belongs into AGENTCORE_REDIS_TOKEN"),
        ("https://x.upstash.io?_token=hidden", "t", "the token belongs into AGENTCORE_REDIS_TOKEN"),
        ("http://x.upstash.io", "t", "it must look like .*https://"),
    ],
)
def test_what_cannot_be_meant_is_refused(url: str, token: str, what: str) -> None:
    with pytest.raises(Misconfigured, match=what) as refused:
        open_shared(Settings(redis_url=url, redis_token=token))
    assert "hidden" not in str(refused.value)


def test_nothing_is_shared_unless_it_is_asked_for() -> None:
    assert open_shared(Settings(redis_token="x")) is None
