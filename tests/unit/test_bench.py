"""What the bench makes of what it measured. That it measures is seen by running it."""

from __future__ import annotations

import asyncio
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest

from bench import report, svg
from bench.measures import NAMES, measure
from bench.proxy import Proxy, proxied
from bench.results import Plot, Results, Row, at_least, at_most
from bench.rounds import interleaved, ratio

PLOT = Plot(title="A & B", x="n", y="s", lines={"ours <1>": [(1, 1.0), (1000, 2.0)], "theirs": [(1, 3.0), (1000, 9.0)]})
ROW = Row(
    measure="a turn", ours=1.234, unit="x raw", target=at_most(2, "stretch 1"), peers={"DBOS": 1234.5}, note="as it was"
)


def test_cases_take_turns_and_the_first_round_does_not_count() -> None:
    seen: list[str] = []

    async def case(name: str) -> float:
        seen.append(name)
        return float(len(seen))

    found = asyncio.run(interleaved({"a": lambda: case("a"), "b": lambda: case("b")}, 2))
    assert seen == ["a", "b"] * 3
    assert found == {"a": [3.0, 5.0], "b": [4.0, 6.0]}


def test_a_ratio_is_the_median_of_the_rounds() -> None:
    assert ratio([2.0, 30.0, 8.0], [1.0, 10.0, 2.0]) == 3.0


def test_the_page_has_the_table_and_its_plots(tmp_path: Path) -> None:
    report.write(Results(rows=[ROW], plots=[PLOT], absent=["pigeons: they are not installed"]), tmp_path)
    page = (tmp_path / "performance.md").read_text()
    assert "| a turn | **1.23 x raw** | ≤ 2, stretch 1 | DBOS 1,234 |" in page
    assert "- a turn: as it was." in page
    assert "- Not measured: pigeons: they are not installed." in page
    assert "(performance-1.svg)" in page
    assert (tmp_path / "performance-1.svg").exists()


def test_the_table_says_which_targets_are_missed() -> None:
    rows = [
        replace(ROW, measure="slow", target=at_most(1.2)), replace(ROW, measure="few", target=at_least(3000)),
        replace(ROW, measure="enough", target=at_least(1.2)), replace(ROW, measure="untold", target=None),
    ]  # fmt: skip
    lines = report.table(Results(rows=rows)).splitlines()
    assert [line.split(" | ")[2] for line in lines[2:6]] == ["≤ 1.2 (**missed**)", "≥ 3,000 (**missed**)", "≥ 1.2", ""]


def test_a_plot_is_well_formed_and_stays_inside() -> None:
    drawn = ET.fromstring(svg.draw(PLOT))
    lines = [one.get("points", "") for one in drawn.iter("{http://www.w3.org/2000/svg}polyline")]
    points = [tuple(map(float, pair.split(","))) for line in lines for pair in line.split()]
    assert len(lines) == 2
    assert all(svg.LEFT <= x <= svg.WIDTH - svg.RIGHT and svg.TOP <= y <= svg.HEIGHT - svg.BOTTOM for x, y in points)


@pytest.mark.parametrize("name", NAMES)
def test_each_measure_is_there(name: str) -> None:
    assert callable(measure(name))


def test_the_proxy_counts_how_often_a_client_waits() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            writer.write(data)
        writer.close()

    async def go() -> Proxy:
        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with proxied(f"postgresql://postgres@127.0.0.1:{port}/x", 0.001) as (url, proxy):
            reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2].partition("/")[0]))
            for word in (b"one", b"two", b"three"):
                writer.write(word)
                assert await reader.readexactly(len(word)) == word
            writer.close()
            await writer.wait_closed()
            await asyncio.sleep(0.05)
        server.close()
        return proxy

    assert asyncio.run(go()).trips == 3
