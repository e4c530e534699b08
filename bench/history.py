"""What a turn costs on a thread that has said a lot before."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from statistics import median
from typing import Any
from uuid import uuid4

import psycopg
from agents import Agent, Runner

from bench import fakes
from bench.measures import Bench
from bench.results import Plot, Results, Row, at_most
from bench.rounds import Case, Turn, interleaved, latency, ratio
from bench.subjects import Product, agents, product

LENGTHS = (50, 200, 1000, 10_000)
WORDS = "lorem ipsum " * 15
# As long threads are: what is older than the most that a turn loads has been summarized.
_THREADS = """insert into thread (id, tenant, agent, metadata, next_position, item_count, summary, summary_until,
created_at, updated_at) select id, 'default', 'text', '{}', 1, %(n)s, case when %(told)s > 0 then %(words)s end,
%(told)s, now(), now() from unnest(%(ids)s::uuid[]) id"""
_ITEMS = """insert into item (thread_id, position, tenant, data) select id, n, 'default', jsonb_build_object('role',
case n %% 2 when 0 then 'user' else 'assistant' end, 'content', %(words)s::text)
from unnest(%(ids)s::uuid[]) id, generate_series(0, %(n)s - 1) n"""


async def run(bench: Bench) -> Results:
    lengths = (50, 1000) if bench.quick else LENGTHS
    url, turns = bench.database(), max(3, bench.count // 8)
    async with product(url) as ours:
        threads = {n: _threads(url, n, ours.settings.history_items, (bench.rounds + 1) * turns + 1) for n in lengths}
        cases, given = dict[str, Case](), dict[int, int]()
        for n in lengths:
            await ours.turn("text", next(threads[n]))
            given[n] = fakes.Text.given
            cases[f"ours {n}"] = partial(latency, _turn(ours, threads[n]), turns)
            cases[f"same {n}"] = partial(latency, _raw(given[n]), turns)
            cases[f"all {n}"] = partial(latency, _raw(n + 1), max(2, min(turns, 4000 // n)))
        found = await interleaved(cases, bench.rounds)
    few, most = lengths[0], lengths[-1]
    row = Row(
        measure=f"a turn after {most:,} messages of history, to one after {few}", unit="x", target=at_most(1.2),
        ours=ratio(found[f"ours {most}"], found[f"ours {few}"]),
        peers={
            f"raw, given as many messages as ours ({given[most]:,} to {given[few]})":
                ratio(found[f"same {most}"], found[f"same {few}"]),
            "raw, given all messages": ratio(found[f"all {most}"], found[f"all {few}"]),
        },
        note="each turn on a thread of exactly that length, with as many messages to load as there ever are before "
        "the older half of them is summarized",
    )  # fmt: skip
    names = {"ours": "ours", "raw, as many messages": "same", "raw, all messages": "all"}
    lines = {
        name: [(n, median(found[f"{case} {n}"]) / median(found[f"all {few}"])) for n in lengths]
        for name, case in names.items()
    }
    y = f"a turn, x a raw turn after {few} messages"
    return Results(rows=[row], plots=[Plot(title="A turn and its history", x="messages of history", y=y, lines=lines)])


def _threads(url: str, length: int, loaded: int, count: int) -> Iterator[str]:
    """Threads of that length: one for each turn, as a turn makes its thread longer."""
    ids = [str(uuid4()) for _ in range(count)]
    about = {"ids": ids, "n": length, "told": max(0, length - loaded), "words": WORDS}
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_THREADS, about)
        connection.execute(_ITEMS, about)
        connection.execute("vacuum analyze item")
    return iter(ids)


def _turn(ours: Product, threads: Iterator[str]) -> Turn:
    return lambda: ours.turn("text", next(threads))


def _raw(messages: int) -> Turn:
    agent: Agent[Any] = agents()["text"]
    told: Any = [{"role": "user" if i % 2 == 0 else "assistant", "content": WORDS} for i in range(messages)]
    return lambda: Runner.run(agent, told)
