"""How a scrape is answered, and what docs/observability.md says of it."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from agentcore import metrics, webhooks
from agentcore.records import Backlog
from agentcore.webhooks import Signature

PAGE = Path(__file__).parents[2].joinpath("docs/observability.md").read_text()
BACKLOG = Backlog(runs={"queued": 3, "sleeping": 1}, queue_age=12.5)


def scraped(backlog: Backlog | None, accept: str = "") -> dict[str, Any]:
    text, _ = metrics.exposition(accept, backlog)
    return {family.name: family for family in text_string_to_metric_families(text.decode())}


def test_a_scrape_tells_of_the_process_and_of_the_database() -> None:
    found = scraped(BACKLOG)
    assert {s.labels["state"]: s.value for s in found["agentcore_runs"].samples} == {
        "queued": 3, "running": 0, "waiting": 0, "sleeping": 1,
    }  # fmt: skip
    assert [s.value for s in found["agentcore_queue_age_seconds"].samples] == [12.5]
    assert [s.value for s in found["agentcore_database_up"].samples] == [1]
    assert "process_resident_memory_bytes" in found
    assert found["agentcore_takeovers"].type == "counter"


def test_a_scrape_without_the_database_tells_the_rest() -> None:
    found = scraped(None)
    assert [s.value for s in found["agentcore_database_up"].samples] == [0]
    assert "agentcore_leases_lost" in found
    assert {"agentcore_runs", "agentcore_queue_age_seconds"} & found.keys() == set()


def test_a_scraper_that_asks_for_openmetrics_gets_it() -> None:
    text, kind = metrics.exposition("application/openmetrics-text;version=1.0.0", BACKLOG)
    assert kind.startswith("application/openmetrics-text")
    assert text.endswith(b"# EOF\n")
    assert text.count(b"# EOF") == 1
    assert metrics.exposition("", None)[1].startswith("text/plain")


def test_a_label_has_few_values() -> None:
    names = metrics.Names(2)
    assert [names(name) for name in "abcabd"] == ["a", "b", "other", "a", "b", "other"]


def test_the_documented_metrics_are_those_of_the_code() -> None:
    assert metrics.markdown() in PAGE
    told = {name.removesuffix("_total") for name in re.findall(r"`(agentcore_\w+)`", metrics.markdown())}
    ours = {name for name in scraped(BACKLOG) if name.startswith("agentcore_") and not name.endswith("_created")}
    assert told == ours


def test_the_documented_signature_is_one() -> None:
    [code] = [found for found in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if "def signed" in found]
    its: dict[str, Any] = {}
    exec(code, its)
    secret = "whsec_" + base64.b64encode(b"k" * 32).decode()
    headers = its["signed"](secret)
    given = Signature(
        message_id=headers["webhook-id"], timestamp=headers["webhook-timestamp"],
        signatures=headers["webhook-signature"],
    )  # fmt: skip
    now = float(headers["webhook-timestamp"])
    assert webhooks.verified([b"k" * 32], given, b"", now=now)
    assert not webhooks.verified([b"o" * 32], given, b"", now=now)
    assert its["signed"](secret)["webhook-id"] != headers["webhook-id"]
