"""Terraform for the tests: on a copy of `infra`, with providers that know their schemas and no cloud."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any

TOP = Path(__file__).parents[2]
HOME = TOP / ".infra"  # what `make` sets up for these checks
PYTHON = HOME / "venv/bin/python"
ROOTS = ("azure", "aws", "gcp", "kubernetes")
_NOT_COPIED = shutil.ignore_patterns(".terraform*", "*.tfstate*", "__pycache__")


class Terraform:
    """A copy of `infra` to work in, and the process that plays the providers."""

    def __init__(self, source: Path = TOP / "infra") -> None:
        self._scratch = tempfile.TemporaryDirectory(prefix="infra-")
        self.infra = Path(self._scratch.name, "infra")
        if source.exists():
            shutil.copytree(source, self.infra, ignore=_NOT_COPIED)
        self._ready: set[Path] = set()
        self._log = Path(self._scratch.name, "stub.log")
        sockets = Path(self._scratch.name, "sockets")
        sockets.mkdir()
        with self._log.open("w") as log:
            self._stub = subprocess.Popen(
                [str(PYTHON), "-m", "tests.infra.tools.stub", str(HOME / "schemas"), str(sockets)],
                cwd=TOP, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
            )  # fmt: skip
        self._environment = self._told()

    def _told(self) -> dict[str, str]:
        assert self._stub.stdout
        providers = self._stub.stdout.readline().strip()
        if not providers:
            raise RuntimeError(f"the stub providers did not start:\n{self._log.read_text()}")
        settings = Path(self._scratch.name, "terraformrc")
        settings.write_text("disable_checkpoint = true\n")
        return {
            **{k: v for k, v in os.environ.items() if not k.startswith("TF_")},
            "TF_REATTACH_PROVIDERS": providers,
            "TF_CLI_CONFIG_FILE": str(settings),
            "TF_IN_AUTOMATION": "1",
            "CHECKPOINT_DISABLE": "1",
        }

    def run(self, folder: str | Path, *words: str, seconds: float = 110) -> subprocess.CompletedProcess[str]:
        """terraform WORDS in a folder of `infra`, set up before, if it must be."""
        at = self.infra / folder
        if words[0] not in ("fmt", "init") and at not in self._ready:
            done = self.run(folder, "init", "-backend=false", "-input=false", "-no-color")
            assert done.returncode == 0, said(done)
            self._ready.add(at)
        command = [str(PYTHON), "-m", "tests.infra.tools.engine", f"-chdir={at}", *words]
        return subprocess.run(command, cwd=TOP, env=self._environment, capture_output=True, text=True, timeout=seconds)

    def passes(self, folder: str | Path, *words: str) -> str:
        """What it prints; fails unless it succeeds."""
        done = self.run(folder, *words, "-no-color")
        assert done.returncode == 0, said(done)
        return done.stdout

    def close(self) -> None:
        self._stub.communicate()  # it ends with its standard input
        self._scratch.cleanup()

    def __enter__(self) -> Terraform:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def said(done: subprocess.CompletedProcess[str]) -> str:
    """The end of what a command printed, for a failure's message."""
    return f"{' '.join(done.args[3:])}\n{done.stdout[-6000:]}\n{done.stderr[-6000:]}"


def roots() -> list[str]:
    """The roots that are there, as folders of `infra`."""
    return [f"terraform/{name}" for name in _folders(TOP / "infra/terraform")]


def examples() -> list[str]:
    return [f"{root}/examples/{name}" for root in roots() for name in _folders(TOP / "infra" / root / "examples")]


def suites() -> list[tuple[str, str]]:
    """Each root with each of its files of tests."""
    return [
        (root, f"tests/{file.name}")
        for root in roots()
        for file in sorted((TOP / "infra" / root / "tests").glob("*.tftest.hcl"))
    ]


def _folders(within: Path) -> list[str]:
    return sorted(p.name for p in within.glob("*") if any(p.glob("*.tf"))) if within.exists() else []


def modules(*folders: str) -> dict[str, Any]:
    """Variables and outputs of modules, by their folder in `infra`."""
    paths = [str(TOP / "infra" / folder) for folder in folders]
    done = subprocess.run(
        [str(PYTHON), "-m", "tests.infra.tools.modules", *paths], cwd=TOP, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    read: dict[str, Any] = json.loads(done.stdout)
    return {folder: read[path] for folder, path in zip(folders, paths, strict=True)}
