"""What must hold at the end. Each reads what the database and the side table say, and gives back what is wrong."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from tests.soak.facts import ENDS, TERMINAL, Entry, Facts
from tests.soak.options import LISTENERS, POOL
from tests.soak.roles import CALLS, ONCE
from tests.soak.side import Line

Lines = Sequence[Line]
_ATTEMPT = re.compile(r"\(attempt (\d+)\)")
_WORK = frozenset({"input", "model", "tool_started", "tool"})  # entries that only a worker writes


def ended(facts: Facts) -> Iterator[str]:
    """Every run that was accepted has ended, and as it should: none has failed."""
    for run in facts.runs:
        if run.status not in TERMINAL:
            yield f"run {run.id} ({run.agent}) is still {run.status}"
        elif run.status == "cancelled" and run.stop is None:
            yield f"run {run.id} was cancelled, and nobody had asked"
        elif run.status in ("failed", "expired"):
            yield f"run {run.id} ({run.agent}) has {run.status}: {run.error}"


def kept(facts: Facts, accepted: Mapping[str, str]) -> Iterator[str]:
    """Every message that was accepted is one run, the one that the answer named, and there are no others."""
    by_key = defaultdict[str, list[str]](list)
    for run in facts.runs:
        if run.trigger == "message":
            by_key[run.key or ""].append(run.id)
    for key, run_id in accepted.items():
        if by_key[key] != [run_id]:
            yield f"message {key} was answered with run {run_id}, and there is {by_key[key]}"
    for key in by_key.keys() - accepted.keys():
        yield f"runs that nobody was told of: {by_key[key]}"


def ordered(facts: Facts) -> Iterator[str]:
    """The runs of a thread were worked on one at a time, in the order in which they were accepted."""
    before: dict[str, float] = {}
    for run in facts.runs:  # by thread and position
        work = [entry.at for entry in facts.journal.get(run.id, ()) if entry.kind in _WORK]
        if work and min(work) < before.get(run.thread, 0.0):
            yield f"run {run.id} was begun before an earlier one of its thread had ended"
        before[run.thread] = max(before.get(run.thread, 0.0), run.finished_at or float("inf"))


def journaled(facts: Facts) -> Iterator[str]:
    """Each journal begins with `accepted`, ends with its one end, repeats no key, and has the steps of its agent."""
    for run in facts.runs:
        journal = facts.journal.get(run.id, [])
        kinds, keys = [entry.kind for entry in journal], Counter(entry.key for entry in journal)
        if not journal or kinds[0] != "accepted" or journal[0].seq != 1:
            yield f"the journal of run {run.id} has lost its beginning"
        if twice := [key for key, count in keys.items() if count > 1]:
            yield f"the journal of run {run.id} has two entries {twice}"
        ends = [kind for kind in kinds if kind in ENDS]
        if run.status in ENDS.values() and (
            len(ends) != 1 or ENDS.get(kinds[-1]) != run.status or journal[-1].seq != run.last_seq
        ):
            yield f"run {run.id} has {run.status}, and its journal ends with {kinds[-2:]}"
        made = kinds.count("tool") + _rejected(journal)
        if run.status == "succeeded" and made != CALLS.get(run.agent, made):
            yield f"run {run.id} ({run.agent}) made {made} tool calls instead of {CALLS[run.agent]}"


def _rejected(journal: Iterable[Entry]) -> int:
    return sum(e.kind == "decided" and e.data["kind"] == "approval" and e.data["decision"] == "reject" for e in journal)


def replayed(facts: Facts, lines: Lines) -> Iterator[str]:
    """No step that was journaled was executed again: not by a later attempt, and not twice by one."""
    done = _attempts(facts)
    seen = Counter[tuple[str, str, int]]()
    for line in lines:
        if line.what == "effect":
            continue
        seen[line.run, line.key, line.fence] += 1
        fence, at = done.get((line.run, line.key), (line.fence, line.at))
        # An earlier attempt that stood still meanwhile cannot know: a repeat is harmless, or it asked before it began.
        if line.fence > fence and line.at > at:
            yield f"step {line.key} of run {line.run} was executed again by attempt {line.fence}, after {fence}"
    for (run, key, fence), count in seen.items():
        if count > 1:
            yield f"attempt {fence} of run {run} executed step {key} {count} times"


def _attempts(facts: Facts) -> dict[tuple[str, str], tuple[int, float]]:
    """Of each journaled step the attempt that executed it, and when it was stored."""
    found: dict[tuple[str, str], tuple[int, float]] = {}
    for entry in facts.entries:
        if entry.kind == "model" and str(entry.data["response_id"]).isdecimal():
            found[entry.run, entry.key] = int(entry.data["response_id"]), entry.at
        elif entry.kind == "tool" and (attempt := _ATTEMPT.search(str(entry.data["output"]))):
            found[entry.run, entry.key] = int(attempt[1]), entry.at
    return found


def once(lines: Lines) -> Iterator[str]:
    """No tool that must not be repeated had its effect twice."""
    effects = Counter((e.run, e.key, e.name) for e in lines if e.what == "effect" and e.name in ONCE)
    for (run, key, name), count in effects.items():
        if count > 1:
            yield f"{name} happened {count} times in run {run} ({key})"


def keyed(lines: Lines) -> Iterator[str]:
    """Each call has one idempotency key, in all of its attempts, and shares it with no other."""
    keys, calls = defaultdict[tuple[str, str], set[str]](set), defaultdict[str, set[tuple[str, str]]](set)
    for line in lines:
        if line.what != "model":
            keys[line.run, line.key].add(line.idempotency)
            calls[line.idempotency].add((line.run, line.key))
    yield from (f"call {call} had the keys {sorted(found)}" for call, found in keys.items() if len(found) > 1)
    yield from (f"calls {sorted(found)} share the key {key}" for key, found in calls.items() if len(found) > 1)


def agreed(facts: Facts, lines: Lines) -> Iterator[str]:
    """What the journal says was done was done, and what was done is in the journal."""
    ours = {run.id for run in facts.runs if run.agent in CALLS}  # the tools of others need not write a side table
    happened = {(e.run, e.key) for e in lines if e.what == "effect"}
    recorded = {(e.run, e.key) for e in facts.entries if e.kind == "tool" and e.run in ours}
    told = {(e.run, e.key) for e in facts.entries if e.kind == "tool" and "failed" in str(e.data["output"])}
    for run, key in recorded - happened - told:
        yield f"the journal of run {run} has {key}, which never happened"
    for run, key in happened - recorded:
        if run not in facts.run or facts.run[run].status == "succeeded":
            yield f"{key} happened, and the journal of run {run} does not have it"


def spoken(facts: Facts) -> Iterator[str]:
    """Each thread's history is one line without holes, and every tool call in it has its answer."""
    items = defaultdict[str, list[Mapping[str, object]]](list)
    for item in facts.items:
        if item.position != len(items[item.thread]):
            yield f"the history of thread {item.thread} has no message {len(items[item.thread])}"
        items[item.thread].append(item.data)
    for thread in facts.threads:
        said = items.get(thread.id, [])
        if len(said) != thread.item_count:
            yield f"thread {thread.id} has {len(said)} messages and counts {thread.item_count}"
        calls = Counter(one["call_id"] for one in said if one.get("type") == "function_call")
        answers = Counter(one["call_id"] for one in said if one.get("type") == "function_call_output")
        if calls != answers:
            yield f"thread {thread.id} has calls without answers: {calls - answers or answers - calls}"


