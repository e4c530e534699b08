"""Types of Azure's resources by their names: out of .infra/arm, or, the first time, out of what the tools carry.

`known("Microsoft.App/jobs")`; python -m tests.infra.tools.arm TYPE… prints which versions there are.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from tests.infra.tools import armsdk
from tests.infra.tools.armtypes import Resource, from_bicep, from_json, to_json

KEPT = Path(__file__).parents[3] / ".infra/arm"
SERVER = Path(sys.executable).with_name("azmcp")
UNTOLD = {  # types that neither source has: their bodies are not looked at
    "Microsoft.Insights/diagnosticSettings",
}


@cache
def known(name: str) -> Resource | None:
    """The type of a resource; None where neither source has it."""
    return known_all([name])[name]


def known_all(names: list[str]) -> dict[str, Resource | None]:
    missing = [name for name in names if not _file(name).exists()]
    if missing:
        KEPT.mkdir(parents=True, exist_ok=True)
        with _server() as ask:
            for name in missing:
                _keep(name, _asked(ask, name) or armsdk.described(name))
    return {name: from_json(text) if (text := _file(name).read_text()) else None for name in names}


def _file(name: str) -> Path:
    return KEPT / f"{name.lower().replace('/', '_')}.json"


def _keep(name: str, found: Resource | None) -> None:
    """All at once, since others may look for it meanwhile. An empty file says that there is no such type."""
    with tempfile.NamedTemporaryFile("w", dir=KEPT, delete=False) as file:
        file.write(to_json(found) if found else "")
    Path(file.name).rename(_file(name))


def _asked(ask: Any, name: str) -> Resource | None:
    result = ask("tools/call", {"name": "bicepschema_get", "arguments": {"resource-type": name}})
    answer = json.loads(result["content"][0]["text"])
    return from_bicep(answer["results"]["BicepSchemaResult"], name) if answer["status"] == 200 else None


@contextmanager
def _server() -> Iterator[Any]:
    """The MCP server on its standard streams: one process for many types, as each start takes seconds."""
    command = (str(SERVER), "server", "start", "--mode", "all", "--namespace", "bicepschema")
    quiet = {**os.environ, "AZURE_MCP_COLLECT_TELEMETRY": "false"}
    process = subprocess.Popen(
        command, env=quiet, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    asked = 0

    def say(message: dict[str, Any]) -> None:
        assert process.stdin
        process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        process.stdin.flush()

    def ask(method: str, parameters: dict[str, Any]) -> Any:
        nonlocal asked
        asked += 1
        say({"id": asked, "method": method, "params": parameters})
        assert process.stdout
        for line in process.stdout:
            answer = json.loads(line)
            if answer.get("id") == asked:
                return answer["result"]
        raise RuntimeError("the MCP server ended")

    try:
        client = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "tests", "version": "1"}}
        ask("initialize", client)
        say({"method": "notifications/initialized", "params": {}})
        yield ask
    finally:
        process.terminate()
        process.communicate()


if __name__ == "__main__":
    for name, found in known_all(sys.argv[1:]).items():
        print(name, found.version if found else "unknown")
