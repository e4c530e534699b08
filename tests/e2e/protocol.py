"""The Agent Protocol, version 0.1.6, as a table of our own: operations, parameters, statuses, fields and their types.

Types: `string`, `uuid`, `date-time`, `uri`, `integer`, `number`, `boolean`, `object`, `null`, `any`; `[X]` is a list,
`a|b` one of these words, `'a'` this word, `X or Y` either, and a name with a capital letter is a schema. A field that
ends in `*` is required. Numbers behind a type are its least and its most: `integer 1..1000`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True)
class Operation:
    """One operation. `answer` is the type of what comes with 200; `stream` that it comes as server-sent events."""

    number: int
    verb: str
    path: str
    id: str
    statuses: tuple[int, ...]
    body: str = ""
    answer: str = ""
    query: dict[str, str] = field(default_factory=dict)
    stream: bool = False


_HISTORY = {"limit": "integer", "before": "string"}
_CANCEL = {"wait": "boolean", "action": "interrupt|rollback"}

OPERATIONS = (
    Operation(1, "POST", "/agents/search", "search_agents", (200, 404, 422), "AgentSearch", "[Agent]"),
    Operation(2, "GET", "/agents/{agent_id}", "get_agent", (200, 404), "", "Agent"),
    Operation(3, "GET", "/agents/{agent_id}/schemas", "get_agent_schemas", (200, 404, 422), "", "AgentSchema"),
    Operation(4, "POST", "/threads", "create_thread", (200, 409, 422), "ThreadCreate", "Thread"),
    Operation(5, "POST", "/threads/search", "search_threads", (200, 422), "ThreadSearchRequest", "[Thread]"),
    Operation(
        6, "GET", "/threads/{thread_id}/history", "get_thread_history", (200, 404, 422), "", "[ThreadState]", _HISTORY
    ),
    Operation(7, "POST", "/threads/{thread_id}/copy", "copy_thread", (200, 404, 422), "", "Thread"),
    Operation(8, "GET", "/threads/{thread_id}", "get_thread", (200, 404, 422), "", "Thread"),
    Operation(9, "DELETE", "/threads/{thread_id}", "delete_thread", (204, 404, 422)),
    Operation(10, "PATCH", "/threads/{thread_id}", "patch_thread", (200, 404, 422), "ThreadPatch", "Thread"),
    Operation(11, "POST", "/runs/search", "search_runs", (200, 404, 422), "RunSearchRequest", "[Run]"),
    Operation(12, "GET", "/runs/{run_id}", "get_run", (200, 404, 422), "", "Run"),
    Operation(13, "DELETE", "/runs/{run_id}", "delete_run", (204, 404, 422)),
    Operation(14, "GET", "/runs/{run_id}/wait", "wait_run", (200, 404, 422), "", "RunWaitResponse"),
    Operation(15, "GET", "/runs/{run_id}/stream", "stream_run", (200, 404, 422), "", "any"),
    Operation(16, "POST", "/runs/{run_id}/cancel", "cancel_run", (204, 404, 422), query=_CANCEL),
    Operation(17, "POST", "/runs", "create_run", (200, 404, 409, 422), "RunStream", "Run"),
    Operation(
        18, "POST", "/runs/stream", "create_and_stream_run", (200, 404, 409, 422), "RunStream", "string", stream=True
    ),
    Operation(19, "POST", "/runs/wait", "create_and_wait_run", (200, 404, 409, 422), "RunCreate", "RunWaitResponse"),
    Operation(
        20, "POST", "/threads/{thread_id}/stream", "open_thread_sse_stream", (200, 404, 422), "EventStreamRequest",
        "string", stream=True,
    ),
    Operation(21, "GET", "/threads/{thread_id}/stream", "open_thread_websocket_stream", (101, 404, 422)),
    Operation(
        22, "POST", "/threads/{thread_id}/commands", "send_thread_streaming_command", (200, 404, 422),
        "StreamingCommand", "StreamingCommandResponse",
    ),
    Operation(23, "PUT", "/store/items", "put_item", (204, 422), "StorePutRequest"),
    Operation(24, "DELETE", "/store/items", "delete_item", (204, 404, 422), "StoreDeleteRequest"),
    Operation(
        25, "GET", "/store/items", "get_item", (200, 400, 404, 422), "", "Item",
        {"key*": "string", "namespace": "[string]"},
    ),
    Operation(
        26, "POST", "/store/items/search", "search_items", (200, 422), "StoreSearchRequest", "SearchItemsResponse"
    ),
    Operation(
        27, "POST", "/store/namespaces", "list_namespaces", (200, 422), "StoreListNamespacesRequest",
        "ListNamespaceResponse",
    ),
)  # fmt: skip

_PAGE = {"limit": "integer 1..1000", "offset": "integer 0.."}
_CONFIG = {"tags": "[string]", "recursion_limit": "integer", "configurable": "object"}
_RUN_CREATE = {
    "thread_id": "uuid", "agent_id": "string", "input": "object or [any] or string or number or boolean or null",
    "messages": "[Message]", "metadata": "object", "config": "RunConfig", "webhook": "uri",
    "on_completion": "delete|keep", "on_disconnect": "cancel|continue", "if_not_exists": "create|reject",
}  # fmt: skip
_RUN_STREAM = {**_RUN_CREATE, "stream_mode": "StreamMode or [StreamMode]"}

SCHEMAS: dict[str, dict[str, str]] = {
    "AgentSearch": {"name": "string", "metadata": "object", **_PAGE},
    "Agent": {
        "agent_id*": "string", "name*": "string", "description": "string", "metadata": "object",
        "capabilities*": "Capabilities",
    },
    "Capabilities": {"ap.io.messages": "boolean", "ap.io.streaming": "boolean"},
    "AgentSchema": {
        "agent_id*": "string", "input_schema*": "object", "output_schema*": "object", "state_schema": "object",
        "config_schema": "object",
    },
    "ThreadCreate": {"thread_id": "uuid", "metadata": "object", "if_exists": "raise|do_nothing"},
    "ThreadSearchRequest": {"metadata": "object", "values": "object", "status": "ThreadStatus", **_PAGE},
    "ThreadPatch": {
        "checkpoint": "ThreadCheckpoint", "metadata": "object", "values": "object", "messages": "[Message]",
    },
    "Thread": {
        "thread_id*": "uuid", "created_at*": "date-time", "updated_at*": "date-time", "metadata*": "object",
        "status*": "ThreadStatus", "values": "object", "messages": "[Message]",
    },
    "ThreadState": {
        "checkpoint*": "ThreadCheckpoint", "values*": "object", "messages": "[Message]", "metadata": "object",
    },
    "ThreadCheckpoint": {"checkpoint_id*": "uuid"},
    "RunSearchRequest": {
        "metadata": "object", "status": "RunStatus", "thread_id": "uuid", "agent_id": "string", **_PAGE,
    },
    "RunConfig": _CONFIG,
    "RunCreate": _RUN_CREATE,
    "RunStream": _RUN_STREAM,
    "Run": {
        **{name: kind for name, kind in _RUN_STREAM.items() if name != "metadata"},
        "run_id*": "uuid", "created_at*": "date-time", "updated_at*": "date-time",
        "status*": "RunStatus", "metadata*": "object",
    },
    "RunWaitResponse": {"run": "Run", "values": "object", "messages": "[Message]"},
    "Message": {
        "role*": "string", "content*": "string or [MessageTextBlock or MessageAnyBlock]", "id": "string",
        "metadata": "object",
    },
    "MessageTextBlock": {"text*": "string", "type*": "'text'", "metadata": "object"},
    "MessageAnyBlock": {"type*": "string", "metadata": "object"},
    "EventStreamRequest": {
        "channels*": "[StreamingChannel]", "namespaces": "[StreamingNamespace]", "depth": "integer 0..",
        "since": "integer 0..",
    },
    "StreamingCommand": {"id*": "integer 0..", "method*": "string", "params": "object"},
    "StreamingSuccessResponse": {
        "type*": "'success'", "id*": "integer 0..", "result*": "object", "meta": "StreamingMeta",
    },
    "StreamingMeta": {"appliedThroughSeq": "integer 0.."},
    "StreamingErrorResponse": {
        "type*": "'error'", "id*": "integer 0.. or null", "error*": "string", "message*": "string",
        "stacktrace": "string", "meta": "object",
    },
    "StreamingEvent": {
        "type*": "'event'", "eventId": "string", "seq": "integer 0..", "method*": "string", "params*": "object",
    },
    "StorePutRequest": {"namespace*": "[string]", "key*": "string", "value*": "object"},
    "StoreDeleteRequest": {"namespace": "[string]", "key*": "string"},
    "StoreSearchRequest": {
        "namespace_prefix": "[string] or null", "filter": "object or null", "limit": "integer", "offset": "integer",
    },
    "StoreListNamespacesRequest": {
        "prefix": "[string]", "suffix": "[string]", "max_depth": "integer", "limit": "integer", "offset": "integer",
    },
    "Item": {
        "namespace*": "[string]", "key*": "string", "value*": "object", "created_at*": "date-time",
        "updated_at*": "date-time",
    },
    "SearchItemsResponse": {"items*": "[Item]"},
    "ErrorResponse": {"code": "string", "message": "string", "metadata": "object"},
}  # fmt: skip

NAMED = {
    "RunStatus": "pending|error|success|timeout|interrupted",
    "ThreadStatus": "idle|busy|interrupted|error",
    "StreamMode": "values|messages|updates|custom",
    "StreamingChannel": "values|updates|messages|tools|lifecycle|input|checkpoints|tasks|custom or string",
    "StreamingNamespace": "[string]",
    "StreamingCommandResponse": "StreamingSuccessResponse or StreamingErrorResponse",
    "ListNamespaceResponse": "[[string]]",
}
DEFAULTS: dict[str, dict[str, Any]] = {
    "AgentSearch": {"limit": 10, "offset": 0},
    "ThreadSearchRequest": {"limit": 10, "offset": 0},
    "RunSearchRequest": {"limit": 10, "offset": 0},
    "ThreadCreate": {"if_exists": "raise"},
    "RunCreate": {"on_disconnect": "cancel", "if_not_exists": "reject"},
    "RunStream": {"on_disconnect": "cancel", "if_not_exists": "reject", "stream_mode": "values"},
    "StoreSearchRequest": {"limit": 10, "offset": 0},
    "StoreListNamespacesRequest": {"limit": 100, "offset": 0},
}
"""What a field is when a client leaves it out. We differ in one: `on_disconnect` is `continue`."""

_PLAIN: dict[str, tuple[type, ...]] = {
    "string": (str,), "uri": (str,), "integer": (int,), "number": (int, float), "boolean": (bool,), "object": (dict,),
    "null": (type(None),), "any": (object,),
}  # fmt: skip


def unfit(value: Any, kind: str, at: str = "") -> list[str]:
    """Where a value does not fit a type; empty where it does."""
    kind = NAMED.get(kind, kind)
    if kind.startswith("[") and _whole_list(kind):
        if not isinstance(value, list):
            return [f"{at}: {value!r} is no list"]
        return [why for n, one in enumerate(value) for why in unfit(one, kind[1:-1], f"{at}.{n}")]
    if " or " in kind:
        tried = [unfit(value, one, at) for one in _alternatives(kind)]
        return [] if [] in tried else min(tried, key=len)
    if kind in SCHEMAS:
        return _unfit_object(value, kind, at)
    return [] if _is(value, kind) else [f"{at}: {value!r} is no {kind}"]


def _unfit_object(value: Any, name: str, at: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{at}: {value!r} is no {name}"]
    found = []
    for field_name, kind in SCHEMAS[name].items():
        plain = field_name.rstrip("*")
        if plain in value:
            found += unfit(value[plain], kind, f"{at}.{plain}")
        elif field_name.endswith("*"):
            found.append(f"{at}.{plain}: it is missing")
    return found


def lacking(value: dict[str, Any], name: str) -> set[str]:
    """The fields of a schema that a value does not have."""
    return {field_name.rstrip("*") for field_name in SCHEMAS[name]} - value.keys()


def _whole_list(kind: str) -> bool:
    """Whether the first bracket closes at the end."""
    depth = 0
    for n, letter in enumerate(kind):
        depth += {"[": 1, "]": -1}.get(letter, 0)
        if depth == 0:
            return n == len(kind) - 1
    return False


def _alternatives(kind: str) -> list[str]:
    found, depth = [""], 0
    for word in kind.split(" or "):
        found[-1] += f" or {word}" if found[-1] else word
        depth += word.count("[") - word.count("]")
        if depth == 0:
            found.append("")
    return found[:-1]


def _is(value: Any, kind: str) -> bool:
    name, _, bounds = kind.partition(" ")
    if name in ("uuid", "date-time"):
        try:
            return bool(UUID(value) if name == "uuid" else datetime.fromisoformat(value).tzinfo)
        except (TypeError, ValueError, AttributeError):
            return False
    if name in _PLAIN:
        least, _, most = bounds.partition("..")
        fits = isinstance(value, _PLAIN[name]) and (name in ("boolean", "any") or not isinstance(value, bool))
        return fits and (not least or value >= int(least)) and (not most or value <= int(most))
    return isinstance(value, str) and value in [word.strip("'") for word in kind.split("|")]
