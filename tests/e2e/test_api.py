"""The HTTP API over a whole service, as clients see it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.e2e.http import REFUND, Http, events_of, ok, on, refused, waited

NOBODY = str(uuid4())


# -- runs


def test_a_run_is_answered(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        answer = await waited(http, "Where is order 1001?", metadata={"channel": "web"})
        run = answer["run"]
        assert (run["status"], run["state"], run["agent_id"]) == ("success", "succeeded", "support")
        assert run["metadata"] == {"channel": "web"}
        assert "1001" in run["output"]
        assert answer["messages"] == [{"role": "assistant", "content": run["output"]}]
        assert answer["values"]["output"] == run["output"]
        assert run["usage"]
        assert {"run_id", "thread_id", "created_at", "updated_at", "input", "messages"} <= set(run)
        assert ok(await http.get(f"/runs/{run['run_id']}"))["output"] == run["output"]

    on(tmp_path, test)


def test_a_background_run_is_waited_for_later(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        run = ok(await http.post("/runs", json={"agent_id": "support", "input": "hello"}))
        assert run["status"] == "pending"
        assert ok(await http.get(f"/runs/{run['run_id']}/wait"))["run"]["status"] == "success"
        wanted = {"thread_id": run["thread_id"], "status": "success"}
        assert [r["run_id"] for r in ok(await http.post("/runs/search", json=wanted))] == [run["run_id"]]
        assert ok(await http.post("/runs/search", json={"status": "error"})) == []
        assert ok(await http.post("/runs/search", json={"agent_id": "account_manager"})) == []

    on(tmp_path, test)


def test_a_wait_that_is_too_short_answers_with_the_run_as_it_is(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        answer = ok(await http.post("/runs/wait?timeout=0", json={"agent_id": "support", "input": "hello"}))
        assert answer["run"]["status"] == "pending"
        assert answer["messages"] == []

    on(tmp_path, test)


@pytest.mark.parametrize(
    "given",
    [
        {"input": "Where is order 1001?"},
        {"input": [{"role": "user", "content": "Where is order 1001?"}]},
        {"input": ["Where is order 1001?"]},
        {"input": {"messages": [{"type": "message", "role": "human", "content": "Where is order 1001?"}]}},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "Where is order 1001?"}], "id": "m1"}]},
        {"input": None, "messages": [{"role": "user", "content": "Where is order 1001?"}]},
        {"input": {"question": "Where is order 1001?"}},
    ],
)
def test_input_comes_in_the_shapes_that_clients_send(tmp_path: Path, given: dict[str, Any]) -> None:
    async def test(http: Http) -> None:
        answer = ok(await http.post("/runs/wait", json={"agent_id": "support", **given}))
        assert "1001" in answer["run"]["output"]

    on(tmp_path, test)


def test_the_same_idempotency_key_is_the_same_run(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        body, key = {"agent_id": "support", "input": "hello"}, {"Idempotency-Key": "order-17"}
        first = ok(await http.post("/runs", json=body, headers=key))
        assert ok(await http.post("/runs", json=body, headers=key))["run_id"] == first["run_id"]
        other = await http.post("/runs", json={**body, "input": "bye"}, headers=key)
        refused(other, 409, "idempotency_mismatch")

    on(tmp_path, test)


def test_max_turns_come_from_the_recursion_limit(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        run = (await waited(http, "Where is order 1001?", config={"recursion_limit": 1}))["run"]
        assert run["status"] == "error"
        assert "turns" in run["error"]["message"]

    on(tmp_path, test)


def test_a_run_that_waits_for_a_person_can_be_cancelled_and_redriven(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        run = (await waited(http, REFUND))["run"]
        refused(await http.post(f"/runs/{run['run_id']}/redrive"), 409, "not_redrivable")
        ok(await http.post(f"/runs/{run['run_id']}/cancel", params={"wait": True}), 204)
        assert ok(await http.get(f"/runs/{run['run_id']}"))["state"] == "cancelled"
        again = ok(await http.post(f"/runs/{run['run_id']}/redrive"))
        assert again["root_id"] == run["run_id"]
        assert ok(await http.get(f"/runs/{again['run_id']}/wait"))["run"]["status"] == "interrupted"

    on(tmp_path, test)


def test_a_busy_thread_refuses_on_request(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        run = (await waited(http, REFUND))["run"]
        body = {"agent_id": "support", "thread_id": run["thread_id"], "input": "hello"}
        asked = refused(await http.post("/runs", json=body), 409, "input_required")
        assert asked["metadata"]
        refused(await http.post("/runs", json={**body, "multitask_strategy": "reject"}), 409, "thread_busy")
        assert ok(await http.post("/runs", json={**body, "multitask_strategy": "enqueue"}))["position"] == 2

    on(tmp_path, test)


# -- threads


def test_threads_are_created_once_and_keep_what_was_said(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        thread_id = str(uuid4())
        made = ok(await http.post("/threads", json={"thread_id": thread_id, "metadata": {"a": 1}}))
        assert (made["thread_id"], made["status"], made["metadata"]) == (thread_id, "idle", {"a": 1})
        again = await http.post("/threads", json={"thread_id": thread_id})
        assert refused(again, 409, "conflict")["field"] == "thread_id"
        ok(await http.post("/threads", json={"thread_id": thread_id, "if_exists": "do_nothing"}))
        run = (await waited(http, "Where is order 1001?", thread_id=thread_id))["run"]
        items = ok(await http.get(f"/threads/{thread_id}/items"))
        assert items[0]["item"]["content"] == "Where is order 1001?"
        assert {item["run_id"] for item in items} == {run["run_id"]}
        assert [item["position"] for item in items] == list(range(len(items)))
        assert ok(await http.get(f"/threads/{thread_id}/items", params={"start": 1, "limit": 1})) == [items[1]]
        assert [t["thread_id"] for t in ok(await http.post("/threads/search", json={}))] == [thread_id]

    on(tmp_path, test)


def test_a_thread_says_how_it_is(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        waiting = (await waited(http, REFUND))["run"]["thread_id"]
        short: dict[str, Any] = {"config": {"recursion_limit": 1}, "on_completion": "keep"}
        failed = (await waited(http, "Where is order 1001?", **short))["run"]["thread_id"]
        assert ok(await http.get(f"/threads/{waiting}"))["status"] == "interrupted"
        assert ok(await http.get(f"/threads/{failed}"))["status"] == "error"
        assert ok(await http.post("/threads", json={}))["status"] == "idle"

    on(tmp_path, test)


def test_a_run_on_a_thread_that_does_not_exist_is_refused_unless_it_may_create_it(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        body = {"agent_id": "support", "input": "hello", "thread_id": NOBODY}
        refused(await http.post("/runs", json=body), 404, "not_found")
        assert ok(await http.post("/runs", json={**body, "if_not_exists": "create"}))["thread_id"] == NOBODY

    on(tmp_path, test)


# -- approvals


def test_an_approval_is_shown_and_decided(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        answer = await waited(http, REFUND)
        assert (answer["run"]["status"], answer["run"]["state"]) == ("interrupted", "waiting")
        (asked,) = answer["questions"]
        assert (asked["tool"], asked["kind"], asked["status"]) == ("refund_order", "approval", "pending")
        assert asked["arguments"]["order_id"] == "1001"
        assert ok(await http.get("/approvals", params={"run_id": asked["run_id"]})) == [asked]
        path = f"/approvals/{asked['approval_id']}"
        assert ok(await http.get(path)) == asked
        refused(await http.post(path, json={"decision": "approve", "arguments_hash": "0"}), 409, "arguments_changed")
        decision = {"decision": "approve", "note": "it is fine", "arguments_hash": asked["arguments_hash"]}
        assert ok(await http.post(path, json=decision))["status"] == "approved"
        ended = ok(await http.get(f"/runs/{asked['run_id']}/wait"))["run"]
        assert ended["status"] == "success"
        assert "20" in ended["output"]
        refused(await http.post(path, json=decision), 409, "already_decided")

    on(tmp_path, test)


def test_several_decisions_have_an_outcome_each(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        (asked,) = (await waited(http, REFUND))["questions"]
        answers = [
            {"approval_id": asked["approval_id"], "decision": "reject", "note": "too late"},
            {"approval_id": NOBODY, "decision": "approve"},
        ]
        first, second = ok(await http.post("/approvals", json={"answers": answers}))
        assert (first["status"], first["note"]) == ("rejected", "too late")
        assert (second["approval_id"], second["problem"]["code"]) == (NOBODY, "not_found")

    on(tmp_path, test)


# -- events of a run


def test_a_stream_tells_all_and_can_be_taken_up_anywhere(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        started = await http.post("/runs/stream", json={"agent_id": "support", "input": "Where is order 1001?"})
        assert started.headers["x-accel-buffering"] == "no"
        assert started.text.startswith("retry: ")
        first, *events = events_of(started)
        run_id = first.data["run_id"]
        assert (first.type, first.id) == ("run", "")
        assert started.headers["location"] == f"/runs/{run_id}"
        assert events[-1].type == "finished"
        assert {"delta", "message", "tool_result"} <= {event.type for event in events}
        whole = events_of(await http.get(f"/runs/{run_id}/events"))
        for cut in range(len(whole) - 1):
            rest = await http.get(f"/runs/{run_id}/events", headers={"Last-Event-ID": whole[cut].id})
            assert [event.id for event in events_of(rest)] == [event.id for event in whole[cut + 1 :]]
        done = await http.get(f"/runs/{run_id}/events", headers={"Last-Event-ID": whole[-1].id})
        assert done.status_code == 204  # an EventSource stops coming back

    on(tmp_path, test)


def test_what_a_stream_tells_can_be_polled(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        run_id = (await waited(http, "Where is order 1001?"))["run"]["run_id"]
        path, poll = f"/runs/{run_id}/events", {"Accept": "application/json"}
        polled = ok(await http.get(path, headers=poll))
        assert [e["id"] for e in polled["events"]] == [e.id for e in events_of(await http.get(path))]
        assert polled["run"]["status"] == "success"
        rest = ok(await http.get(path, headers=poll, params={"after": polled["events"][0]["id"], "wait": 5}))
        assert rest["events"] == polled["events"][1:]
        none = ok(await http.get(path, headers=poll, params={"after": polled["after"], "wait": 5}))
        assert (none["events"], none["after"]) == ([], polled["after"])

    on(tmp_path, test)


def test_joining_a_stream_shows_only_what_comes(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        run_id = (await waited(http))["run"]["run_id"]
        assert events_of(await http.get(f"/runs/{run_id}/stream")) == []

    on(tmp_path, test)


# -- schedules


def test_schedules_are_set_listed_and_deleted(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        cron = {"agent_id": "support", "input": "report", "cron": "0 9 * * 1", "timezone": "Europe/Oslo"}
        made = ok(await http.post("/schedules", json=cron))
        once = ok(await http.post("/schedules", json={"agent_id": "support", "input": "hello", "due_at": "3d"}))
        assert made["due_at"]
        assert once["cron"] is None
        listed = ok(await http.get("/schedules"))
        assert {s["schedule_id"] for s in listed} == {made["schedule_id"], once["schedule_id"]}
        path = f"/schedules/{made['schedule_id']}"
        assert ok(await http.get(path))["timezone"] == "Europe/Oslo"
        ok(await http.delete(path), 204)
        refused(await http.get(path), 404, "not_found")

    on(tmp_path, test)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"cron": "every monday"}, "cron"),
        ({"cron": "0 9 * * 1", "timezone": "Europe/Atlantis"}, "timezone"),
        ({}, "due_at"),
        ({"due_at": "soon"}, "due_at"),
        ({"due_at": "99999999999999w"}, "due_at"),
        ({"cron": "* * * * * *"}, "cron"),
        ({"cron": "0 9 * * 1", "overlap": "perhaps"}, "overlap"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused(tmp_path: Path, change: dict[str, Any], field: str) -> None:
    async def test(http: Http) -> None:
        body = {"agent_id": "support", "input": "report", **change}
        refused(await http.post("/schedules", json=body), 422, "invalid", field)

    on(tmp_path, test)


# -- events from outside

CLOUD = {"specversion": "1.0", "id": "1", "source": "/shop", "type": "order.delayed", "data": {"order_id": "1001"}}


def test_an_event_starts_what_its_rules_name_and_does_so_once(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        first = ok(await http.post("/events", json=CLOUD, headers={"content-type": "application/cloudevents+json"}))
        again = ok(await http.post("/events", json=CLOUD))
        assert (first["duplicate"], again["duplicate"]) == (False, True)
        assert first["started"] == again["started"]
        assert len(first["started"]) == 1
        assert ok(await http.get(f"/runs/{first['started'][0]}/wait"))["run"]["status"] == "success"

    on(tmp_path, test)


def test_an_event_may_come_in_headers_or_in_a_batch(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        headers = {f"ce-{k}": v for k, v in CLOUD.items() if isinstance(v, str)}
        assert not ok(await http.post("/events", json=CLOUD["data"], headers=headers))["duplicate"]
        batch = [CLOUD, {**CLOUD, "id": "2"}]
        both = ok(
            await http.post("/events", json=batch, headers={"content-type": "application/cloudevents-batch+json"})
        )
        assert [one["duplicate"] for one in both] == [True, False]

    on(tmp_path, test)


@pytest.mark.parametrize(
    ("change", "field"),
    [({"id": None}, "id"), ({"source": ""}, "source"), ({"type": 7}, "type"), ({"specversion": "0.3"}, "specversion"),
     ({"data": "a\0b"}, "data"), ({"subject": ["x"]}, "subject"),
     ({"subject": False}, "subject"), ({"subject": []}, "subject")],
)  # fmt: skip
def test_what_is_no_event_is_refused(tmp_path: Path, change: dict[str, Any], field: str) -> None:
    async def test(http: Http) -> None:
        refused(await http.post("/events", json={**CLOUD, **change}), 422, "invalid", field)

    on(tmp_path, test)


# -- what is refused


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"agent_id": None}, "agent_id"),
        ({"theard_id": NOBODY}, "theard_id"),
        ({"thread_id": "7"}, "thread_id"),
        ({"input": None}, "input"),
        ({"input": ""}, "input"),
        ({"input": []}, "input"),
        ({"input": "a\0b"}, "input"),
        ({"input": {"x": ["\ud800"]}}, "input"),
        ({"metadata": {"a\0": 1}}, "metadata"),
        ({"input": [{"role": "wizard", "content": "a"}]}, "input.0.role"),
        ({"input": [{"role": "user", "content": 7}]}, "input.0.content"),
        ({"messages": [{"role": "user", "content": "b"}]}, "messages"),
        ({"webhook": 7}, "webhook"),
        ({"webhook": "http://example.com"}, "webhook"),
        ({"on_disconnect": "hope"}, "on_disconnect"),
        ({"metadata": {"a": "x" * 70_000}}, "metadata"),
        ({"config": {"max_turns": 9}}, "config.max_turns"),
        ({"multitask_strategy": "hope"}, "multitask_strategy"),
        ({"config": {"recursion_limit": 0}}, "config.recursion_limit"),
    ],
)
def test_a_body_that_cannot_be_is_refused_and_names_its_field(
    tmp_path: Path, change: dict[str, Any], field: str
) -> None:
    async def test(http: Http) -> None:
        for path in ("/runs", "/runs/wait", "/runs/stream"):
            body = json.dumps({"agent_id": "support", "input": "hello", **change})  # escapes what UTF-8 cannot carry
            answer = await http.post(path, content=body, headers={"content-type": "application/json"})
            refused(answer, 422, "invalid", field)

    on(tmp_path, test)


def test_an_agent_that_nobody_registered_is_not_found(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        refused(await http.post("/runs", json={"agent_id": "nobody", "input": "hello"}), 404, "not_found")

    on(tmp_path, test)


def test_what_is_not_json_is_refused(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        head = {"content-type": "application/json"}
        deep = b'{"agent_id": "support", "input": ' + b"[" * 50_000 + b"]" * 50_000 + b"}"
        refused(await http.post("/runs", content=b'{"agent_id": ', headers=head), 400, "malformed")
        refused(await http.post("/runs", content=b"\xff\xfe\x00", headers=head), 400, "malformed")
        assert refused(await http.post("/runs", content=deep, headers=head), 400, "malformed")
        shallow = b'{"agent_id": "support", "input": ' + b"[" * 100 + b"]" * 100 + b"}"
        refused(await http.post("/runs", content=shallow, headers=head), 422, "invalid", "input")
        nan = b'{"agent_id": "support", "input": {"x": NaN}}'
        refused(await http.post("/runs", content=nan, headers=head), 422, "invalid", "input")
        refused(await http.post("/runs", content=b"[]", headers=head), 422, "invalid")
        form = b'{"agent_id": "support", "input": "sent by a form of another site"}'
        refused(
            await http.post("/runs", content=form, headers={"content-type": "text/plain"}), 415, "unsupported_media"
        )
        refused(await http.post("/runs", content=b"", headers=head), 422, "invalid")
        refused(await http.post("/events", content=b"{", headers=head), 422, "invalid", "body")

    on(tmp_path, test)


def test_what_cannot_be_kept_of_a_thread_is_refused_and_nothing_is_changed(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        thread = ok(await http.post("/threads", json={"metadata": {"a": 1}}))
        path, head = f"/threads/{thread['thread_id']}", {"content-type": "application/json"}
        deep: Any = []
        for _ in range(100):
            deep = [deep]
        for field, value in {
            "metadata": {"a": "x" * 70_000}, "values": {"a": "b\0"}, "messages": [{"role": "user", "content": deep}],
        }.items():  # fmt: skip
            refused(await http.patch(path, json={"metadata": {"b": 1}, field: value}), 422, "invalid", field)
        refused(await http.patch(path, json={"values": {"a": "x" * 20_000}}), 422, "invalid", "values")
        many = [{"role": "user", "content": "x" * 600}] * 20
        refused(await http.patch(path, json={"messages": many}), 422, "invalid", "messages")
        both = {"messages": many[:1], "values": {"messages": many[:1]}}
        refused(await http.patch(path, json=both), 422, "invalid", "values.messages")
        for verb, where in (
            ("POST", "/threads"),
            ("POST", "/threads/search"),
            ("PATCH", path),
            ("POST", "/runs/search"),
        ):
            refused(await http.request(verb, where, content=b'{"metadata": ', headers=head), 400, "malformed")
            refused(await http.request(verb, where, json={"metadata": {"a\0": 1}}), 422, "invalid", "metadata")
            refused(await http.request(verb, where, json={"metadata": [1]}), 422, "invalid", "metadata")
        assert ok(await http.get(path)) == thread
        assert ok(await http.post("/threads/search", json={})) == [thread]

    on(tmp_path, test, input_bytes=10_000)


@pytest.mark.parametrize("path", ["/runs/7", "/runs/7/events", "/runs/7/wait", "/runs/7/stream"])
def test_an_id_that_is_none_is_named(tmp_path: Path, path: str) -> None:
    async def test(http: Http) -> None:
        refused(await http.get(path), 422, "invalid", "run_id")

    on(tmp_path, test)


def test_what_does_not_exist_is_not_found(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        paths = [f"/runs/{NOBODY}{end}" for end in ("", "/events", "/wait", "/stream")]
        paths += [f"/{noun}/{NOBODY}" for noun in ("threads", "approvals", "schedules")]
        for path in [*paths, f"/threads/{NOBODY}/items", "/nowhere"]:
            refused(await http.get(path), 404, "not_found")
        for path in (f"/runs/{NOBODY}/cancel", f"/runs/{NOBODY}/redrive"):
            refused(await http.post(path), 404, "not_found")
        refused(await http.post(f"/approvals/{NOBODY}", json={"decision": "approve"}), 404, "not_found")
        refused(await http.get("/runs/"), 404, "not_found")  # no redirect to a host that a proxy may have made up
        refused(await http.put("/runs"), 405, "method_not_allowed")
        assert (await http.options(f"/threads/{uuid4()}")).headers["allow"] == "DELETE, GET, PATCH"
        refused(await http.get("/runs/wait"), 405, "method_not_allowed")  # it is no run called wait

    on(tmp_path, test)


def test_parameters_out_of_range_are_named(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        run_id = (await waited(http))["run"]["run_id"]
        odd = {"limit": 0, "offset": 10**30, "status": "odd", "agent_id": "a\0b", "thread_id": 7, "metadata": []}
        for field, value in [*odd.items(), ("limit", "10"), ("limit", True)]:
            refused(await http.post("/runs/search", json={field: value}), 422, "invalid", field)
        refused(await http.get(f"/runs/{run_id}/events", params={"after": "x"}), 422, "invalid")
        refused(await http.get(f"/runs/{run_id}/events", headers={"Last-Event-ID": "-1"}), 422, "invalid")
        refused(await http.post(f"/runs/{run_id}/cancel", params={"action": "odd"}), 422, "invalid", "action")
        long = {"Idempotency-Key": "k" * 300}
        refused(await http.post("/runs", json={"agent_id": "support", "input": "a"}, headers=long), 422, "invalid")

    on(tmp_path, test)


def test_bodies_have_a_size(tmp_path: Path) -> None:
    async def chunks() -> Any:
        for _ in range(100):
            yield b"x" * 10_000

    async def test(http: Http) -> None:
        head = {"content-type": "application/json"}
        large = {"agent_id": "support", "input": "x" * 20_000}
        refused(await http.post("/runs", json=large), 422, "invalid", "input")
        refused(await http.post("/runs", content=b"x" * 1_000_000, headers=head), 413, "too_large")
        refused(await http.post("/runs", content=chunks(), headers=head), 413, "too_large")

    on(tmp_path, test, input_bytes=10_000)


# -- health, and failures of our own


def test_health_asks_nobody_and_readiness_asks_the_database(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        assert ok(await http.get("/healthz")) == {"status": "ok"}
        assert ok(await http.get("/readyz")) == {"status": "ok"}

    on(tmp_path, test)


def test_a_failure_of_the_server_shows_nothing_of_its_inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(http: Http) -> None:
        assert isinstance(http._transport, httpx.ASGITransport)
        service: Any = http._transport.app.state.service  # type: ignore[attr-defined]  # it is a FastAPI

        async def fail(*args: Any) -> None:
            raise RuntimeError("password=hunter2")

        monkeypatch.setattr(service.store, "run", fail)
        monkeypatch.setattr(service.store, "now", fail)
        assert "hunter2" not in str(refused(await http.get(f"/runs/{NOBODY}"), 500, "internal"))
        assert "hunter2" not in str(refused(await http.get("/readyz"), 503, "not_ready"))

    on(tmp_path, test)
