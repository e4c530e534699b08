"""Renders a Helm chart. In: {"chart": FOLDER, "cases": {NAME: values}}; out: {NAME: {FILE: text} or error}."""

from __future__ import annotations

import json
import sys
from typing import Any

import helm_python  # type: ignore[import-not-found]  # only among the tools


def main() -> None:
    asked = json.load(sys.stdin)
    with helm_python.Chart.load(asked["chart"]) as chart:
        json.dump({name: _rendered(chart, values) for name, values in asked["cases"].items()}, sys.stdout)


def _rendered(chart: Any, values: dict[str, Any]) -> dict[str, str] | str:
    try:
        files: dict[str, str] = chart.render(values=values, name="agentcore", namespace="agents")
    except helm_python.HelmError as error:
        return str(error)
    return files


if __name__ == "__main__":
    main()
