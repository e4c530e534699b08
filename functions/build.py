"""Build what is deployed as a zip: the Azure Functions app and the Lambda package, with compiled bytecode.

    make deployables                                     # both, for the Python that runs here, into dist/
    python functions/build.py lambda --python 3.13 --platform aarch64-manylinux_2_28 --add ../my_agents

Container images are built by Dockerfile and lambda.Dockerfile.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROLES = ("http_chat", "queue_worker", "timer_wakeup")
_THEN = (1980, 1, 1, 0, 0, 0)  # the first date that a zip can say: the same files make the same bytes


class Failed(Exception):
    """It cannot be built; the message says what to do."""


@dataclass(frozen=True)
class Deployable:
    name: str
    extras: tuple[str, ...]
    packages: str  # where its host looks for them, seen from the top
    files: tuple[str, ...]  # of this folder: they go to the top
    most: float = float("inf")  # MiB, unzipped


DEPLOYABLES = {
    "functions": Deployable(
        "azure-functions",
        extras=("azure", "kafka"),
        packages=".python_packages/lib/site-packages",
        files=(*ROLES, "function_app.py", "host.json"),
    ),
    # 250 MB with layers: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
    "lambda": Deployable("aws-lambda", extras=("aws",), packages=".", files=ROLES, most=250),
}


def main(argv: Sequence[str] | None = None) -> int:
    args = _parser().parse_args(argv)
    try:
        python = _python(args.python)
        for name in [args.what] if args.what else DEPLOYABLES:
            tree = args.out / DEPLOYABLES[name].name
            fill(tree, DEPLOYABLES[name], args)
            compiled(tree, python)
            print(packed(tree, DEPLOYABLES[name].most))
    except Failed as failed:
        print(f"build: {failed}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    parser = argparse.ArgumentParser(description="Build what is deployed as a zip.")
    add = parser.add_argument
    add("what", nargs="?", choices=list(DEPLOYABLES), help="default: all")
    add("--python", default=here, metavar="VERSION", help="of the host (default: %(default)s, as here)")
    add("--platform", default="x86_64-manylinux_2_28", help="of the host (default: %(default)s)")
    add("--extra", action="append", default=[], help="another extra of agentcore, such as redis")
    add("--add", action="append", default=[], type=Path, metavar="PATH", help="a module or package of yours")
    add("--requirements", action="append", default=[], type=Path, metavar="FILE", help="what those need")
    add("--out", type=Path, default=ROOT / "dist", metavar="FOLDER", help="default: dist")
    return parser


def fill(tree: Path, what: Deployable, args: argparse.Namespace) -> None:
    """Put all its files into a folder of its own."""
    shutil.rmtree(tree, ignore_errors=True)
    packages = tree / what.packages
    packages.mkdir(parents=True)
    wanted: list[str | Path] = ["--requirements", ROOT / "pyproject.toml"]
    for extra in (*what.extras, *args.extra):
        wanted += ["--extra", extra]
    for file in args.requirements:
        wanted += ["--requirements", file]
    _uv(
        "pip", "install", "--quiet", "--target", packages, "--constraint", ROOT / "requirements.lock", *wanted,
        "--python-version", args.python, "--python-platform", args.platform, "--only-binary", ":all:",
    )  # fmt: skip
    shutil.rmtree(packages / "bin", ignore_errors=True)  # scripts for a shell
    for source in (ROOT / "shared/agentcore", *args.add):
        _copy(source, packages)
    for name in what.files:
        _copy(ROOT / "functions" / name, tree)


def _copy(source: Path, folder: Path) -> None:
    if source.is_dir():
        name = source.resolve().name
        shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    elif source.is_file():
        shutil.copy2(source, folder)
    else:
        raise Failed(f"There is no {source}. --add names a Python file or a folder of them.")


def compiled(tree: Path, python: str) -> None:
    """Add bytecode that is believed without a look at its source, as unpacking changes times."""
    command = [python, "-m", "compileall", "-q", "-j", "0", "--invalidation-mode", "unchecked-hash", str(tree)]
    if subprocess.run(command, check=False).returncode:
        raise Failed("A module does not compile: see above.")


def packed(tree: Path, most: float) -> str:
    """Zip it, beside its folder; what came out, for people."""
    archive = tree.with_name(f"{tree.name}.zip")
    files = sorted(path for path in tree.rglob("*") if path.is_file())
    with zipfile.ZipFile(archive, "w") as out:
        for path in files:
            entry = zipfile.ZipInfo(path.relative_to(tree).as_posix(), _THEN)
            entry.external_attr = 0o644 << 16
            out.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)
    size = sum(path.stat().st_size for path in files) / 2**20
    if size > most:
        raise Failed(
            f"{archive.name} has {size:.0f} MiB unzipped, and its host takes {most:.0f}. "
            "Leave out what --extra, --add or --requirements bring, or deploy the container image."
        )
    return f"{archive}: {archive.stat().st_size / 2**20:.1f} MiB, unzipped {size:.1f} MiB"


def _python(version: str) -> str:
    """An interpreter of the host's version: no other can compile for it."""
    try:
        return _uv("python", "find", "--no-project", "--no-python-downloads", version).strip()
    except Failed as failed:
        raise Failed(f"Python {version} is not here: `uv python install {version}`, or another --python.") from failed


def _uv(*args: str | Path) -> str:
    uv = shutil.which("uv", path=f"{ROOT / '.tools/bin'}:{ROOT / '.venv/bin'}") or shutil.which("uv")
    if uv is None:
        raise Failed("uv is not here: `make deployables` sets it up, and so does `pip install uv`.")
    done = subprocess.run([uv, *args], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise Failed(f"`uv {args[0]} {args[1]}` failed: see above.")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
