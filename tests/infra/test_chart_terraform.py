"""What Terraform gives to the charts, they take; and what is secret is in no plan."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.infra.charts import one, rendered
from tests.infra.terraform import Terraform, said

IMAGE = "registry.example.com/agentcore:1.0.0"
ARGUMENTS = [f"-var=image={IMAGE}", '-var=secrets={"OPENAI_API_KEY":"hidden"}']
MORE = {"minimal": [], "production": ["-var=database_url=postgresql://user:hidden@db/agentcore", "-var=context=test"]}


@pytest.mark.parametrize("example", MORE)
def test_an_example_gives_the_charts_what_they_take(terraform: Terraform, example: str, tmp_path: Path) -> None:
    plan = _plan(terraform, f"terraform/kubernetes/examples/{example}", str(tmp_path / "plan"), *MORE[example])
    assert "hidden" not in json.dumps(plan)
    releases = [each["change"]["after"] for each in plan["resource_changes"] if each["type"] == "helm_release"]
    made = {Path(each["chart"]).name: _merged(each["values"]) for each in releases}
    assert made.keys() == {"agentcore", "services"}
    objects = {chart: rendered(chart, {chart: values})[chart] for chart, values in made.items()}
    assert all(objects.values())
    job = one(objects["agentcore"], "Job")
    assert {container["image"] for container in job["spec"]["template"]["spec"]["containers"]} == {IMAGE}


def _plan(terraform: Terraform, folder: str, file: str, *more: str) -> dict[str, Any]:
    done = terraform.run(folder, "plan", "-input=false", f"-out={file}", *ARGUMENTS, *more)
    assert done.returncode == 0, said(done)
    plan: dict[str, Any] = json.loads(terraform.run(folder, "show", "-json", file).stdout)
    return plan


def _merged(texts: list[str]) -> dict[str, Any]:
    """As Helm puts several files of values together."""

    def put(into: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
        for name, value in more.items():
            both = isinstance(value, dict) and isinstance(into.get(name), dict)
            into[name] = put(into[name], value) if both else value
        return into

    found: dict[str, Any] = {}
    for text in texts:
        put(found, yaml.safe_load(text))
    return found
