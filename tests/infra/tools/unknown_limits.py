"""python -m tests.infra.tools.unknown_limits SCHEMAS: limits of arguments that no schema has, which limit nothing."""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.infra.tools.rules import LIMITS, WHOLES


def unknown(schemas: dict[str, Any]) -> Iterator[str]:
    for kind in {**LIMITS, **WHOLES}:
        if kind not in schemas:
            yield kind
        for argument in LIMITS.get(kind, {}) if kind in schemas else ():
            if not _has(schemas[kind], argument.split(".")):
                yield f"{kind}.{argument}"


def _has(block: dict[str, Any], path: list[str]) -> bool:
    if len(path) == 1:
        return path[0] in block["attributes"]
    nested = block["block_types"].get(path[0])
    return bool(nested and _has(nested["block"], path[1:]))


def read(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for file in folder.glob("*.json.gz"):
        schema = json.loads(gzip.decompress(file.read_bytes()))
        found |= {f"provider {schema['name']}": schema["provider"], **schema["resource_schemas"]}
    return found


if __name__ == "__main__":
    print("\n".join(unknown(read(Path(sys.argv[1])))))
