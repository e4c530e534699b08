"""python -m tests.infra.tools.modules FOLDER…: the variables and outputs of modules of Terraform, in JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hcl2


def described(folder: Path) -> dict[str, Any]:
    variables = {
        name: {
            "type": _plain(body.get("type")),
            "description": _plain(body.get("description")),
            "default": body.get("default"),
            "required": "default" not in body,
            "sensitive": body.get("sensitive", False),
            "ephemeral": body.get("ephemeral", False),
            "messages": [_plain(rule["error_message"]) for rule in body.get("validation", [])],
        }
        for name, body in _blocks(folder, "variable")
    }
    outputs = {name: {"description": _plain(body.get("description"))} for name, body in _blocks(folder, "output")}
    return {"variables": variables, "outputs": outputs}


def _blocks(folder: Path, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for file in sorted(folder.glob("*.tf")):
        for block in hcl2.loads(file.read_text()).get(kind, []):
            for name, body in block.items():
                yield _plain(name), body


def _plain(value: Any) -> str:
    """A text without what stood around it."""
    return str(value or "").removeprefix("${").removesuffix("}").strip('"')


if __name__ == "__main__":
    print(json.dumps({folder: described(Path(folder)) for folder in sys.argv[1:]}))
