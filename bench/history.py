"""What a turn costs on a thread that has said a lot before."""

from __future__ import annotations

from functools import partial
from statistics import median
from typing import Any
from uuid import uuid4

import psycopg
from agents import Runner

from bench.measures import Bench
from bench.results import Plot, Results, Row
from bench.rounds import Case, interleaved, latency, ratio
from bench.subjects import Product, agents, product

LENGTHS = (50, 200, 1000, 10_000)
WORDS = "lorem ipsum " * 15
_THREAD = """insert into thread (id, tenant, agent, metadata, next_position, item_count, summary_until, created_at,
updated_at) values (%(id)s, 'default', 'text', '{}', 1, %(n)s, 0, now(), now())"""
_ITEMS = """insert into item (thread_id, position, tenant, data) select %(id)s, n, 'default', jsonb_build_object('role',
case n %% 2 when 0 then 'user' else 'assistant' end, 'content', %(words)s::text) from generate_series(0, %(n)s - 1) n"""


async def run(bench: Bench) -> Results:
    lengths = (50, 1000) if bench.quick else LENGTHS
    url = bench.database()
    async with product(url) as ours:
        threads = {length: _thread(url, length) for length in lengths}
        cases: dict[str, Case] = {f"ours {n}": _case(ours, thread, bench.count) for n, thread in threads.items()}
        agent = agents()["text"]
        for n in lengths:
            told: Any = [{"role": "user" if i % 2 == 0 else "assistant", "content": WORDS} for i in range(n)]
            few = max(2, min(bench.count, 4000 // n))
            cases[f"raw {n}"] = partial(latency, partial(Runner.run, agent, told), few)
        found = await interleaved(cases, bench.rounds)
    most = lengths[-1]
    row = Row(
        measure=f"a turn after {most:,} messages of history, to one after 50", unit="x", target="≤ 1.2",
        ours=ratio(found[f"ours {most}"], found["ours 50"]),
        peers={"the SDK, given all messages": ratio(found[f"raw {most}"], found["raw 50"])},
    )  # fmt: skip
    lines = {
        name: [(n, median(found[f"{case} {n}"]) / median(found["raw 50"])) for n in lengths]
        for name, case in (("ours", "ours"), ("the SDK alone", "raw"))
    }
    y = "a turn, x a raw turn after 50 messages"
    return Results(rows=[row], plots=[Plot(title="A turn and its history", x="messages of history", y=y, lines=lines)])


def _thread(url: str, length: int) -> str:
    thread_id = str(uuid4())
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_THREAD, {"id": thread_id, "n": length})
        connection.execute(_ITEMS, {"id": thread_id, "n": length, "words": WORDS})
        connection.execute("analyze item")
    return thread_id


def _case(ours: Product, thread_id: str, count: int) -> Case:
    return lambda: latency(lambda: ours.turn("text", thread_id), count)
