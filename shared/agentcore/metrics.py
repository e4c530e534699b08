"""What this process did, and how the queue is, as Prometheus reads it.

Imported by the engine, and where somebody scrapes: accepting and ticking never pay for prometheus_client.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import get_args

from prometheus_client import REGISTRY, Counter, Histogram
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from agentcore.records import TERMINAL, Backlog, Status

_NAMES = 200  # agents, and tools, with figures of their own: an MCP server may bring any number of tools
_REST = "other"
_BUCKETS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
_UNFINISHED = tuple(status for status in get_args(Status) if status not in TERMINAL)
_TOLD: list[tuple[str, str, tuple[str, ...], str]] = []  # name, type, labels, meaning


def _counter(name: str, meaning: str, *labels: str) -> Counter:
    _TOLD.append((f"{name}_total", "counter", labels, meaning))
    return Counter(name, meaning, labels)


def _histogram(name: str, meaning: str, *labels: str) -> Histogram:
    _TOLD.append((name, "histogram", labels, meaning))
    return Histogram(name, meaning, labels, buckets=_BUCKETS)


def _gauge(name: str, meaning: str, *labels: str) -> tuple[str, str, tuple[str, ...]]:
    """Of the database: made anew for each scrape."""
    _TOLD.append((name, "gauge", labels, meaning))
    return name, meaning, labels


_STEPS = _histogram(
    "agentcore_step_seconds",
    "How long fresh steps took: model calls by the agent that asked, tool calls by the tool's name.",
    "kind", "name",
)  # fmt: skip
_TOKENS = _counter(
    "agentcore_tokens", "Tokens of fresh model calls, by the agent that asked: input or output.", "agent", "direction"
)
_ENDED = _counter("agentcore_runs_ended", "Runs that a worker here brought to an end.", "agent", "status")
_RETRIES = _counter("agentcore_retries", "Attempts that failed and may pass when tried again.", "agent")
LEASES_LOST = _counter("agentcore_leases_lost", "Runs that another worker took from this one, or that it let slip.")
TAKEOVERS = _counter("agentcore_takeovers", "Runs taken up here that their last worker left without a word.")
_RUNS = _gauge("agentcore_runs", "Unfinished runs by state; past 10,000 at least so many.", "state")
_AGE = _gauge(
    "agentcore_queue_age_seconds", "How long the oldest queued run has waited for a worker; 0: none is queued."
)
_UP = _gauge("agentcore_database_up", "1 where the database answered this scrape; else 0, and no figures of runs.")


class Names:
    """Keeps a label's values few: past so many, names are counted together."""

    def __init__(self, most: int = _NAMES) -> None:
        self._most, self._seen = most, set[str]()

    def __call__(self, name: str) -> str:
        if name not in self._seen and len(self._seen) < self._most:
            self._seen.add(name)
        return name if name in self._seen else _REST


_agent, _tool = Names(), Names()


def model_called(agent: str, seconds: float, usage: Mapping[str, int]) -> None:
    """A fresh model call has completed; its tokens."""
    name = _agent(agent)
    _STEPS.labels("model", name).observe(seconds)
    for direction in ("input", "output"):
        _TOKENS.labels(name, direction).inc(usage.get(f"{direction}_tokens", 0))


def tool_called(tool: str, seconds: float) -> None:
    """A fresh tool call has completed."""
    _STEPS.labels("tool", _tool(tool)).observe(seconds)


def ended(agent: str, status: str) -> None:
    """A run has ended here."""
    _ENDED.labels(_agent(agent), status).inc()


def retried(agent: str) -> None:
    """A run is tried again after an error."""
    _RETRIES.labels(_agent(agent)).inc()


class _Scrape(Collector):
    """All of this process, what your own code registered included, and of the database what it told."""

    def __init__(self, backlog: Backlog | None) -> None:
        self._backlog = backlog

    def collect(self) -> Iterator[Metric]:
        yield from REGISTRY.collect()
        yield GaugeMetricFamily(*_UP[:2], value=float(self._backlog is not None))
        if self._backlog is not None:
            states = GaugeMetricFamily(*_RUNS[:2], labels=_RUNS[2])
            for state in _UNFINISHED:
                states.add_metric([state], self._backlog.runs.get(state, 0))
            yield states
            yield GaugeMetricFamily(*_AGE[:2], value=self._backlog.queue_age)


def exposition(accept: str, backlog: Backlog | None) -> tuple[bytes, str]:
    """The answer to a scrape that takes these formats, and its content type. `backlog`: none where it is not known."""
    encode, content_type = choose_encoder(accept)
    return encode(_Scrape(backlog)), content_type


def markdown() -> str:
    """The table in docs/observability.md."""
    rows = [
        f"| `{name}` | {kind} | {', '.join(f'`{label}`' for label in labels)} | {meaning} |"
        for name, kind, labels, meaning in _TOLD
    ]
    return "\n".join(["| metric | type | labels | meaning |", "|---|---|---|---|", *rows])
