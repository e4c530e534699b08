"""docs/recipes.md works as it is written: every block of it is run, and shows what the page says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.http import REFUND
from tests.e2e.processes import PATIENCE, ROOT, Process, environment, ok

PAGE = (ROOT / "docs/recipes.md").read_text()
AGENTS = "tests.e2e.agents_dying"
MARK = "\x1e"  # printed between blocks
SETTINGS = dict(re.findall(r"(AGENTCORE_\w+)=(\S+)", re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)[0]))


@dataclass(frozen=True)
class Block:
    """A block of code, and the output that stands below it."""

    language: str
    code: str
    output: str


def blocks(language: str) -> list[Block]:
    fenced = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    below = [*fenced[1:], ("", "")]
    found = [
        Block(kind, code, output if told == "text" else "")
        for (kind, code), (told, output) in zip(fenced, below, strict=True)
    ]
    return [block for block in found if block.language == language]


def shows(block: Block, printed: str) -> bool:
    """Whether it printed what the page says. `…` is anything, and all white space alike."""
    wanted = ".*?".join(re.escape(" ".join(part.split())) for part in block.output.split("…"))
    loose = wanted.replace(r"\ ", r"\s+").replace(".*?", r"\s*.*?\s*")
    return re.fullmatch(loose, printed.strip(), re.DOTALL) is not None


def asks_what_became_of_a_call(folder: Path) -> None:
    """Leave a run behind whose process died in the middle of a refund."""
    with Process(folder, agents=AGENTS) as dev:
        run = ok(dev.http.post("/runs/wait", json={"agent_id": "support", "input": REFUND, "on_completion": "keep"}))
        (folder / "die").touch()
        dev.http.post(f"/approvals/{run['questions'][0]['approval_id']}", json={"decision": "approve"})
        assert dev.process.wait(PATIENCE) == 9


def run(folder: Path, language: str, command: list[str], between: str) -> None:
    """Run the blocks of a language in one process, beside a server as the page has it."""
    asks_what_became_of_a_call(folder)
    found = blocks(language)
    assert len(found) > 15
    with Process(folder, agents=AGENTS, **SETTINGS) as dev:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        script = "\n".join(f"{block.code}\n{between}" for block in found)
        done = subprocess.run(
            [*command, script], cwd=folder, env=environment(API=dev.url, PATH=path, NO_PROXY="127.0.0.1"),
            capture_output=True, text=True, timeout=PATIENCE, check=False,
        )  # fmt: skip
        printed = done.stdout.split(MARK)
        for block, text in zip(found, printed, strict=False):
            assert shows(block, text), f"{block.code}\nprinted:\n{text}\nand not:\n{block.output}\n{done.stderr}"
        assert done.returncode == 0, f"{found[len(printed) - 1].code}\n{printed[-1]}\n{done.stderr}"
        assert len(printed) == len(found) + 1


@pytest.mark.skipif(not shutil.which("bash") or not shutil.which("curl"), reason="it takes bash and curl")
def test_what_is_written_for_curl_works(tmp_path: Path) -> None:
    run(tmp_path, "bash", ["bash", "-euo", "pipefail", "-c"], f"printf '{MARK}'")


def test_what_is_written_for_python_works(tmp_path: Path) -> None:
    run(tmp_path, "python", [sys.executable, "-W", "error", "-c"], f"print({MARK!r}, end='', flush=True)")


def test_each_recipe_has_both() -> None:
    for recipe in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:-1]:
        assert "```bash" in recipe, recipe
        assert "```python" in recipe, recipe
    assert "observability.md" in PAGE.rpartition("\n## ")[2]
