"""Images and containers without a daemon: buildah builds them and runc runs them, as root.

No registry is asked. A stand-in made of Debian's packages has the name of Debian's image, and the uv of this machine is
in an image with the name of uv's.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
TOOLS = ("buildah", "mmdebstrap", "runc")
CERTIFICATES = Path("/etc/ssl/certs")
_PACKAGES = "ca-certificates,python3"  # that the Dockerfile installs: once for all builds
_LEFT_OUT = ("doc", "info", "lintian", "locale", "man")
_INDEXES = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL")


def absent() -> str:
    """Why no image can be built here; empty if one can."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        return f"{', '.join(missing)} not installed (apt-get install {' '.join(TOOLS)})"
    return "" if os.geteuid() == 0 else "building an image without a daemon takes root"


class Images:
    """Images in a folder of their own, gone with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.started: list[Container] = []
        self._mounted: dict[str, tuple[str, Path]] = {}

    def base(self, name: str) -> None:
        """What stands for Debian's official slim image: the same packages, likewise without documentation."""
        suite = name.removeprefix("debian:").removesuffix("-slim")
        tar = ROOT / ".infra" / f"debian-{suite}.tar"
        if not tar.exists():
            tar.parent.mkdir(exist_ok=True)
            made = self.folder / "debian.tar"
            options = [f"--dpkgopt=path-exclude=/usr/share/{folder}/*" for folder in _LEFT_OUT]
            _run("mmdebstrap", "--quiet", "--variant=minbase", f"--include={_PACKAGES}", *options, suite, made)
            shutil.move(made, tar)
        self._from_scratch(name, tar.parent, f"ADD {tar.name} /")

    def uv(self, name: str) -> None:
        found = shutil.which("uv", path=f"{ROOT / '.tools/bin'}:{ROOT / '.venv/bin'}") or shutil.which("uv")
        assert found, "uv is not here: make sets it up"
        self.file(name, Path(found).resolve(), "/uv")

    def file(self, name: str, file: Path, at: str) -> None:
        """An image with nothing but one file."""
        self._from_scratch(name, file.parent, f"COPY {file.name} {at}")

    def _from_scratch(self, name: str, context: Path, instruction: str) -> None:
        recipe = self.folder / "Containerfile"
        recipe.write_text(f"FROM scratch\n{instruction}\n")
        self._buildah("build", "--quiet", "--layers=false", "--file", recipe, "--tag", name, context)

    def build(self, name: str, file: Path, context: Path = ROOT, **arguments: str) -> str:
        """What its steps printed."""
        options = [f"--build-arg={key}={value}" for key, value in arguments.items()]
        options += ["--secret=id=uv,type=env,env=UV_TOML", f"--volume={CERTIFICATES}:{CERTIFICATES}:ro"]
        return self._buildah(
            "build", "--pull=never", "--layers=false", "--file", file, "--tag", name, *options, context,
            UV_TOML=_uv_toml(),
        )  # fmt: skip

    def config(self, name: str) -> dict[str, Any]:
        """What the image says about the process."""
        found: dict[str, Any] = json.loads(self._buildah("inspect", "--type", "image", name))["OCIv1"]["config"]
        return found

    def tree(self, name: str) -> Path:
        """The image's files."""
        if name not in self._mounted:
            container = self._buildah("from", "--pull-never", name).strip()
            self._mounted[name] = container, Path(self._buildah("mount", container).strip())
        return self._mounted[name][1]

    def remove(self) -> None:
        for one in self.started:
            one.stop("KILL")
        for container, _ in self._mounted.values():
            self._buildah("rm", container)
        self._buildah("rmi", "--all", "--force")

    def _buildah(self, *args: str | Path, **env: str) -> str:
        storage: list[str | Path] = ["--root", self.folder / "storage", "--runroot", self.folder / "run"]
        return _run("buildah", *storage, *args, BUILDAH_ISOLATION="chroot", **env)


class Container:
    """One process of an image, as a strict platform runs it: read-only, no rights, /tmp in memory. On our network."""

    def __init__(self, images: Images, image: str, *args: str, entrypoint: Sequence[str] | None = None, **env: str):
        self.id = f"agentcore-{uuid.uuid4().hex[:12]}"
        self._folder = images.folder / self.id
        self._folder.mkdir()
        config = images.config(image)
        command = [*(config["Entrypoint"] if entrypoint is None else entrypoint), *(args or config.get("Cmd") or [])]
        variables = dict(pair.split("=", 1) for pair in config["Env"]) | env
        spec = _spec(images.tree(image), command, config["WorkingDir"], config["User"], variables)
        (self._folder / "config.json").write_text(json.dumps(spec))
        self._out, self._err = self._folder / "out", self._folder / "err"
        self.began = time.monotonic()
        run = [*self._runc("run"), "--bundle", self._folder, self.id]
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self._process = subprocess.Popen(run, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        images.started.append(self)

    @property
    def said(self) -> str:
        return self._out.read_text() + self._err.read_text()

    def ended(self, seconds: float = 120.0) -> str:
        """What it printed, once it has ended well."""
        code = self._process.wait(seconds)
        assert code == 0, f"it ended with {code}: {self.said}"
        return self._out.read_text()

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def stop(self, signal: str = "TERM") -> int:
        """As platforms do; its exit code."""
        if self.running:
            _run(*self._runc("kill"), self.id, signal)
        return self._process.wait(60)

    def _runc(self, verb: str) -> list[str | Path]:
        return ["runc", "--root", self._folder.parent / "runc", verb]


def _spec(tree: Path, args: Sequence[str], folder: str, user: str, env: Mapping[str, str]) -> dict[str, Any]:
    """A bundle of the OCI runtime specification: https://github.com/opencontainers/runtime-spec/blob/main/config.md"""
    uid, _, gid = user.partition(":")
    quiet = ["nosuid", "nodev", "noexec"]
    return {
        "ociVersion": "1.0.2",
        "process": {
            "user": {"uid": int(uid), "gid": int(gid or uid)},
            "args": list(args),
            "env": [f"{key}={value}" for key, value in env.items()],
            "cwd": folder,
            "capabilities": {},
            "noNewPrivileges": True,
        },
        "root": {"path": str(tree), "readonly": True},
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755"]},
            {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": [*quiet, "mode=1777"]},
        ],
        "linux": {"namespaces": [{"type": kind} for kind in ("pid", "mount", "ipc", "uts")]},
    }


def argument(file: str, name: str) -> str:
    """The default of a build argument."""
    found = re.search(rf"^ARG {name}=(\S+)$", (ROOT / file).read_text(), re.MULTILINE)
    assert found, f"{file} has no ARG {name}"
    return found[1]


def megabytes(tree: Path) -> float:
    """What its files have."""
    return sum(path.lstat().st_size for path in tree.rglob("*") if path.is_file() and not path.is_symlink()) / 1e6


def _uv_toml() -> str:
    """How this machine reaches packages. An environment variable carries it, so that no file has it."""
    index = next((os.environ[name] for name in _INDEXES if os.environ.get(name)), "")
    return "system-certs = true\n" + (f'index-url = "{index}"\n' if index else "")


def _run(*args: str | Path, **env: str) -> str:
    done = subprocess.run(args, env={**os.environ, **env}, capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stdout, done.stderr, sep="\n", file=sys.stderr)
        raise AssertionError(f"{args[0]} failed with {done.returncode}")
    return done.stdout
