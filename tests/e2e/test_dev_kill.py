"""`agentcore dev` is killed in the middle of a run, and started again."""

from __future__ import annotations

import signal
from collections import Counter
from pathlib import Path

from tests.e2e.processes import Process, cli, ok, reached

AGENTS = "tests.e2e.agents_slow"
EVERYTHING = Counter({f"step:{n}": 1 for n in range(1, 6)} | {f"model:{n}": 1 for n in range(6)})


def go(folder: Path) -> None:
    (folder / "side.go").touch()


def test_a_run_goes_on_after_a_kill_and_repeats_nothing_that_was_recorded(tmp_path: Path) -> None:
    with Process(tmp_path, agents=AGENTS) as first:
        run = first.start()
        reached(first.side, "step:3")
        first.kill()
    go(tmp_path)
    with Process(tmp_path, agents=AGENTS) as second:
        ended = second.finished(run["run_id"])
        items = ok(second.http.get(f"/threads/{run['thread_id']}/items"))
    assert ended["status"] == "success"
    assert ended["output"] == "All steps are done."
    # Step 3 was under way and is idempotent: it alone may have happened twice.
    assert second.side.count() - EVERYTHING == Counter({"step:3": 1})
    assert [item["item"].get("call_id") for item in items].count("call_3") == 2  # the call and its output


def test_what_was_accepted_and_never_begun_is_done_after_a_kill(tmp_path: Path) -> None:
    options = {"AGENTCORE_CONCURRENCY": "1", "AGENTCORE_REDELIVERY_SECONDS": "2"}
    with Process(tmp_path, agents=AGENTS, **options) as first:
        runs = [first.start() for _ in range(3)]
        reached(first.side, "step:3")
        first.kill()
    go(tmp_path)
    with Process(tmp_path, agents=AGENTS, **options) as second:
        assert {second.finished(run["run_id"])["status"] for run in runs} == {"success"}


def test_a_run_goes_on_after_a_polite_stop_and_repeats_nothing(tmp_path: Path) -> None:
    with Process(tmp_path, agents=AGENTS) as first:
        run = first.start()
        reached(first.side, "step:3")
        go(tmp_path)
        assert first.stop(signal.SIGTERM) == 0
    with Process(tmp_path, agents=AGENTS) as second:
        assert second.finished(run["run_id"])["status"] == "success"
    assert second.side.count() == EVERYTHING


def test_ctrl_c_ends_it_well(tmp_path: Path) -> None:
    with Process(tmp_path) as dev:
        assert dev.stop(signal.SIGINT) == 0
    assert dev.errors() == ""


def test_a_second_dev_on_the_same_file_is_refused_and_told_who_has_it(tmp_path: Path) -> None:
    with Process(tmp_path) as dev:
        second = cli("dev", "--port", "0", folder=tmp_path)
        assert second.returncode == 2
        assert dev.url in second.stderr
        assert str(dev.process.pid) in second.stderr
        assert "Traceback" not in second.stderr


def test_dev_says_what_it_uses_and_what_to_try(tmp_path: Path) -> None:
    with Process(tmp_path, OPENAI_API_KEY="sk-very-secret", OPENAI_BASE_URL="http://127.0.0.1:9/v1") as dev:
        dev.stop()
    assert "sqlite:///.agentcore/agentcore.db" in dev.shown
    assert "gpt-5-mini at http://127.0.0.1:9/v1" in dev.shown
    assert "memory://" in dev.shown
    assert "very-secret" not in dev.shown + dev.errors()
