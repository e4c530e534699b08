"""Each operation, asked with each of its own examples, does what it says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.e2e.http import REFUND, Http, conformance, ok, on, waited
from tests.e2e.operations import WEBSOCKET, Operation, app_of, operations

Json = dict[str, Any]
OPEN = {"webhook_allow_http": True, "webhook_allow_private": True}

NEVER_ENDS = frozenset({"open_thread_sse_stream"})
"""Streams that a client which reads answers whole cannot ask for; test_thread_streams does."""
FITS_NO_APPROVAL = ("decide", "happened")
"""It answers a call of unknown outcome, which takes a process that dies to come by: test_unknown_outcomes."""
ENDED = frozenset({"delete_run", "list_deliveries", "redeliver", "stream_run", "run_events"})
"""Operations on runs that have ended well; redrive takes one that has not, and all others one that waits."""


def bodies(operation: Operation) -> Iterator[tuple[str, str, Any]]:
    """Name, kind of content and value of each example; or one without a body."""
    content = operation.told.get("requestBody", {}).get("content", {})
    for kind, told in content.items():
        for name, example in told["examples"].items():
            yield name, kind, example["value"]
    if not content:
        yield "", "", None


class Things:
    """What an operation is about, made for it: whatever its path and its examples name."""

    def __init__(self, http: Http) -> None:
        self.http = http

    async def run(self, operation_id: str) -> Json:
        """On a thread of its own. A webhook that nobody listens at leaves a delivery."""
        more = {"webhook": "http://127.0.0.1:9/"} if operation_id == "redeliver" else {}
        given = "hello" if operation_id in ENDED else REFUND
        run: Json = (await waited(self.http, given, on_completion="keep", **more))["run"]
        if operation_id == "redrive_run":
            ok(await self.http.post(f"/runs/{run['run_id']}/cancel", params={"wait": True}), 204)
        return run

    async def ids(self, operation: Operation, example: str) -> dict[str, str]:
        names, name = operation.names, str(operation.told["operationId"])
        found = {"agent_id": "support"}
        if names & {"run_id", "approval_id", "delivery_id"} or name == "decide_many" or example == "input_respond":
            run = await self.run(name)
            found |= {"run_id": run["run_id"], "thread_id": run["thread_id"]}
            asked = ok(await self.http.get("/approvals", params={"run_id": run["run_id"]}))
            found["approval_id"] = asked[0]["approval_id"] if asked else ""
        elif "thread_id" in names:
            found["thread_id"] = ok(await self.http.post("/threads", json={}))["thread_id"]
        if "delivery_id" in names:
            found["delivery_id"] = ok(await self.http.get(f"/runs/{found['run_id']}/deliveries"))[0]["delivery_id"]
        if "schedule_id" in names:
            weekly = {"agent_id": "support", "input": "hello", "cron": "0 9 * * 1"}
            found["schedule_id"] = ok(await self.http.post("/schedules", json=weekly))["schedule_id"]
        return found


async def drive(http: Http, operation: Operation) -> None:
    things, name = Things(http), operation.told["operationId"]
    for example, kind, value in bodies(operation):
        ids = await things.ids(operation, example)
        content = None if value is None else json.dumps(_about(value, ids))
        headers = {"content-type": kind} if kind else {}
        if name == "thread_events":
            headers["accept"] = "application/json"  # its stream has no end
        query = {"key": "profile", "namespace": ["users", "kim"]} if name == "get_item" else {}
        path = operation.path.format(**ids)
        answer = await http.request(operation.method, path, content=content, headers=headers, params=query)
        wanted = 422 if (name, example) == FITS_NO_APPROVAL else 426 if "websocket" in name else 0
        assert answer.status_code == wanted or (not wanted and answer.is_success), (
            f"{operation} {example}: {answer.text}"
        )
        if name == "send_thread_streaming_command":
            assert answer.json()["type"] == "success", answer.text
        if name == "decide_many":
            assert answer.json()[0]["status"] == "approved"


def _about(example: Any, ids: dict[str, str]) -> Any:
    """An example, about things that there are."""
    if isinstance(example, dict):
        named = {"interruptId": ids.get("approval_id"), "approval_id": ids.get("approval_id")}
        given = {key: named.get(key) or _about(value, ids) for key, value in example.items()}
        return {**given, "thread_id": str(uuid4())} if "thread_id" in given else given
    return [_about(one, ids) for one in example] if isinstance(example, list) else example


@pytest.mark.parametrize("part", [0, 1])
def test_each_operation_answers_its_own_examples_as_it_describes_them(tmp_path: Path, part: int) -> None:
    async def test(http: Http) -> None:
        ok(await http.put("/store/items", json={"namespace": ["users", "kim"], "key": "profile", "value": {}}), 204)
        mine = [one for one in operations(app_of(http)) if one.told and one.told["operationId"] not in NEVER_ENDS]
        mine = [one for one in mine if one.method != WEBSOCKET][part::2]
        for operation in sorted(mine, key=lambda one: one.method == "DELETE"):
            await drive(http, operation)
        well = {name for name, status in conformance(http).seen if status < 300}
        assert {str(one.told["operationId"]) for one in mine} - well <= {"open_thread_websocket_stream"}

    on(tmp_path, test, **OPEN)
