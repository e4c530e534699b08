"""A durable turn, as a multiple of the same turn with nothing kept."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from functools import partial

from bench.measures import Bench
from bench.results import Results, Row, at_most
from bench.rounds import Case, Turn, interleaved, latency, ratio
from bench.subjects import KINDS, POINTS, commits, dbos, product, raw, session

WORDS = {"text": "text turn", "tool": "turn with one tool"}


async def run(bench: Bench) -> Results:
    async with (
        product(bench.database()) as ours, session(bench.database()) as kept, commits(bench.database()) as least,
        dbos(bench.database()) as peer,
    ):  # fmt: skip
        bare, cases = raw(), dict[str, Case]()
        for kind in KINDS:
            turns: Mapping[str, Turn] = {
                "raw": bare[kind], "least": least[kind], "ours": partial(ours.turn, kind), "session": kept[kind]
            }  # fmt: skip
            for name, turn in turns.items():
                cases[f"{name} {kind}"] = partial(latency, turn, bench.count)
            cases[f"dbos {kind}"] = partial(peer, kind, count=bench.count)
        gc.collect()
        gc.freeze()  # as a server does once it is ready; the peer does the same
        found = await interleaved(cases, bench.rounds)
    rows = [
        Row(
            measure=f"durable {WORDS[kind]}", unit="x raw", target=at_most(2.0, "stretch 1.6"),
            ours=ratio(found[f"ours {kind}"], found[f"raw {kind}"]),
            peers={
                "its bare commits": ratio(found[f"least {kind}"], found[f"raw {kind}"]),
                "DBOS": ratio(found[f"dbos {kind}"], found[f"raw {kind}"]),
                "SQLAlchemySession (not durable)": ratio(found[f"session {kind}"], found[f"raw {kind}"]),
            },
            note=f"its bare commits: on this disk, a raw turn that only waits for {POINTS[kind]} synced commits, one "
            f"for each point, takes {ratio(found[f'least {kind}'], found[f'raw {kind}']):.1f} times raw",
        )
        for kind in KINDS
    ]  # fmt: skip
    beside = Row(
        measure="turn with one tool, beside DBOS", unit="x DBOS", target=at_most(0.4),
        ours=ratio(found["ours tool"], found["dbos tool"]), peers={"DBOS": 1.0},
    )  # fmt: skip
    return Results(rows=[*rows, beside])
