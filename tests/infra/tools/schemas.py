"""python -m tests.infra.tools.schemas FOLDER: providers' schemas out of the wheels in `tests/infra/providers.txt`.

Downloads one wheel at a time, keeps FOLDER/NAME.json.gz of it, and throws it away.
"""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from tests.infra.tools.bindings import Bindings

LOCK = Path(__file__).parents[1] / "providers.txt"
NESTED = {"azapi", "helm", "random"}  # these speak protocol 6; the others mix both and keep to protocol 5's types
AT_ONCE = 2
Folder = tuple[str, str, bool]


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for requirement in _requirements(LOCK.read_text()):
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            schema = _extracted(_download(requirement, Path(scratch)))
        with gzip.open(folder / f"{schema['name']}.json.gz", "wt", compresslevel=6) as file:
            json.dump(schema, file, separators=(",", ":"), sort_keys=True)
        counts = ", ".join(f"{len(found)} {kind}" for kind, found in schema.items() if kind.endswith("_schemas"))
        print(f"{schema['name']} {schema['version']}: {counts}", flush=True)


def _requirements(lock: str) -> list[str]:
    """Each requirement with its hashes, as one text."""
    found: list[str] = []
    for line in lock.splitlines():
        if "==" in line:
            found.append("")
        if found and not line.strip().startswith("#"):
            found[-1] += line + "\n"
    return found


def _download(requirement: str, scratch: Path) -> Path:
    listed = scratch / "requirement.txt"
    listed.write_text(requirement)
    options = ("--quiet", "--disable-pip-version-check", "--no-cache-dir", "--no-deps", "--require-hashes")
    command = (sys.executable, "-m", "pip", "download", *options, "--only-binary", ":all:", "-d", str(scratch))
    subprocess.run([*command, "-r", str(listed)], check=True)
    return next(scratch.glob("*.whl"))


def _extracted(wheel: Path) -> dict[str, Any]:
    schema: dict[str, Any] = {"name": wheel.name.removeprefix("cdktn_provider_").partition("-")[0], "version": "",
                              "provider": {}, "resource_schemas": {}, "data_source_schemas": {},
                              "ephemeral_resource_schemas": {}}  # fmt: skip
    folders = _folders(wheel, nested=schema["name"] in NESTED)
    with ProcessPoolExecutor(AT_ONCE) as pool:
        for version, found in pool.map(_parsed, folders, chunksize=8):
            schema["version"] = schema["version"] or version
            for kind, name, block in found:
                if kind == "provider":
                    schema["provider"] = block
                else:
                    schema[kind][name] = block
    assert schema["version"], f"{wheel.name} is not built as expected"
    assert schema["resource_schemas"], f"{wheel.name} is not built as expected"
    return schema


def _folders(wheel: Path, *, nested: bool) -> list[Folder]:
    """Script, declarations and protocol of each folder of the package that the wheel carries."""
    with zipfile.ZipFile(wheel) as archive:
        package = archive.read(next(n for n in archive.namelist() if n.endswith(".jsii.tgz")))
    texts: dict[str, tuple[list[str], list[str]]] = {}
    with tarfile.open(fileobj=io.BytesIO(package), mode="r:gz") as files:
        for member in files:
            path = member.name.split("/")  # package/lib/FOLDER/index.js
            if len(path) > 3 and path[1] == "lib" and member.name.endswith((".js", ".d.ts")):
                content = files.extractfile(member)
                assert content
                scripts, declarations = texts.setdefault(path[2], ([], []))
                (declarations if member.name.endswith(".d.ts") else scripts).append(content.read().decode())
    return [("\n".join(s), "\n".join(d), nested) for _, (s, d) in sorted(texts.items())]


def _parsed(folder: Folder) -> tuple[str, list[tuple[str, str, Any]]]:
    script, declarations, nested = folder
    bindings = Bindings(script, declarations, nested=nested)
    return bindings.version, bindings.schemas()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
