"""Lints a Helm chart strictly. In: {"chart": FOLDER, "cases": {NAME: values}}; out: {NAME: [message]}."""

from __future__ import annotations

import json
import sys

import helm_python  # type: ignore[import-not-found]  # only among the tools

USUAL = "icon is recommended"


def main() -> None:
    asked = json.load(sys.stdin)
    found = {}
    for name, values in asked["cases"].items():
        result = helm_python.lint(asked["chart"], values, strict=True, namespace="agents")
        found[name] = [f"{m['path']}: {m['error']}" for m in result["messages"] if m["error"] != USUAL]
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
