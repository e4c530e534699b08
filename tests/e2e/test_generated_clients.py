"""Clients that a public generator makes, from the protocol's specification and from ours, get an approval through."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from agentcore import app
from agentcore.api import create_app
from agentcore.commands.client import parse
from agentcore.settings import Settings
from tests.e2e import protocol_file
from tests.e2e.http import REFUND
from tests.e2e.processes import PATIENCE, Process

Json = dict[str, Any]


@pytest.fixture
def generate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, Json], Client]]:
    """A client from a document, as a package of that name. A warning of the generator is an error."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def generate(name: str, document: Json) -> Client:
        (tmp_path / "document.json").write_text(json.dumps(document))
        (tmp_path / "config.yml").write_text("post_hooks: []\n")  # they make it pretty
        made = subprocess.run(
            [Path(sys.executable).with_name("openapi-python-client"), "generate", "--path", "document.json",
             "--config", "config.yml", "--meta", "none", "--output-path", name, "--fail-on-warning"],
            cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE, check=False,
        )  # fmt: skip
        assert made.returncode == 0, made.stdout + made.stderr
        return Client(name)

    yield generate
    for name in [name for name in sys.modules if name.startswith("generated_")]:
        del sys.modules[name]


class Client:
    """The generated package, by the names in its document."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.models = self._module("models")
        self.client: Any = None

    def _module(self, path: str) -> ModuleType:
        return import_module(f"{self._name}.{path}")

    @contextmanager
    def connected(self, url: str) -> Iterator[None]:
        made = self._module("client").Client(base_url=url, raise_on_unexpected_status=True, timeout=PATIENCE)
        with made as self.client:
            yield

    def operation(self, where: str) -> ModuleType:
        return self._module(f"api.{where}")

    def call(self, where: str, *args: Any, **named: Any) -> Any:
        """What an operation of a tag answers, as the document's type."""
        return self.operation(where).sync(*args, client=self.client, **named)

    def begin(self) -> tuple[Any, Any]:
        """Find the agent, make a thread, and ask for a refund: the thread, and the answer."""
        models = self.models
        found = self.call("agents.search_agents", body=models.AgentSearch(name="support"))
        assert [agent.agent_id for agent in found] == ["support"]
        thread = self.call("threads.create_thread", body=models.ThreadCreate())
        body = models.RunCreate(agent_id="support", thread_id=thread.thread_id, input_=REFUND)
        answer = self.call("runs.create_and_wait_run", body=body)
        assert str(answer.run.status) == "interrupted"
        return thread, answer

    def end(self, wait_run: str, thread: Any, run: Any) -> None:
        """Join the run that was approved, and read what is left of it."""
        answer = self.call(wait_run, run.run_id)
        assert str(answer.run.status) == "success"
        assert "Refunded 20.00 EUR of order 1001" in answer.values["output"]
        assert answer.messages[0].content == answer.values["output"]
        state = self.call("threads.get_thread", thread.thread_id)
        assert (str(state.status), state.values["output"]) == ("idle", answer.values["output"])
        assert state.messages[0].content == REFUND
        (past,) = self.call("threads.get_thread_history", thread.thread_id)
        assert [message.role for message in past.messages] == [message.role for message in state.messages]
        assert past.values["output"] == answer.values["output"]


@pytest.mark.skipif(not protocol_file.FILE.exists(), reason="the specification's file is not kept with the code")
def test_a_client_of_the_protocol_has_a_conversation_with_an_approval(
    tmp_path: Path, generate: Callable[[str, Json], Client]
) -> None:
    client = generate("generated_protocol", clear(json.loads(protocol_file.FILE.read_text())))
    # The one name that the protocol does not give.
    client.models.AgentSearch = client.models.SearchAgentsBody  # type: ignore[attr-defined]
    with Process(tmp_path) as dev, client.connected(dev.url):
        thread, answer = client.begin()
        asked = question(client, thread)
        params = {"namespace": [], "interruptId": asked["interruptId"], "response": True}
        command = client.models.StreamingCommand.from_dict({"id": 7, "method": "input.respond", "params": params})
        told = client.call("streaming.send_thread_streaming_command", thread.thread_id, body=command)
        assert (type(told).__name__, told.id) == ("StreamingSuccessResponse", 7)
        client.end("background_runs.wait_run", thread, answer.run)


def question(client: Client, thread: Any) -> Json:
    """What is asked on a thread, from its stream, which the generated client would read to the end: it has none."""
    body = client.models.EventStreamRequest.from_dict({"channels": ["input"]})
    request = client.operation("streaming.open_thread_sse_stream")._get_kwargs(thread.thread_id, body=body)
    with client.client.get_httpx_client().stream(**request) as answer:
        event = next(parse(answer.iter_lines()))
    assert event.type == "input.requested"
    asked: Json = event.data["params"]["data"]
    return asked


def clear(document: Any) -> Any:
    """The same, in words that the generator knows: it wants to be told the items of each list, and takes the titles of
    schemas for names, of which the specification has some twice."""
    if isinstance(document, list):
        return [clear(one) for one in document]
    if not isinstance(document, dict):
        return document
    found = {name: clear(one) for name, one in document.items()}
    if "schemas" in found:
        found["schemas"] = {name: {**one, "title": name} for name, one in found["schemas"].items()}
    return {"items": {}, **found} if found.get("type") == "array" else found


def test_a_client_of_our_own_description_has_one_too(tmp_path: Path, generate: Callable[[str, Json], Client]) -> None:
    service = app.build(Settings(database_url=f"sqlite:///{tmp_path}/unused.db", auth="none", bus_url="memory://"))
    client = generate("generated_ours", create_app(service).openapi())
    with Process(tmp_path) as dev, client.connected(dev.url):
        thread, answer = client.begin()
        (asked,) = answer.questions
        assert (str(asked.status), asked.tool) == ("pending", "refund_order")
        body = client.models.ApprovalDecision.from_dict(
            {"decision": "approve", "arguments_hash": asked.arguments_hash, "note": "Go ahead."}
        )
        decided = client.call("approvals.decide", asked.approval_id, body=body)
        assert (str(decided.status), decided.note) == ("approved", "Go ahead.")
        client.end("runs.wait_run", thread, answer.run)
        missing = client.call("runs.get_run", thread.thread_id)
        assert (type(missing).__name__, missing.code, missing.status) == ("Problem", "not_found", 404)
