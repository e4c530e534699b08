"""The Functions host's side of a Python worker: what it sends to Microsoft's real worker library, in its own process.

`python -m tests.platforms.azure_host FOLDER` reads one JSON object a line, {"function", "name", "data", "metadata"},
and writes what came of it. Requests come by the worker's own HTTP server, whose address it writes first.

Instead of gRPC's generated classes it uses plain ones of the same shape, for the messages of
azure-functions-language-worker-protobuf, FunctionRpc.proto: WorkerInitRequest, FunctionsMetadataRequest,
FunctionLoadRequest, InvocationRequest, TypedData, RpcHttp.
"""

from __future__ import annotations

import asyncio
import json
import sys
from types import SimpleNamespace
from typing import Any

_SAID = "@@ "  # before each line that is an answer, as functions may print


class Proto:
    """A message: fields that are not set are None."""

    Success, Failure, Cancelled = 1, 0, 2

    def __init__(self, **fields: Any) -> None:
        self.__dict__.update(fields)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "TypedData":
            raise AttributeError(name)
        return None

    def WhichOneof(self, _: str) -> str | None:
        return next(iter(self.__dict__), None)

    def HasField(self, name: str) -> bool:
        return self.__dict__.get(name) is not None


class _Enum(dict[str, int]):
    def __getattr__(self, name: str) -> int:
        return self[name]

    def Value(self, name: str) -> int:
        return self[name]


class Protos:
    """The generated module: a class for each name that is asked for."""

    def __getattr__(self, name: str) -> type[Proto]:
        made = type(name, (Proto,), {})
        if name == "BindingInfo":
            directions, types = _Enum({"in": 0, "out": 1, "inout": 2}), _Enum(undefined=0, string=1, binary=2, stream=3)
            for member, value in {**directions, **types, "Direction": directions, "DataType": types}.items():
                setattr(made, member, value)
        setattr(self, name, made)
        return made


class _Bound:
    """ParameterBinding."""

    def __init__(self, name: str, data: Proto) -> None:
        self.name, self.data = name, data

    def WhichOneof(self, _: str) -> str:
        return "data"


def _request(**fields: Any) -> Any:
    properties = {"host": "127.0.0.1", "protos": _PROTOS}
    return SimpleNamespace(request=SimpleNamespace(**fields), properties=properties)


_PROTOS = Protos()


def http(route: str) -> Proto:
    """RpcHttp, of a request that the host forwards: it has nothing but the route's parameters."""
    return Proto(http=Proto(method="", url="", headers={}, params={"route": route}, query={}, body=Proto()))


async def serve(folder: str) -> None:
    import azure_functions_runtime.handle_event as worker

    init = SimpleNamespace(capabilities={}, function_app_directory=folder)
    began = await worker.worker_init_request(_request(worker_init_request=init))
    if began.result.status != Proto.Success:
        say({"error": began.result.exception.message})
        return
    found = await worker.functions_metadata_request(_request())
    functions = {one.name: one for one in found.function_metadata_results}
    for one in functions.values():
        await worker.function_load_request(_request(function_load_request=Proto(function_id=one.function_id)))
    say({"uri": began.capabilities["HttpUri"]})
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    under_way = set()
    while line := await reader.readline():
        given = json.loads(line)
        task = asyncio.create_task(invoke(worker, functions[given["function"]].function_id, given))
        under_way.add(task)
        task.add_done_callback(under_way.discard)


async def invoke(worker: Any, function_id: str, given: dict[str, Any]) -> None:
    data = http(given["data"]["route"]) if "route" in given["data"] else Proto(**given["data"])
    invocation = SimpleNamespace(
        invocation_id=given["id"], function_id=function_id, input_data=[_Bound(given["name"], data)],
        trigger_metadata={name: Proto(**one) for name, one in given.get("metadata", {}).items()},
        trace_context=SimpleNamespace(trace_parent="", trace_state="", attributes={}),
        retry_context=SimpleNamespace(retry_count=0, max_retry_count=0, exception=None),
    )  # fmt: skip
    done = await worker.invocation_request(_request(invocation_request=invocation))
    answer: dict[str, Any] = {"id": given["id"], "well": done.result.status == Proto.Success}
    if not answer["well"]:
        answer["error"] = done.result.exception.message
    say(answer)


def say(answer: Any) -> None:
    print(f"{_SAID}{json.dumps(answer)}", flush=True)


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
