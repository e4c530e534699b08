"""One conversation of `agentcore chat`: what is said, shown, asked and decided."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any

from agentcore.commands.client import ENDS, Client, Event, Problem
from agentcore.commands.screen import Screen, brief

_ANSWERS = {
    "approval": ("Allow it? y/n, and a note if you like: ", {"y": "approve", "n": "reject"}),
    "outcome": (
        "What became of it? h it happened (then its result), a do it again, g give up: ",
        {"h": "happened", "a": "again", "g": "give_up"},
    ),
}


class Conversation:
    def __init__(self, client: Client, screen: Screen, *, agent: str, thread: str) -> None:
        self.agent, self.thread = agent, thread
        self._client, self._screen = client, screen
        self._parked: list[tuple[str, str]] = []  # runs that sleep, and where we stopped reading them
        self._shown: set[str] = set()  # steps whose text came in pieces
        self._decided: set[str] = set()
        self._last = ""

    def say(self, text: str) -> bool:
        """Send a message and follow its run. Whether that went well."""
        body = {"agent_id": self.agent, "thread_id": self.thread, "input": text, "if_not_exists": "create"}
        with closing(self._client.run(body)) as events:
            try:
                run = next(events).data
            except Problem as problem:
                if problem.code != "input_required":
                    raise
            else:
                self._wake()
                return self._follow(run["run_id"], events)
        self._screen.note("This conversation waits for a decision.")
        self.resume()
        return self._answered() and self.say(text)

    def _wake(self) -> None:
        """Follow the runs that a message wakes: they go first."""
        parked, self._parked = self._parked, []
        for run_id, after in parked:
            self._follow(run_id, self._client.events(run_id, after))

    def resume(self) -> None:
        """Go on with whatever of this thread is unfinished."""
        for run in reversed(self._runs()):
            if run["status"] == "pending" or run["state"] == "waiting":
                self._follow(run["run_id"], self._client.events(run["run_id"]))

    def _runs(self) -> list[Mapping[str, Any]]:
        """The thread's newest runs; none, where it does not exist yet."""
        try:
            found: list[Mapping[str, Any]] = self._client.call(
                "POST", "/runs/search", json={"thread_id": self.thread, "limit": 100}
            )
        except Problem as problem:
            if problem.code != "not_found":
                raise
            return []
        return found

    def _answered(self) -> bool:
        return not self._client.call("GET", "/approvals", params={"thread_id": self.thread, "limit": 1})

    def _follow(self, run_id: str, events: Iterator[Event]) -> bool:
        try:
            return self._read(run_id, events)
        except KeyboardInterrupt:
            self._screen.note("Stopping… (Ctrl-C again leaves it running)")
        try:
            self._client.call("POST", f"/runs/{run_id}/cancel")
            return self._read(run_id, self._client.events(run_id, self._last))
        except KeyboardInterrupt:
            return False

    def _read(self, run_id: str, events: Iterator[Event]) -> bool:
        """Show events until the run ends or pauses for longer than a user would watch."""
        for event in events:
            self._last = event.id or self._last
            self._show(event)
            if event.type == "input_required" and not all(self._decide(q) for q in event.data["questions"]):
                self._screen.note("Left undecided.")
                return False
            if event.type == "slept":
                self._parked.append((run_id, self._last))
                return True
            if event.type in ENDS:
                return event.type == "finished"
        return True

    def _show(self, event: Event) -> None:
        data, screen = event.data, self._screen
        match event.type:
            case "delta":
                self._shown.add(data["step"])
                screen.text(data["text"])
            case "reset":
                screen.note("(it begins this answer again)")
            case "message":
                self._message(data)
            case "inner_message":  # what agents say among themselves is not said to the user
                self._calls(data)
            case "tool_result":
                screen.note(f"← {data.get('name')}: {brief(data.get('error') or data.get('output'))}")
            case "slept":
                screen.note(f"(asleep until {data.get('until')}, or until you say something)")
            case "retried":
                screen.note(f"(it failed for now and is tried again: {brief(data.get('error'))})")
            case "failed" | "cancelled" | "problem":
                error = data.get("error") or {}
                screen.note(f"({event.type}{': ' + brief(error.get('message', '')) if error else ''})")
            case "custom":
                screen.note(f"· {brief(data)}")
            case "handoff":
                screen.note(f"({data['from']} hands over to {data['to']})")
            case "status":
                pass
            case _:
                screen.line_end()

    def _message(self, data: Mapping[str, Any]) -> None:
        if data.get("step") not in self._shown and data.get("text"):
            self._screen.text(data["text"])
        self._calls(data)

    def _calls(self, data: Mapping[str, Any]) -> None:
        self._screen.line_end()
        for call in data.get("tool_calls", ()):
            self._screen.note(f"→ {call['name']}({brief(call['arguments'])})")

    def _decide(self, question: Mapping[str, Any]) -> bool:
        """Ask about one question and send the decision. Whether it is settled."""
        if question["id"] in self._decided:
            return True
        prompt, decisions = _ANSWERS[question["kind"]]
        asks = "wants" if question["kind"] == "approval" else "may or may not have done"
        self._screen.note(
            f"? {question['agent']} {asks} {question['tool']}({brief(json.dumps(question['arguments']))})"
        )
        letter = ""
        while letter not in decisions:
            answer = self._screen.ask(prompt)
            if answer is None:
                return False
            letter, _, rest = answer.strip().partition(" ")
            letter = letter[:1].lower()
        return self._send(question, decisions[letter], rest.strip())

    def _send(self, question: Mapping[str, Any], decision: str, said: str) -> bool:
        body = {"decision": decision, "arguments_hash": question["arguments_hash"]}
        body |= {"result" if decision == "happened" else "note": said} if said else {}
        try:
            self._client.call("POST", f"/approvals/{question['id']}", json=body)
        except Problem as problem:  # somebody else was faster, or its time was up
            self._screen.note(str(problem))
        self._decided.add(question["id"])
        return True
