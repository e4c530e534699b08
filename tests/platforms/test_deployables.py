"""What is deployed as a zip: built, unpacked, and imported with nothing else in reach, as the hosts do."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.e2e.processes import ROOT

NOWHERE = {"AGENTCORE_DATABASE_URL": "postgresql://u@127.0.0.1:9/nothing", "AGENTCORE_AGENTS": "mine"}
pytestmark = pytest.mark.timeout(400)


def build(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "functions/build.py"), *args, "--out", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def unpacked(folder: Path, what: str) -> Path:
    """The zip's files. Their times are those that unpacking gave them."""
    agents = folder / "mine.py"
    agents.write_text("from agentcore import register\n\nregister('mine', 'nobody:agent', version='1')\n")
    done = build(folder, what, "--add", str(agents))
    assert done.returncode == 0, done.stderr
    assert "MiB, unzipped" in done.stdout
    (packed,) = folder.glob("*.zip")
    tree = folder / "unpacked"
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(tree)
    return tree


def told(tree: Path, code: str, *path: str, **env: str) -> str:
    """What the code prints, with only the zip's files and Python's own modules."""
    places = [str(tree / part) for part in path]
    program = f"import sys; sys.path[:0] = {places}; sys.dont_write_bytecode = True\n{code}"
    clean = {"PATH": os.environ["PATH"], **NOWHERE, **env}
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program], cwd=tree, env=clean, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_lambda_package_has_its_handlers_and_their_bytecode(tmp_path: Path) -> None:
    tree = unpacked(tmp_path, "lambda")
    code = """
from http_chat.aws_lambda import handler
from timer_wakeup.aws_lambda import handler
from queue_worker.aws_lambda import handler, resident
import agentcore, pathlib
unchecked = pathlib.Path(agentcore.__cached__).read_bytes()[4]
print(*resident.service.registry.specs, unchecked, agentcore.__file__)
"""
    told_us = told(tree, code, ".", AGENTCORE_BUS_URL="sqs://eu-central-1/000000000000/runs", AWS_REGION="eu-central-1")
    assert told_us == f"mine 1 {tree}/agentcore/__init__.py"


def test_the_functions_app_has_its_three_functions(tmp_path: Path) -> None:
    tree = unpacked(tmp_path, "functions")
    assert (tree / "host.json").read_bytes() == (ROOT / "functions/host.json").read_bytes()
    code = "import function_app; print(*(one.get_function_name() for one in function_app.app.get_functions()))"
    names = told(
        tree, code, ".python_packages/lib/site-packages", ".",
        AGENTCORE_BUS_URL="servicebus://ns.servicebus.windows.net/runs",
        AzureFunctionsJobHost__functionTimeout="00:10:00", PYTHON_ENABLE_INIT_INDEXING="1",
    )  # fmt: skip
    assert names.split() == ["http_chat", "queue_worker", "timer_wakeup"]


@pytest.mark.parametrize(
    ("args", "named"),
    [(["--python", "3.99"], "Python 3.99 is not here"), (["--add", "nowhere.py"], "There is no nowhere.py")],
)
def test_what_cannot_be_built_is_named(args: list[str], named: str, tmp_path: Path) -> None:
    done = build(tmp_path, "lambda", *args)
    assert done.returncode == 1
    assert named in done.stderr
    assert not list(tmp_path.glob("*.zip"))
