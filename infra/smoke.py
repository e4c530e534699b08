"""Does a deployment work? Its API answers, a caller waits for a run, and a worker takes one from the bus.

    AGENTCORE_API_KEY=ac_… python infra/smoke.py https://agents.example.com

Without a key only its health is asked. Needs Python alone. The key's scopes: runs:write, runs:read.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from typing import Any

ENDED = {"succeeded", "failed", "cancelled", "expired"}


class Failed(Exception):
    """What does not work."""


class Deployment:
    """The API at a URL. A host that just started a container, or none yet, may answer late or badly: until `end`."""

    def __init__(self, url: str, key: str, seconds: float) -> None:
        if not url.startswith(("https://", "http://")):
            raise Failed(f"{url} is no URL: it begins with https://.")
        self.url, self.key, self.end = url.rstrip("/"), key, time.monotonic() + seconds

    def call(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"accept": "application/json", "content-type": "application/json"}
        if self.key:
            headers["authorization"] = f"Bearer {self.key}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)  # noqa: S310 - http(s), see above
        try:
            with urllib.request.urlopen(request, timeout=max(1.0, self.left())) as answer:  # noqa: S310
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise Failed(f"{method} {path}: {error.code} {error.read(500).decode(errors='replace')}") from error
        except (OSError, ValueError) as error:
            raise Failed(f"{method} {path}: {error}") from error

    def left(self) -> float:
        return self.end - time.monotonic()

    def patiently(self, path: str) -> None:
        """Until it answers well."""
        while True:
            try:
                self.call("GET", path)
                return
            except Failed:
                if self.left() < 2:
                    raise
                time.sleep(2)


def smoke(there: Deployment, agent: str, text: str) -> None:
    """Raises Failed."""
    for path in ("/healthz", "/readyz"):
        there.patiently(path)
        print(f"{path}: ok")
    if not there.key:
        print("AGENTCORE_API_KEY is not set: no run was started")
        return
    asked = {"agent_id": agent, "input": text}
    print("a caller waits:", _ended(there.call("POST", "/runs/wait", asked)["run"]))
    run = there.call("POST", "/runs", {**asked, "on_completion": "keep"})
    while run["state"] not in ENDED:
        if there.left() < 2:
            raise Failed(f"Run {run['run_id']} is {run['state']}: does a worker run, and does its queue reach it?")
        time.sleep(1)
        run = there.call("GET", f"/runs/{run['run_id']}")
    print("a worker took one:", _ended(run))


def _ended(run: Any) -> str:
    if run["state"] != "succeeded":
        raise Failed(f"Run {run['run_id']} is {run['state']}: {json.dumps(run.get('error'))}")
    return f"run {run['run_id']} succeeded"


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Does a deployment work?")
    parser.add_argument("url", help="of its API")
    parser.add_argument("--agent", default="support", help="whom to ask (default: %(default)s)")
    parser.add_argument("--input", default="Hello", help="what (default: %(default)s); it should need no approval")
    parser.add_argument("--seconds", type=float, default=300.0, help="how long all of it may take (default: 300)")
    args = parser.parse_args(argv)
    try:
        smoke(Deployment(args.url, os.environ.get("AGENTCORE_API_KEY", ""), args.seconds), args.agent, args.input)
    except Failed as failed:
        print(f"smoke: {failed}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
