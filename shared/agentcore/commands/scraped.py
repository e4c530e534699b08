"""/metrics of a process that serves no HTTP API."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from agentcore.errors import Misconfigured
from agentcore.settings import Settings


@contextmanager
def scraped(settings: Settings) -> Iterator[None]:
    """Answer scrapes meanwhile, in a thread, where the settings name a port. Misconfigured where it cannot be had."""
    if not settings.metrics_port:
        yield
        return
    from prometheus_client import start_http_server

    from agentcore import metrics  # noqa: F401 - so that all of them are there from the first scrape on

    where = f"{settings.metrics_host}:{settings.metrics_port}"
    try:
        server, thread = start_http_server(settings.metrics_port, settings.metrics_host)
    except (OSError, OverflowError) as error:
        raise Misconfigured(
            f"AGENTCORE_METRICS_PORT: cannot listen on {where}: {error}. Choose another; 0 switches it off.",
            setting="AGENTCORE_METRICS_PORT",
        ) from error
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
