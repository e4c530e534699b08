"""Azure Functions: what its bindings give, and how long a function may run."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agentcore.bus.url import parse
from agentcore.deadline import Deadline
from agentcore.errors import Misconfigured, Unavailable
from agentcore.hosts import limits
from agentcore.hosts.messages import Pushed, pushed
from agentcore.settings import Settings

_STREAMS = "PYTHON_ENABLE_INIT_INDEXING"


def seconds(host_json: Path | None = None) -> float:
    """How long a function may run: functionTimeout of the app's host.json. Raises Misconfigured.

    "host.json reference for Azure Functions": hh:mm:ss or d.hh:mm:ss; -1 is for ever.
    """
    host_json = host_json or Path(os.environ.get("AzureWebJobsScriptRoot") or ".", "host.json")  # noqa: SIM112 - its name
    text = str(json.loads(host_json.read_text()).get("functionTimeout") or "")
    if not text:
        return limits.AZURE_FUNCTIONS
    if text == "-1":
        return float("inf")
    try:
        days, _, clock = text.rpartition(".")
        hours, minutes, rest = (int(part) for part in clock.split(":"))
        return float(((int(days or 0) * 24 + hours) * 60 + minutes) * 60 + rest)
    except ValueError:
        raise Misconfigured(f"{host_json}: functionTimeout={text!r} must look like 00:10:00, or be -1.") from None


def check_streams(environ: Mapping[str, str] = os.environ, version: tuple[int, int] = sys.version_info[:2]) -> None:
    """Raises Misconfigured where every request would wait for ever.

    "Azure Functions HTTP trigger", HTTP streams: before Python 3.13 the worker's server starts where it is told to.
    """
    if version < (3, 13) and environ.get(_STREAMS, "").strip().lower() not in ("1", "true", "t", "yes", "y"):
        raise Misconfigured(f"{_STREAMS} must be 1 in the app's settings, or its Python 3.13 or later.")


def source(settings: Settings) -> tuple[str, str]:
    """Which bus triggers the worker, and the name of its queue there."""
    scheme = settings.bus_url.partition("://")[0]
    if scheme not in ("servicebus", "eventhubs", "kafka"):
        return "", ""  # this bus cannot call a function: run `agentcore work`
    return scheme, parse(settings.bus_url, settings, f"{scheme}://HOST/NAME", 1).path[0]


async def give_back(limit: Deadline) -> None:
    """Fail, after a while: a message comes again at once, and a bus that counts would soon put it aside."""
    await asyncio.sleep(max(0.0, min(limits.AZURE_HELD, limit.soft)))
    raise Unavailable("The message could not be taken; it comes again.")


def told(done: bool) -> None:
    """Fail, where a log's message is neither done nor among the dead letters: nothing but the host's own retries and
    its monitoring is left for it."""
    if not done:
        raise Unavailable("The message could not be taken, nor put among the dead letters; it is logged why.")


def queued(message: Any) -> Pushed:
    """A message of a Service Bus trigger (azure.functions.ServiceBusMessage)."""
    attributes = {str(name): _text(value) for name, value in (message.application_properties or {}).items()}
    return pushed(
        message.get_body(), attributes, content_type=message.content_type or "", attempt=message.delivery_count or 1
    )


def streamed(event: Any) -> Pushed:
    """An event of an Event Hubs trigger (azure.functions.EventHubEvent), whose properties are in its metadata."""
    given = (event.metadata or {}).get("Properties") or {}
    attributes = {str(name): _text(value) for name, value in given.items()} if isinstance(given, Mapping) else {}
    return pushed(event.get_body(), attributes, content_type=attributes.get("content-type", ""))


def recorded(event: Any) -> Pushed:
    """A record of a Kafka trigger (azure.functions.KafkaEvent): all of it comes as one JSON object, or its value only.

    Its headers come in more than one form, so a CloudEvent has to be structured here.
    """
    body: bytes = event.get_body()
    try:
        whole = json.loads(body)
    except (ValueError, RecursionError):
        return pushed(body)
    return pushed(str(whole["Value"]).encode() if isinstance(whole, dict) and "Offset" in whole else body)


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
