"""What the chart starts, started: its commands with its variables, and its smoke test against a server."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.e2e.processes import Process, cli
from tests.infra.charts import Object, containers, one, rendered, template_of, values

MINIMAL = values("agentcore")["minimal"]


def _objects(**more: object) -> list[Object]:
    return rendered("agentcore", {"one": {**MINIMAL, **more}})["one"]


def test_each_job_ends_well_with_the_chart_s_variables(tmp_path: Path) -> None:
    objects = _objects(worker={"kind": "scaledjob"})
    database = {"AGENTCORE_DATABASE_URL": f"sqlite:///{tmp_path}/test.db"}
    for kind in ("Job", "ScaledJob", "CronJob"):  # the first brings the schema
        template = template_of(one(objects, kind))
        assert template
        for container in containers(template):
            environment = {entry["name"]: entry["value"] for entry in container["env"]}
            done = cli(*container["args"], folder=tmp_path, **environment, **database)
            assert done.returncode == 0, f"{container['args']}: {done.stderr}"


def test_the_smoke_test_passes_where_all_is_well(tmp_path: Path) -> None:
    with _serving(tmp_path, "keys") as serve:
        assert _smoke(serve.url, "keys") == 0


def test_the_smoke_test_fails_where_nobody_is_asked_who_they_are(tmp_path: Path) -> None:
    with _serving(tmp_path, "none") as serve:
        assert (_smoke(serve.url, "keys"), _smoke(serve.url, "none")) == (1, 0)


def _serving(folder: Path, auth: str) -> Process:
    settings = {"AGENTCORE_DATABASE_URL": f"sqlite:///{folder}/test.db", "AGENTCORE_AUTH": auth}
    assert cli("migrate", folder=folder, **settings).returncode == 0
    return Process(folder, "serve", "--port", "0", **settings)


def _smoke(url: str, auth: str) -> int:
    (container,) = one(_objects(settings={"AGENTCORE_AUTH": auth}), "Pod")["spec"]["initContainers"]
    assert container["command"] == ["python", "-c"]
    (script,) = container["args"]
    assert "http://agentcore:80" in script
    command = [sys.executable, "-c", script.replace("http://agentcore:80", url)]
    return subprocess.run(command, timeout=60).returncode
