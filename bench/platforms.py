"""The hosts: each of our functions in a process of its own, under the real runtime client of its platform."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from agentcore.bus.url import SETTING
from tests.e2e.processes import environment
from tests.platforms import aws_events, azure_events, google_events
from tests.platforms.azure_app import App, host_json
from tests.platforms.lambda_runtime import Lambda
from tests.platforms.servers import Server, framework, granian, uvicorn

Role = Literal["accept", "move", "tick"]
Env = Mapping[str, str]
Event = Callable[[str], object]  # takes a run's id, and returns when the process has answered; the first starts it
Made = tuple[Event, Callable[[], None]]  # and what ends it
_BODY = {"agent_id": "text", "input": "hi"}
_JSON = {"content-type": "application/json"}


@dataclass(frozen=True, kw_only=True)
class Host:
    """One role on one platform."""

    name: str
    role: Role  # of an event: it accepts a run, moves the one that it names, or ticks
    make: Callable[[Path, Env], Made]
    stays: bool = True  # its process serves more than one event


def found() -> tuple[list[Host], list[str]]:
    """The hosts that can run here; and of the others, why not."""
    hosts = [*_lambda(), *_cloud_run(), *_functions_framework(), *_containers()]
    if find_spec("azure_functions_runtime") is None:
        return hosts, ["Azure Functions: its worker library is for Python 3.13 and later"]
    return [*hosts, *_azure()], []


def _lambda() -> list[Host]:
    def make(handler: str, event: Callable[[str], Any], good: Callable[[Any], bool], folder: Path, env: Env) -> Made:
        it = Lambda(folder, handler, env)
        return lambda run_id: _checked(it.invoke(event(run_id)), good), it.stop

    accepts = partial(make, "http_chat.aws_lambda.handler", lambda _: aws_events.http_api("POST", "/runs", _BODY))
    moves = partial(make, "queue_worker.aws_lambda.handler", lambda run: aws_events.sqs(aws_events.record(run)))
    ticks = partial(make, "timer_wakeup.aws_lambda.handler", lambda _: aws_events.scheduler())
    return [
        Host(name="AWS Lambda", role="accept", make=partial(accepts, lambda answer: answer["statusCode"] == 200)),
        Host(name="AWS Lambda", role="move", make=partial(moves, lambda answer: not answer["batchItemFailures"])),
        Host(name="AWS Lambda", role="tick", make=partial(ticks, lambda answer: "rang" in answer)),
    ]


def _cloud_run() -> list[Host]:
    accepts = partial(_served, uvicorn("http_chat.cloud_run:app"), _post)
    moves = partial(_served, uvicorn("queue_worker.cloud_run:app"), _push)
    ticks = partial(_served, uvicorn("timer_wakeup.cloud_run:app"), lambda it, _: it.request("POST", "/"))
    return [
        Host(name="Cloud Run (uvicorn)", role="accept", make=accepts),
        Host(name="Cloud Run (uvicorn)", role="move", make=moves),
        Host(name="Cloud Run (uvicorn)", role="tick", make=ticks),
    ]


def _functions_framework() -> list[Host]:
    def send(it: Server, run_id: str) -> Any:
        headers, content = google_events.eventarc(run_id.encode())
        return it.request("POST", "/", headers=headers, content=content)

    accepts = partial(_served, framework("http_chat", "http"), _post)
    moves = partial(_served, framework("queue_worker", "cloudevent"), send)
    name = "Cloud Run functions (functions-framework)"
    return [Host(name=name, role="accept", make=accepts), Host(name=name, role="move", make=moves)]


def _containers() -> list[Host]:
    serve = [sys.executable, "-m", "agentcore", "serve", "--port", "{port}"]
    servers = {"uvicorn": uvicorn("http_chat.asgi:app"), "granian": granian("http_chat.asgi:app"), "serve": serve}
    accepting = [
        Host(name=f"container ({name})", role="accept", make=partial(_served, command, _post))
        for name, command in servers.items()
    ]
    return [
        *accepting,
        Host(name="job (agentcore work --drain)", role="move", make=_job("work", "--drain"), stays=False),
        Host(name="job (agentcore tick)", role="tick", make=_job("tick"), stays=False),
    ]


def _azure() -> list[Host]:
    def make(event: Callable[[App, str], Any], bus: Env, folder: Path, env: Env) -> Made:
        it = App(folder, host_json(30), {**env, **bus})
        return partial(event, it), it.stop

    def post(it: App, _: str) -> Any:
        return it.request("POST", "/runs", _BODY).raise_for_status()

    def invoke(given: dict[str, Any], it: App) -> Any:
        return _checked(it.invoke(given), lambda answer: answer["well"])

    # The bus has to be one that triggers functions; nobody connects to it, as the messages come from here.
    triggered = {SETTING: "servicebus://localhost/runs"}
    moves = partial(make, lambda it, run_id: invoke(azure_events.queued(run_id), it), triggered)
    ticks = partial(make, lambda it, _: invoke(azure_events.timer(), it), {})
    return [
        Host(name="Azure Functions", role="accept", make=partial(make, post, {})),
        Host(name="Azure Functions", role="move", make=moves),
        Host(name="Azure Functions", role="tick", make=ticks),
    ]


def _job(*args: str) -> Callable[[Path, Env], Made]:
    def make(folder: Path, env: Env) -> Made:
        command = [sys.executable, "-m", "agentcore", *args]
        run = partial(subprocess.run, command, cwd=folder, env=environment(**env), capture_output=True, check=True)
        return lambda _: run(), lambda: None

    return make


def _served(command: list[str], send: Callable[[Server, str], Any], folder: Path, env: Env) -> Made:
    it = Server(folder, command, env)
    return lambda run_id: send(it, run_id).raise_for_status(), it.stop


def _post(it: Server, _: str) -> Any:
    return it.request("POST", "/runs", json=_BODY)


def _push(it: Server, run_id: str) -> Any:
    return it.request("POST", "/", json=google_events.push(run_id.encode()))


def _checked(answer: Any, good: Callable[[Any], bool]) -> Any:
    if not good(answer):
        raise RuntimeError(f"the host answered {answer}")
    return answer
