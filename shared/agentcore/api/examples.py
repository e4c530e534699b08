"""Examples in /openapi.json: of bodies and answers by the name of their schema, or of the operation that has its own.

`OPERATION KIND` names those of one kind of content. Tests hold each against its schema, and post the bodies.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agentcore import errors
from agentcore.api.problems import body, describe

Json = dict[str, Any]
Examples = Mapping[str, Mapping[str, Any]]

_THREAD, _RUN = "0190f5c2-6a00-7000-8000-000000000001", "0190f5c2-6a01-7000-8000-000000000002"
_QUESTION, _SCHEDULE = "0190f5c2-6a02-7000-8000-000000000003", "0190f5c2-6a03-7000-8000-000000000004"
_CHECKPOINT, _DELIVERY = "00000001-6a04-8f00-9000-000000000005", "5f0c7f4e-9a53-5b0e-8d52-3f7b2ab81d0f"
_AT, _LATER = "2030-03-01T09:00:00Z", "2030-03-01T09:00:02.5Z"
_HASH = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

_ASKED, _SAID = "Where is order 1001?", "Order 1001 has been shipped and arrives tomorrow."
_MESSAGES = [{"role": "user", "content": _ASKED}, {"role": "assistant", "content": _SAID}]
_CALLED = {"order_id": "1001", "amount": 20, "reason": "It broke."}
_WEEKLY: Json = {"agent_id": "account_manager", "input": "Write the weekly report.", "cron": "0 9 * * 1"}

_DONE: Json = {
    "run_id": _RUN, "thread_id": _THREAD, "agent_id": "support", "agent_version": "1", "status": "success",
    "state": "succeeded", "input": _ASKED, "messages": [], "output": _SAID, "error": None,
    "usage": {"input_tokens": 210, "output_tokens": 34, "total_tokens": 244}, "metadata": {"channel": "web"},
    "config": {}, "on_completion": "keep", "on_disconnect": "continue", "if_not_exists": "reject",
    "stream_mode": "values", "multitask_strategy": None, "trigger": "message", "root_id": _RUN, "position": 1,
    "cancel_requested": None, "wake_at": None, "created_at": _AT, "updated_at": _LATER, "started_at": _AT,
    "finished_at": _LATER, "expires_at": None,
}  # fmt: skip
_WAITS: Json = {
    **_DONE, "status": "interrupted", "state": "waiting", "output": None, "finished_at": None, "updated_at": _AT,
}  # fmt: skip
_ASKS: Json = {
    "approval_id": _QUESTION, "run_id": _RUN, "thread_id": _THREAD, "kind": "approval", "agent_id": "support",
    "tool": "refund_order", "call_id": "call_1", "arguments": _CALLED, "arguments_hash": _HASH, "status": "pending",
    "decided_by": None, "decided_at": None, "note": None, "result": None, "on_expiry": "reject",
    "expires_at": "2030-03-08T09:00:00Z", "created_at": _AT,
}  # fmt: skip
_DECIDED: Json = {
    **_ASKS, "status": "approved", "decided_by": "key:kim/1", "decided_at": _LATER, "note": "Go ahead.",
}  # fmt: skip
_FINISHED: Json = {"id": "4", "type": "finished", "data": {"output": _SAID, "status": "succeeded", "at": _LATER}}
_STREAM = (
    "retry: 1000\n\n"
    'id: 1.1.0.1\nevent: delta\ndata: {"step":"model:0/0/0","attempt":1,"text":"Order 1001 "}\n\n'
    f'id: 4\nevent: finished\ndata: {{"output":"{_SAID}","status":"succeeded"}}\n\n'
)
_FRAMES = (
    "retry: 1000\n\n"
    'id: 1000001.0.1\nevent: lifecycle\ndata: {"type":"event","eventId":"1000001.0.1","seq":1000001001,'
    '"method":"lifecycle","params":{"namespace":[],"timestamp":1898586000000,"data":{"event":"started"}}}\n\n'
)
_EVENT: Json = {
    "specversion": "1.0", "id": "77", "source": "/shop", "type": "order.delayed", "subject": "1001",
    "data": {"order_id": "1001", "customer_id": "c-42"},
}  # fmt: skip

REQUESTS: Examples = {
    "AgentSearch": {"by_name": {"name": "supp", "limit": 10}},
    "ThreadCreate": {
        "new": {"metadata": {"customer": "c-42"}},
        "with_its_id": {"thread_id": _THREAD, "if_exists": "do_nothing"},
    },
    "ThreadSearchRequest": {"idle": {"status": "idle", "metadata": {"customer": "c-42"}, "limit": 10, "offset": 0}},
    "ThreadPatch": {
        "metadata": {"metadata": {"customer": "c-42"}},
        "messages": {"values": {"language": "en"}, "messages": _MESSAGES},
    },
    "RunCreate": {
        "text": {"agent_id": "support", "input": _ASKED},
        "on_a_thread": {"agent_id": "support", "input": _ASKED, "thread_id": _THREAD, "if_not_exists": "create"},
    },
    "RunStream": {
        "text": {"agent_id": "support", "input": _ASKED, "metadata": {"channel": "web"}},
        "messages": {"agent_id": "support", "messages": _MESSAGES[:1], "stream_mode": ["messages", "updates"]},
        "object": {"agent_id": "support", "input": {"question": _ASKED}, "config": {"recursion_limit": 20}},
        "on_a_thread": {
            "agent_id": "support", "input": _ASKED, "thread_id": _THREAD, "if_not_exists": "create",
            "multitask_strategy": "enqueue",
        },
    },
    "RunSearchRequest": {"ended_well": {"status": "success", "metadata": {"channel": "web"}, "limit": 10}},
    "EventStreamRequest": {"all_of_it": {"channels": ["messages", "tools", "lifecycle", "input"], "since": 0}},
    "Command": {
        "run_start": {
            "id": 1, "method": "run.start", "params": {"assistantId": "support", "input": _ASKED},
        },
        "input_respond": {
            "id": 2, "method": "input.respond",
            "params": {"namespace": [], "interruptId": _QUESTION, "response": {"decision": "approve"}},
        },
        "state_get": {"id": 3, "method": "state.get", "params": {"namespace": []}},
    },
    "ApprovalDecision": {
        "approve": {"decision": "approve", "note": "Go ahead."},
        "reject": {"decision": "reject", "note": "Too much."},
        "happened": {"decision": "happened", "result": "Refunded 20.00 EUR."},
    },
    "ApprovalDecisions": {"several": {"answers": [{"approval_id": _QUESTION, "decision": "approve"}]}},
    "ScheduleCreate": {
        "cron": {**_WEEKLY, "timezone": "Europe/Oslo", "name": "weekly report"},
        "once": {"agent_id": "account_manager", "input": "Ask whether the parcel came.", "due_at": "2d"},
    },
    "ScheduleChange": {"earlier": {"cron": "0 8 * * 1"}},
    "StorePutRequest": {
        "profile": {"namespace": ["users", "kim"], "key": "profile", "value": {"language": "en"}},
    },
    "StoreDeleteRequest": {"profile": {"namespace": ["users", "kim"], "key": "profile"}},
    "StoreSearchRequest": {"users": {"namespace_prefix": ["users"], "filter": {"language": "en"}, "limit": 10}},
    "StoreListNamespacesRequest": {"users": {"prefix": ["users"], "max_depth": 2}},
    "send_event application/cloudevents+json": {"delayed": _EVENT},
    "send_event application/cloudevents-batch+json": {"delayed": [_EVENT]},
    "send_event application/json": {"delayed": _EVENT},
}  # fmt: skip

ANSWERS: Examples = {
    "Health": {"ok": {"status": "ok"}},
    "Agent": {
        "support": {
            "agent_id": "support", "name": "support", "description": "Answers questions about orders.", "metadata": {},
            "capabilities": {"ap.io.messages": True, "ap.io.streaming": True}, "version": "1",
        },
    },
    "AgentSchema": {
        "support": {
            "agent_id": "support", "input_schema": {"type": ["string", "array", "object"]},
            "output_schema": {"type": "string"}, "state_schema": {"type": "object"},
            "config_schema": {"type": "object"},
        },
    },
    "Thread": {
        "idle": {
            "thread_id": _THREAD, "agent_id": "support", "status": "idle", "metadata": {"customer": "c-42"},
            "values": {"output": _SAID}, "messages": _MESSAGES, "item_count": 2, "active_run_id": None,
            "summary": None, "created_at": _AT, "updated_at": _LATER,
        },
    },
    "ThreadState": {
        "after_a_run": {
            "checkpoint": {"checkpoint_id": _CHECKPOINT, "thread_id": _THREAD, "position": 1},
            "values": {"output": _SAID}, "messages": _MESSAGES,
            "metadata": {"source": "run", "run_id": _RUN, "created_at": _LATER},
        },
    },
    "HistoryItem": {"message": {"position": 0, "run_id": _RUN, "item": _MESSAGES[0]}},
    "Run": {"ended_well": _DONE},
    "RunWait": {
        "answered": {
            "run": _DONE, "values": {"output": _SAID, "error": None}, "messages": _MESSAGES[1:], "questions": [],
        },
        "asks_a_person": {
            "run": _WAITS, "values": {"output": None, "error": None}, "messages": [], "questions": [_ASKS],
        },
    },
    "RunEvents": {"the_last": {"run": _DONE, "events": [_FINISHED], "after": "4"}},
    "Events": {
        "the_last": {
            "events": [{**_FINISHED, "id": "1000004", "data": {**_FINISHED["data"], "run_id": _RUN}}],
            "after": "1000004",
        },
    },
    "create_and_stream_run": {"events": _STREAM},
    "stream_run": {"events": _STREAM},
    "run_events text/event-stream": {"events": _STREAM},
    "thread_events text/event-stream": {"events": _STREAM},
    "open_thread_sse_stream": {"events": _FRAMES},
    "CommandAnswer": {
        "success": {"type": "success", "id": 1, "result": {"runId": _RUN}},
        "error": {
            "type": "error", "id": 2, "error": "no_such_interrupt", "message": f"{_QUESTION} is approved already.",
        },
    },
    "Approval": {"pending": _ASKS},
    "decide": {"approved": _DECIDED},
    "decide_many": {
        "several": [
            _DECIDED,
            {"approval_id": _SCHEDULE, "problem": describe(errors.NotFound(f"There is no question {_SCHEDULE}."))},
        ],
    },
    "Schedule": {
        "weekly": {
            "schedule_id": _SCHEDULE, **_WEEKLY, "thread_id": None, "name": "weekly report",
            "due_at": "2030-03-04T08:00:00Z", "timezone": "Europe/Oslo", "overlap": "queue", "misfire": "once",
            "enabled": True, "last_run_id": None, "registered": False, "metadata": {}, "created_at": _AT,
        },
    },
    "Item": {
        "profile": {
            "namespace": ["users", "kim"], "key": "profile", "value": {"language": "en"}, "created_at": _AT,
            "updated_at": _LATER,
        },
    },
    "list_namespaces": {"users": [["users", "kim"]]},
    "Delivery": {
        "delivered": {
            "delivery_id": _DELIVERY, "run_id": _RUN, "type": "run.succeeded", "url": "https://example.com/hooks",
            "status": "delivered", "attempts": 1, "last_attempt_at": _LATER, "last_status": 204, "last_error": None,
            "next_attempt_at": None, "created_at": _LATER, "finished_at": _LATER,
        },
    },
    "Usage": {
        "one_day": {
            "agent": "support", "day": "2030-03-01", "runs": 12, "requests": 25, "input_tokens": 2520,
            "output_tokens": 408, "total_tokens": 2928, "cached_tokens": 0, "reasoning_tokens": 0,
        },
    },
    "get_metrics": {"runs": '# TYPE agentcore_runs gauge\nagentcore_runs{state="queued"} 3.0\n'},
    "Ticked": {"some": {"rang": 1, "swept": 2, "pruned": 0, "delivered": 1}},
    "send_event": {"started": {"duplicate": False, "woken": [], "started": [_RUN]}},
}  # fmt: skip
ANSWERS = {**ANSWERS, "SearchItems": {"users": {"items": [*ANSWERS["Item"].values()]}}}

PROBLEMS: Mapping[str, Mapping[str, Any]] = {
    str(one["status"]): one
    for one in (
        describe(errors.Malformed("The body is not JSON: Expecting value.")),
        describe(errors.Unauthenticated(given=False)),
        describe(errors.Forbidden("runs:write")),
        describe(errors.NotFound(f"There is no run {_RUN}.", run_id=_RUN)),
        describe(errors.ThreadBusy(f"Run {_RUN} of this thread is unfinished.", run_id=_RUN)),
        body(413, "The body is larger than 3065536 bytes, which AGENTCORE_INPUT_BYTES allows.", "too_large"),
        body(415, "The body must be JSON: send it with Content-Type: application/json.", "unsupported_media"),
        describe(errors.Invalid("input: it must be a text, a list of messages or an object.", field="input")),
        body(426, "This is a WebSocket: ask for an upgrade.", "upgrade_required"),
        describe(errors.RateLimited(1)),
        body(500, "Something went wrong here. It is logged; try again later.", "internal"),
        describe(errors.Unavailable("The database does not answer.")),
    )
}
