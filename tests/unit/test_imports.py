"""Accepting and ticking never import the agents SDK, which costs seconds of a cold start."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.processes import environment


def python(code: str, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    "module", ["agentcore", "agentcore.api", "agentcore.app", "agentcore.cli", "agentcore.service"]
)
def test_importing_it_imports_no_sdk(module: str, tmp_path: Path) -> None:
    assert python(f"import sys, {module}; print('agents' in sys.modules)", tmp_path) == "False"


def test_the_help_imports_nothing_heavy(tmp_path: Path) -> None:
    code = """
import sys
from agentcore.cli import main
try:
    main(["--help"])
except SystemExit:
    pass
print([m for m in ("agents", "fastapi", "sqlalchemy", "httpx", "pydantic") if m in sys.modules])
"""
    assert python(code, tmp_path).endswith("[]")


def test_accepting_and_ticking_import_no_sdk(tmp_path: Path) -> None:
    code = """
import asyncio, sys
from agentcore import app, settings

async def go():
    async with app.running(app.build(settings.load()), migrate=True) as service:
        await app.put_schedules(service)
        run = await service.accept("default", agent="support", input="hello")
        await service.tick()
        print((await service.store.run("default", run.id)).status)

asyncio.run(go())
print([m for m in ("agents", "openai", "fastapi", "prometheus_client") if m in sys.modules])
"""
    assert python(code, tmp_path).splitlines() == ["queued", "[]"]


def test_an_api_that_takes_no_tokens_imports_nothing_for_them(tmp_path: Path) -> None:
    code = """
import sys
from agentcore import app, settings
from agentcore.api import create_app
create_app(app.build(settings.load({"AGENTCORE_AUTH": "keys"})))
print([m for m in ("jwt", "cryptography", "httpx") if m in sys.modules])
"""
    assert python(code, tmp_path) == "[]"


def test_accepting_over_http_imports_no_sdk(tmp_path: Path) -> None:
    code = """
import asyncio, sys
import httpx
from agentcore import app, settings
from agentcore.api import create_app

async def go():
    async with app.running(app.build(settings.load()), migrate=True) as service:
        transport = httpx.ASGITransport(create_app(service))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
            answer = await http.post("/runs", json={"agent_id": "support", "input": "hello"})
            print(answer.json()["state"])
            print(sorted((await http.post("/tick")).json()))

asyncio.run(go())
print([m for m in ("agents", "openai", "prometheus_client") if m in sys.modules])
"""
    assert python(code, tmp_path).splitlines() == ["queued", "['delivered', 'pruned', 'rang', 'swept']", "[]"]
