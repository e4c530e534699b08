"""What the soak breaks things with really breaks them, and what it looks for in the database it finds there."""

from __future__ import annotations

import asyncio
import random
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from agentcore.ids import new_id
from agentcore.records import Message
from agentcore.store.sql import SqlStore
from tests.brokers.proxy import Proxy
from tests.brokers.pubsub import PubSub
from tests.conftest import opened
from tests.contracts.store_kit import accept, claimed, step
from tests.e2e.processes import ROOT, environment
from tests.soak import post
from tests.soak.bus import PostBus
from tests.soak.database import BROKEN, Database
from tests.soak.side import Line, Side
from tests.soak.together import until_one_ends

pytestmark = pytest.mark.anyio
DAY = 86400
BEHIND = """
import datetime, time
right, right_too = time.time(), datetime.datetime.now(datetime.UTC)
from tests.soak.clock import skew
skew(-86400)
from datetime import datetime as imported
print(round(right - time.time()), round((right_too - imported.now(right_too.tzinfo)).total_seconds()))
print(round(right - time.time_ns() / 1e9), isinstance(right_too, imported), issubclass(type(right_too), imported))
"""


def test_a_process_believes_in_another_time() -> None:
    found = subprocess.run(
        [sys.executable, "-c", BEHIND], cwd=ROOT, env=environment(), capture_output=True, text=True, check=True
    )
    assert found.stdout.split() == [str(DAY), str(DAY), str(DAY), "True", "True"]


PULLS = """
import asyncio, sys
from tests.soak.clock import skew
skew(-86400)
from agentcore.settings import Settings
from tests.soak.bus import open_bus
async def carried():
    bus = open_bus(sys.argv[1], None, Settings())
    await bus.send(sys.argv[2:])
    print(*(message.run_id for message in await bus.receive(limit=1, wait=30.0)))
asyncio.run(carried())
"""


def test_grpc_keeps_the_right_time_in_a_process_that_believes_in_another() -> None:
    broker, run_id = PubSub(), new_id()
    try:
        found = subprocess.run(
            [sys.executable, "-c", PULLS, broker.queue(again=60), run_id], cwd=ROOT,
            env=environment(**broker.environment), capture_output=True, text=True, check=False,
        )  # fmt: skip
    finally:
        broker.stop()
    assert (found.stdout, found.returncode) == (f"{run_id}\n", 0), found.stderr