def rang(facts: Facts) -> Iterator[str]:
    """Each alarm that was set rang once."""
    started = {run.id for run in facts.runs if run.trigger == "schedule"}
    named = {alarm.run for alarm in facts.alarms if alarm.run is not None}
    yield from (f"alarm {alarm.id} has not rung" for alarm in facts.alarms if alarm.run not in started)
    yield from (f"run {run} was started by no alarm, or by one that rang twice" for run in started - named)


def heard(facts: Facts, received: Iterable[str]) -> Iterator[str]:
    """Each run with a webhook told it of its end. Twice is lawful; the message's id is the same then."""
    got = set(received)
    told = {delivery.run: delivery for delivery in facts.deliveries}
    for run in facts.runs:
        if run.webhook and (run.id not in told or told[run.id].status != "delivered" or told[run.id].id not in got):
            yield f"the webhook of run {run.id} was not told: {told.get(run.id)}"


def spared(connected: Mapping[str, int]) -> Iterator[str]:
    """No process has more connections to the database than its pool and those that listen."""
    for name, count in connected.items():
        if count > POOL + LISTENERS:
            yield f"{name} has {count} connections to the database"


def cleaned(facts: Facts) -> Iterator[str]:
    """Nothing is left of what waited: no lease, no question, no subscription, no thread that is held."""
    yield from (f"{count} {what} are left" for what, count in facts.left.items())
    yield from (f"thread {thread.id} is held by run {thread.head}" for thread in facts.threads if thread.head)
