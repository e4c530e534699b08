"""python -m tests.infra.tools.modules FOLDER…: variables, outputs and providers of modules of Terraform, in JSON."""

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
            "type": _only(body, "type", "").removeprefix("${").removesuffix("}"),
            "description": _only(body, "description", ""),
            "default": _only(body, "default"),
            "required": "default" not in body,
            "sensitive": _only(body, "sensitive", False),
            "ephemeral": _only(body, "ephemeral", False),
            "messages": [_only(rule, "error_message") for rule in body.get("validation", [])],
        }
        for name, body in _blocks(folder, "variable")
    }
    outputs = {name: {"description": _only(body, "description", "")} for name, body in _blocks(folder, "output")}
    providers = {
        name: {"source": asked.get("source", ""), "version": asked.get("version", "")}
        for name, required in _blocks(folder, "terraform")
        if name == "required_providers"
        for block in required
        for name, [asked] in block.items()
    }
    return {"variables": variables, "outputs": outputs, "providers": providers}


def _blocks(folder: Path, kind: str) -> Iterator[tuple[str, Any]]:
    for file in sorted(folder.glob("*.tf")):
        for block in hcl2.loads(file.read_text()).get(kind, []):
            yield from block.items()


def _only(body: dict[str, Any], name: str, default: Any = None) -> Any:
    """An argument: the parser has a list of each."""
    return body[name][0] if name in body else default


if __name__ == "__main__":
    print(json.dumps({folder: described(Path(folder)) for folder in sys.argv[1:]}))
