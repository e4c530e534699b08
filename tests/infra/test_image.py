"""The image: built, and each of its roles started as a strict platform starts them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.processes import free_port, ok
from tests.infra.containers import ROOT, Container, Images, absent, argument, megabytes
from tests.postgres import Postgres

ABSENT = absent()
MOST = 250  # MB, unpacked
PATIENCE = 120.0
YOURS = """
FROM localhost/agentcore:test
USER root
COPY mine.py ./
RUN python compile.py
USER 10001:10001
ENV AGENTCORE_AGENTS=mine
"""
AGENT = "from agentcore import register\n\nregister('mine', 'agentcore.agents.support:support', version='1')\n"
pytestmark = [pytest.mark.timeout(900), pytest.mark.skipif(bool(ABSENT), reason=ABSENT)]

INSIDE = """
import importlib.util, json, os, pathlib

def refusal(path):
    try:
        pathlib.Path(path, "x").write_text("x")
    except OSError as error:
        return error.strerror

def bytecode(module):
    cached = pathlib.Path(importlib.util.find_spec(module).cached)
    return cached.exists() and cached.read_bytes()[4]

print(json.dumps({
    "user": [os.getuid(), os.getgid()], "folder": os.getcwd(), "/app": refusal("/app"), "/tmp": refusal("/tmp"),
    "bytecode": {name: bytecode(name) for name in ("agentcore.engine", "agents", "http_chat.asgi", "asyncio.tasks")},
}))
"""


class Deployed:
    """The roles, on one database."""

    def __init__(self, images: Images, database: str) -> None:
        self.port = free_port()
        self._images = images
        self._env = {"AGENTCORE_DATABASE_URL": database, "AGENTCORE_BUS_URL": "store://", "AGENTCORE_MODEL": "offline"}

    def start(self, *args: str, image: str = "agentcore:test", entrypoint: list[str] | None = None) -> Container:
        env = {**self._env, "AGENTCORE_PORT": str(self.port)}
        return Container(self._images, image, *args, entrypoint=entrypoint, **env)

    def run(self, *args: str) -> str:
        return self.start(*args).ended()

    def answers(self, api: Container) -> float:
        """Seconds until its first good answer."""
        while True:
            try:
                assert httpx.get(f"http://127.0.0.1:{self.port}/healthz", trust_env=False).json() == {"status": "ok"}
                return time.monotonic() - api.began
            except httpx.TransportError:
                assert api.running, api.said
                assert time.monotonic() - api.began < PATIENCE
                time.sleep(0.01)

    def smoke(self, key: str) -> str:
        """What the script says that workflows try a deployment with."""
        done = subprocess.run(
            [sys.executable, ROOT / "infra/smoke.py", f"http://127.0.0.1:{self.port}", "--seconds", str(PATIENCE)],
            env={**os.environ, "AGENTCORE_API_KEY": key}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def images(tmp_path: Path) -> Iterator[Images]:
    """Built once, so all that is tried is in one test."""
    found = Images(tmp_path)
    found.base(argument("Dockerfile", "BASE_IMAGE"))
    found.uv(argument("Dockerfile", "UV_IMAGE"))
    found.build("agentcore:test", ROOT / "Dockerfile")
    yield found
    found.remove()


def test_the_image_has_each_role(images: Images, postgres: Postgres, tmp_path: Path, capfd: Any) -> None:
    size = megabytes(images.tree("agentcore:test"))
    assert size < MOST
    there = Deployed(images, postgres.create_database())
    assert "is up to date" in there.run("migrate")
    assert "0 would not resume" in there.run("preflight")
    key = there.run("keys", "create", "--name", "smoke", "--scope", "runs:write", "--scope", "runs:read").strip()

    is_confined(there)
    api = there.start()  # what the image does where nothing is said
    cold = there.answers(api)
    with httpx.Client(
        base_url=f"http://127.0.0.1:{there.port}", headers={"authorization": f"Bearer {key}"}, trust_env=False
    ) as http:
        assert http.get("/agents/support", headers={"authorization": ""}).status_code == 401
        is_drained(there, http)
        assert json.loads(there.run("tick").splitlines()[-1])
    worker = there.start("work")
    assert "a worker took one: run" in there.smoke(key)
    assert [worker.stop(), api.stop()] == [0, 0]
    streams_on_lambda(images, tmp_path)
    takes_agents(images, there, tmp_path / "mine")
    with capfd.disabled():
        print(f"\nthe image has {size:.0f} MB, and answers {cold:.1f} s after its start")


def is_confined(there: Deployed) -> None:
    found = json.loads(there.start("-c", INSIDE, entrypoint=["python"]).ended())
    assert found["user"] == [10001, 10001]
    assert found["folder"] == "/app"
    assert (found["/app"], found["/tmp"]) == ("Read-only file system", None)
    unchecked, by_time = 1, 0  # ours is believed without a look at its source; Debian's own goes by times
    assert found["bytecode"] == {
        "agentcore.engine": unchecked, "agents": unchecked, "http_chat.asgi": unchecked, "asyncio.tasks": by_time,
    }  # fmt: skip


def is_drained(there: Deployed, http: httpx.Client) -> None:
    run = ok(http.post("/runs", json={"agent_id": "support", "input": "Hello", "on_completion": "keep"}))
    assert run["state"] == "queued"
    assert "succeeded" in there.run("work", "--drain", "--max-seconds", "60")
    assert ok(http.get(f"/runs/{run['run_id']}"))["state"] == "succeeded"


def streams_on_lambda(images: Images, folder: Path) -> None:
    """The variant with the Web Adapter, of which a file with nothing in it takes the place."""
    (folder / "adapter").touch(mode=0o755)
    images.file(argument("lambda.Dockerfile", "ADAPTER_IMAGE"), folder / "adapter", "/lambda-adapter")
    images.build("agentcore:test-web", ROOT / "lambda.Dockerfile", IMAGE="localhost/agentcore:test")
    assert (images.tree("agentcore:test-web") / "opt/extensions/lambda-adapter").exists()
    config = images.config("agentcore:test-web")
    assert [*config["Entrypoint"], *config["Cmd"]][-1] == "http_chat.asgi:app"
    assert config["User"] == images.config("agentcore:test")["User"]


def takes_agents(images: Images, there: Deployed, folder: Path) -> None:
    """An image of yours, as docs/deploy/image.md has it."""
    folder.mkdir()
    (folder / "mine.py").write_text(AGENT)
    (folder / "Dockerfile").write_text(YOURS)
    assert "compiled: 1\n" in images.build("agentcore:mine", folder / "Dockerfile", folder)
    assert list(images.tree("agentcore:mine").glob("app/__pycache__/mine.*.pyc"))
    api = there.start(image="agentcore:mine")
    there.answers(api)
    assert api.stop() == 0
    assert "agentcore serves mine at" in api.said
