"""The table, the plots, and the page that shows them."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from pathlib import Path

from bench import svg
from bench.results import Results, Row

PAGE = """# What it costs

Written by `make bench` from what it measured; do not edit. Ratios are medians of interleaved rounds, on one machine and
one PostgreSQL that syncs its log to disk, with a model that answers at once: so what is left is what we and our peers
add. With a real model that takes seconds, all of it is small.

{where}

{table}

## How cost grows

{plots}
"""


def table(results: Results) -> str:
    """The rows in Markdown, and what is not among them."""
    rows = results.rows
    lines = ["| measure | ours | target | peers, same run |", "|---|---|---|---|"]
    lines += [
        f"| {row.measure} | **{_number(row.ours)} {row.unit}** | {_target(row)} | {_peers(row)} |" for row in rows
    ]
    notes = [f"- {row.measure}: {row.note}." for row in rows if row.note]
    absent = [f"- Not measured: {one}." for one in results.absent]
    return "\n".join([*lines, "", *notes, *absent])


def _target(row: Row) -> str:
    if row.target is None:
        return ""
    words = f", {row.target.words}" if row.target.words else ""
    missed = " (**missed**)" if row.target.missed(row.ours) else ""
    return f"{row.target.direction} {_number(row.target.limit)}{words}{missed}"


def _peers(row: Row) -> str:
    return ", ".join(f"{name} {_number(value)}" for name, value in row.peers.items())


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}".rstrip("0").rstrip(".")


def write(results: Results, folder: Path) -> None:
    """docs/performance.md and its plots."""
    shown = []
    for number, plot in enumerate(results.plots, 1):
        name = f"performance-{number}.svg"
        (folder / name).write_text(svg.draw(plot))
        shown.append(f"![{plot.title}]({name})")
    at = datetime.now(UTC)
    load = f"load {results.load:.1f} before we began" if results.load else "an idle machine"
    machine = f"{os.cpu_count()} cores, {load}"
    where = f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {machine}, {at:%Y-%m-%d}."
    page = PAGE.format(where=where, table=table(results), plots="\n\n".join(shown))
    (folder / "performance.md").write_text(page)
