"""Public events of one run → protocol events. Pure: the same events give the same frames, with the same places.

A reader that comes back therefore reads its run from the start and drops what it has.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from agentcore.api import transcript
from agentcore.api.frames import PARTS, Frame, Place
from agentcore.checkpoints import checkpoint_id
from agentcore.events import RUN_ENTRIES, PublicEvent, within
from agentcore.records import Run

Json = Mapping[str, Any]
Path = tuple[str, ...]
LATER = object()
"""The data of a `values` frame: only where somebody wants it is it read."""

_LOST = "attempt_lost"
_IDLE = {"input_required", "slept", "yielded", "retried", "finished", "failed", "cancelled", "accepted", "decided"}


class RunFrames:
    """What one run's events mean. Each is to be given once, in order, from the first."""

    def __init__(self, run: Run, clock: Callable[[], float] = time.time) -> None:
        self.run = run
        self._clock = clock
        self._number, self._total = -1, 0  # of the event at hand; frames with that number
        self._attempt, self._part = 0, 0
        self._running = False
        self._streaming = ""  # the step whose message is under way
        self._calls: dict[str, tuple[Path, Json]] = {}  # without a result
        self._begun: set[str] = set()  # of those, the ones that began
        self._asked: dict[str, str] = {}  # question → call
        self._open: dict[Path, str] = {}  # nested agents at work, and the last they said

    def take(self, event: PublicEvent) -> Iterator[Frame]:
        """The frames that an event means."""
        at = event.data.get("at")
        stamp = int((datetime.fromisoformat(at).timestamp() if at else self._clock()) * 1000)
        if event.type == "status" or (event.type not in _IDLE and not self._running):
            yield from self._works(stamp)
        self._running = event.type not in _IDLE
        self._enter(event)
        handle = getattr(self, f"on_{event.type}", None)
        for frame in handle(event.data) if handle else ():
            yield self._placed(replace(frame, timestamp=stamp, run_id=self.run.id))

    def _works(self, stamp: int) -> Iterator[Frame]:
        if not self._running:
            yield _lifecycle("running", timestamp=stamp, run_id=self.run.id)

    def _enter(self, event: PublicEvent) -> None:
        number = self.run.position * RUN_ENTRIES + min(event.seq, RUN_ENTRIES - 1)
        # An entry's own frames come before those of the text behind it, and are there when that is pruned.
        attempt = event.data["attempt"] if event.type in ("delta", "reset") else 0
        if number != self._number:
            self._number, self._total, self._attempt, self._part = number, 0, attempt, 0
        elif attempt != self._attempt:
            self._attempt, self._part = attempt, 0

    def _placed(self, frame: Frame) -> Frame:
        # Whoever comes back after a lost attempt does not see the end of what it had begun: it has no part of its own.
        lost = frame.method == "messages" and frame.data.get("code") == _LOST
        self._part += not lost
        self._total += 1
        seq = self._number * PARTS + min(self._total, PARTS - 1)
        return replace(frame, place=Place(self._number, self._attempt, self._part), seq=seq)

    # -- one method for each type of public event

    def on_accepted(self, data: Json) -> Iterator[Frame]:
        yield _lifecycle("started", graphName=data.get("agent") or self.run.agent)
        for part in transcript.given(self.run.input, f"{self.run.id}/input"):
            yield _message(part)

    def on_delta(self, data: Json) -> Iterator[Frame]:
        if self._streaming != data["step"]:
            self._streaming = data["step"]
            yield _message(transcript.start(self._message_id(data["step"]), "ai", runId=self.run.id))
            yield _message(transcript.text_start())
        yield _message(transcript.text_delta(data["text"]))

    def on_reset(self, data: Json) -> Iterator[Frame]:
        if self._streaming:
            self._streaming = ""
            words = "The worker was lost. The message begins again."
            yield _message({"event": "error", "message": words, "code": _LOST})

    def on_message(self, data: Json) -> Iterator[Frame]:
        step, calls = data["step"], data["tool_calls"]
        where, id = within(step), self._message_id(step)
        yield from self._close(where)
        yield from self._enter_agent(where, data.get("agent") or "")
        parts = list(transcript.text_block(data["text"])) if data["text"] else []
        if self._streaming == step and not where:
            self._streaming, parts = "", [transcript.text_finish(data["text"])]
        else:
            yield _message(transcript.start(id, "ai", runId=self.run.id), where)
        first = 1 if parts else 0
        for index, call in enumerate(calls, first):
            parts += transcript.call_block(call, index)
        for part in [*parts, transcript.finish(data.get("usage"))]:
            yield _message(part, where)
        if where:
            self._open[where] = data["text"]
        yield _update(data.get("agent"), where, messages=transcript.said(data["text"], calls, id))
        for call in calls:
            self._calls[call["call_id"]] = where, call
            if call.get("effect") in ("read", "idempotent") and not call.get("needs_approval"):
                yield from self._begins(call["call_id"])

    on_inner_message = on_message  # its place says where it was said

    def on_tool_started(self, data: Json) -> Iterator[Frame]:
        yield from self._begins(data["call_id"], data)

    def on_tool_result(self, data: Json) -> Iterator[Frame]:
        yield from self._begins(data["call_id"], data)
        yield from self._ends(data["call_id"], data.get("name") or "", data.get("output"), data.get("error"))

    def on_handoff(self, data: Json) -> Iterator[Frame]:
        where = within(data["step"])
        self._calls.pop(data["call_id"], None)
        yield _update(data["from"], where, agent=data["to"])
        cause = {"type": "edge", "fromNode": data["from"]}
        yield _lifecycle("running", where, graphName=data["to"], cause=cause)

    def on_input_required(self, data: Json) -> Iterator[Frame]:
        for question in data["questions"]:
            self._asked[question["id"]] = question["call_id"]
            where = self._calls.get(question["call_id"], ((), {}))[0]
            asked = {"interruptId": question["id"], "payload": dict(question)}
            yield Frame(method="input.requested", data=asked, namespace=where)
        yield _lifecycle("interrupted")

    def on_decided(self, data: Json) -> Iterator[Frame]:
        call_id = self._asked.pop(data["question"], "")
        where = self._calls.get(call_id, ((), {}))[0]
        yield _update(data.get("tool"), where, decision=dict(data))
        if data["decision"] in ("reject", "fail") and call_id in self._calls:
            words = data.get("note") or "The call was not approved."
            yield from self._ends(call_id, data.get("tool") or "", None, words, code="rejected")

    def on_custom(self, data: Json) -> Iterator[Frame]:
        told = {name: value for name, value in data.items() if name != "at"}
        name = {"name": told["name"]} if isinstance(told.get("name"), str) else {}
        payload = told["payload"] if set(told) == {"payload", *name} else told
        yield Frame(method="custom", data={**name, "payload": payload})

    def on_slept(self, data: Json) -> Iterator[Frame]:
        yield _update(None, (), **{k: data[k] for k in ("status", "until", "event") if data.get(k)})

    def on_woke(self, data: Json) -> Iterator[Frame]:
        yield _update(None, (), **{k: data[k] for k in ("status", "by") if data.get(k)})

    def on_yielded(self, data: Json) -> Iterator[Frame]:
        yield _update(None, (), status=data["status"])

    def on_retried(self, data: Json) -> Iterator[Frame]:
        yield _update(None, (), status=data["status"], error=data.get("error"))

    def on_finished(self, data: Json) -> Iterator[Frame]:
        yield from self._close((), all=True)
        yield _update(self.run.agent, (), output=data.get("output"))
        yield from self._left()
        yield _lifecycle("completed", checkpoint={"id": self._checkpoint(0)})

    def on_failed(self, data: Json) -> Iterator[Frame]:
        error = data.get("error") or {}
        yield from self._cut()
        yield from self._close((), all=True, how="failed")
        yield from self._left()
        yield _lifecycle("failed", error=f"{error.get('code')}: {error.get('message')}")

    def on_cancelled(self, data: Json) -> Iterator[Frame]:
        yield from self._cut()
        yield from self._close((), all=True, how="interrupted")
        if data.get("kept"):
            yield from self._left()
        yield _lifecycle("interrupted")

    # -- what several of them do

    def _message_id(self, step: str) -> str:
        return f"{self.run.id}/{step}"

    def _checkpoint(self, before: int) -> str:
        return checkpoint_id(self.run.thread_id, self.run.position - before)

    def _begins(self, call_id: str, known: Json | None = None) -> Iterator[Frame]:
        if call_id not in self._begun:
            where, call = self._calls.get(call_id) or (within((known or {}).get("step", "")), known or {})
            self._begun.add(call_id)
            input = transcript.tool_call({"arguments": "{}", "call_id": call_id, "name": "", **call}).get("args")
            told = {"toolCallId": call_id, "toolName": call.get("name") or ""}
            yield Frame(method="tools", data={"event": "tool-started", **told, "input": input}, namespace=where)
            task = {"id": call_id, "name": call.get("name") or "", "input": input}
            yield Frame(method="tasks", data=task, namespace=where)

    def _ends(self, call_id: str, name: str, output: Any, error: Any = None, code: str = "") -> Iterator[Frame]:
        where = self._calls.pop(call_id, ((), {}))[0]
        self._begun.discard(call_id)
        told = {"event": "tool-finished", "toolCallId": call_id, "output": output}
        if error:
            told = {"event": "tool-error", "toolCallId": call_id, "message": str(error)}
            told |= {"code": code} if code else {}
        yield Frame(method="tools", data=told, namespace=where)
        result = {"error": error} if error else {"result": output}
        yield Frame(method="tasks", data={"id": call_id, "name": name, **result}, namespace=where)
        yield _update(name, where, messages=[transcript.came_of(call_id, error or output)])

    def _enter_agent(self, where: Path, agent: str) -> Iterator[Frame]:
        """An agent inside a tool call (or a guardrail) is heard of for the first time."""
        if where and where not in self._open:
            self._open[where] = ""
            known = where[-1] in self._calls
            if known:
                yield from self._begins(where[-1])
            cause = {"type": "toolCall", "toolCallId": where[-1]} if known else None
            yield _lifecycle("started", where, graphName=agent, cause=cause)

    def _close(self, where: Path, *, all: bool = False, how: str = "completed") -> Iterator[Frame]:
        """Its caller goes on, so an agent inside one of its calls has ended."""
        for path in sorted(self._open, key=len, reverse=True):
            if len(path) > len(where) and path[: len(where)] == where:
                text = self._open.pop(path)
                yield _lifecycle(how, path)
                if path[-1] in self._calls and how == "completed":
                    yield from self._ends(path[-1], str(self._calls[path[-1]][1].get("name")), text)

    def _cut(self) -> Iterator[Frame]:
        if self._streaming:
            self._streaming = ""
            yield _message({"event": "error", "message": "The run has ended within this message.", "code": "cut"})

    def _left(self) -> Iterator[Frame]:
        """The state that the run leaves, and the checkpoint that names it."""
        yield Frame(method="values", data=LATER)
        step = {"id": self._checkpoint(0), "step": self.run.position, "source": "loop"}
        parent = {"parentId": self._checkpoint(1)} if self.run.position > 1 else {}
        yield Frame(method="checkpoints", data={**step, **parent})


def _message(part: Json, where: Path = ()) -> Frame:
    return Frame(method="messages", data=part, namespace=where)


def _update(node: str | None, where: Path, **values: Any) -> Frame:
    return Frame(method="updates", data={**({"node": node} if node else {}), "values": values}, namespace=where)


def _lifecycle(event: str, where: Path = (), *, timestamp: int = 0, run_id: str = "", **more: Any) -> Frame:
    told = {"event": event, **{name: value for name, value in more.items() if value}}
    return Frame(method="lifecycle", data=told, namespace=where, timestamp=timestamp, run_id=run_id)