async def test_the_post_office_loses_repeats_delays_and_shuffles(
    anyio_backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(post, "MOST_LATE", 0.05)
    ids = [f"{n:03}" for n in range(400)]
    async with post.opened(random.Random(1)) as office:
        bus = PostBus(office.port, redelivery=1.0)
        for start in range(0, len(ids), 20):
            await bus.send(ids[start : start + 20])
        await asyncio.sleep(0.2)
        got: list[str] = []
        while messages := await bus.receive(limit=50, wait=0.05):
            got += [message.run_id for message in messages]
        await bus.retry(Message(run_id="again", attempt=2), delay=0.0)
        [again] = await bus.receive(limit=1, wait=1.0)
    times = Counter(got)
    assert again.attempt == 3
    assert len(ids) - len(times) == office.counts["lost"] > 0
    assert sum(count == 2 for count in times.values()) == office.counts["doubled"] > 0
    assert office.counts["late"] > 0
    assert office.counts["shuffled"] > 0
    assert got != sorted(got)


async def _for_ever() -> None:
    await asyncio.sleep(60)


async def _failing() -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(_for_ever())
        raise AssertionError("a message was refused")


async def test_whatever_fails_is_told_with_its_place(anyio_backend: str, capsys: pytest.CaptureFixture[str]) -> None:
    [told] = await until_one_ends(30.0, {"the users": _failing(), "the watch": _for_ever()})
    assert re.fullmatch(r"the users: AssertionError: a message was refused \(test_parts.py:\d+\)", told)
    assert "Traceback" in capsys.readouterr().err


async def test_what_hangs_is_told_with_its_place(anyio_backend: str) -> None:
    [told] = await until_one_ends(0.05, {"the users": _for_ever(), "the watch": _for_ever()})
    assert re.search(r"had not come to its end: .*2 at test_parts.py:\d+", told), told


async def test_what_ends_well_ends_the_others(anyio_backend: str) -> None:
    async def ends() -> None:
        pass

    assert await until_one_ends(30.0, {"the users": ends(), "the watch": _for_ever()}) == []


def test_the_side_table_is_read_by_whole_lines(tmp_path: Path) -> None:
    writer, reader = Side(tmp_path / "side"), Side(tmp_path / "side")
    assert reader.lines() == []
    line = Line(what="begin", run="r", key="k", fence=1, name="pay")
    for count in (1, 2):
        writer.add(line)
        assert [(e.run, e.at > 0) for e in reader.lines()] == [("r", True)] * count
    with (tmp_path / "side").open("a") as file:
        file.write('{"what": "beg')
    assert len(reader.lines()) == 2


PLANTED = {
    "threads with two runs at work": "update run set status = 'running'",
    "runs at work that are not their thread's first": "update run set status = 'sleeping' where position = 2",
    "threads whose first run is not the earliest open one": "update thread set head_id = null",
    "first runs that nobody will ever look at": "update run set wake_at = null",
    "runs that were due long ago": "update run set wake_at = now() - interval '1 minute'",
}


async def test_what_must_never_be_is_found(pg: SqlStore, postgres_url: str) -> None:
    database = Database(postgres_url)
    held = await claimed(pg)
    await accept(pg, held.run.thread_id)
    assert await database.broken() == []
    assert await database.moves()
    for what, statement in PLANTED.items():
        await database.execute("begin")
        await database.execute(statement)
        assert any(sentence.startswith(f"{what}: [") for sentence in await database.broken()), what
        await database.execute("rollback")
    await database.close()


async def test_a_way_that_swallows_everything_is_given_up_by_who_waits(postgres_url: str, anyio_backend: str) -> None:
    target = urlsplit(postgres_url)
    way = Proxy(target.port or 0)
    url = target._replace(netloc=f"{target.username}@127.0.0.1:{way.port}", query="tcp_user_timeout=1000").geturl()
    held = await psycopg.AsyncConnection.connect(url, autocommit=True)
    way.silence()
    with pytest.raises(psycopg.OperationalError, match="timed out"):
        await held.execute("select 1")
    with pytest.raises(psycopg.OperationalError):
        await psycopg.AsyncConnection.connect(url, connect_timeout=2)
    way.cut()
    way.restore()
    async with await psycopg.AsyncConnection.connect(url) as again:
        await again.execute("select 1")
    await held.close()
    way.cut()


async def test_connections_are_counted_by_the_way_they_take(pg: SqlStore, postgres_url: str) -> None:
    target = urlsplit(postgres_url)
    ways = [Proxy(target.port or 0) for _ in range(2)]
    urls = [target._replace(netloc=f"{target.username}@127.0.0.1:{way.port}").geturl() for way in ways]
    open = [await psycopg.AsyncConnection.connect(url) for url in (urls[0], urls[0], urls[1])]
    database = Database(postgres_url)
    ports = await database.ports()
    assert [len(ports & way.ports()) for way in ways] == [2, 1]
    for one in open:
        await one.close()
    for way in ways:
        way.cut()
    await database.close()


async def test_a_transaction_that_is_left_open_is_found(
    pg: SqlStore, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    statement = BROKEN["transactions left open"].replace("20 seconds", "0 seconds")
    monkeypatch.setitem(BROKEN, "transactions left open", statement)
    database, other = Database(postgres_url), opened(postgres_url)
    async with other.database.engine.connect() as connection:
        await (await connection.get_raw_connection()).driver_connection.execute("begin")  # type: ignore[union-attr]
        assert [one.partition(":")[0] for one in await database.broken()] == ["transactions left open"]
    await other.close()
    await database.close()


async def test_facts_are_read_from_the_tables(pg: SqlStore, postgres_url: str) -> None:
    database, held = Database(postgres_url), await claimed(pg)
    facts = await database.facts()
    [run] = facts.runs
    assert (run.id, run.thread, run.status, run.position) == (held.run.id, held.run.thread_id, "running", 1)
    assert [entry.kind for entry in facts.journal[run.id]] == ["accepted"]
    assert facts.left == {"runs with a time to be looked at": 1}
    assert await database.states() == {"running": 1}
    assert new_id() not in facts.run
    await database.close()


async def test_a_run_that_moves_on_leaves_its_mark(pg: SqlStore, postgres_url: str) -> None:
    database, held = Database(postgres_url), await claimed(pg)
    before = await database.mark()
    assert await database.mark() == before
    await pg.append(held.lease, [step()])
    assert await database.mark() != before
    await database.close()
