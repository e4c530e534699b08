"""The Helm charts as objects of Kubernetes."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".infra/venv/bin/python"
Object = dict[str, Any]


def values(chart: str) -> dict[str, Any]:
    """The values that tests render a chart with, by their name."""
    return {
        path.stem: yaml.safe_load(path.read_text()) for path in (Path(__file__).parent / "values" / chart).iterdir()
    }


def rendered(chart: str, cases: Mapping[str, Any]) -> dict[str, list[Object]]:
    """The objects that the chart makes in each case; a case that it refuses fails."""
    found = {}
    for name, files in _helm(chart, cases).items():
        assert isinstance(files, dict), f"{name}: {files}"
        texts = (text for file, text in files.items() if not file.endswith("NOTES.txt"))
        found[name] = [one for text in texts for one in yaml.safe_load_all(text) if one]
    return found


def refused(chart: str, cases: Mapping[str, Any]) -> dict[str, str]:
    """What the chart says to values that are wrong; nothing where it takes them."""
    return {name: said if isinstance(said, str) else "" for name, said in _helm(chart, cases).items()}


def _helm(chart: str, cases: Mapping[str, Any]) -> dict[str, dict[str, str] | str]:
    asked = json.dumps({"chart": str(ROOT / "infra" / "kubernetes" / chart), "cases": dict(cases)})
    command = [str(PYTHON), "-m", "tests.infra.tools.charts"]
    done = subprocess.run(command, input=asked, capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert done.returncode == 0, done.stderr
    found: dict[str, dict[str, str] | str] = json.loads(done.stdout)
    return found


def one(objects: list[Object], kind: str, name: str = "") -> Object:
    """The object of that kind, and of that name where there are several."""
    (found,) = (o for o in objects if o["kind"] == kind and name in ("", o["metadata"]["name"]))
    return found


def templates(objects: list[Object]) -> Iterator[tuple[str, Object]]:
    """Every pod: by whom it is made, and its template, {metadata, spec}."""
    for each in objects:
        name = f"{each['kind']}/{each['metadata']['name']}"
        if template := template_of(each):
            yield name, template


def template_of(each: Object) -> Object | None:
    match each["kind"]:
        case "Pod":
            return each
        case "Deployment" | "Job":
            return dict(each["spec"]["template"])
        case "CronJob":
            return dict(each["spec"]["jobTemplate"]["spec"]["template"])
        case "ScaledJob":
            return dict(each["spec"]["jobTargetRef"]["template"])
    return None


def containers(template: Object) -> list[Object]:
    return [*template["spec"].get("initContainers", []), *template["spec"]["containers"]]
