"""What of a thread the model sees: a window by tokens, a summary of the rest, and never a call cut in two."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import pytest
from agents import Agent, ToolOutputImage, ToolOutputText, function_tool
from hypothesis import given, settings
from hypothesis import strategies as st

from agentcore.history import UNFINISHED, items_of, tokens, trim, window
from agentcore.records import Entry, Run
from agentcore.summary import CHUNKS
from agentcore.testing import Script, call, say
from agentcore.tools import sleep_until
from tests.engine.test_failures import refused
from tests.engine.world import World, dies, outputs
from tests.harness import TENANT, Harness, on

LONG = "a long story " * 40  # some 130 tokens


class Seeing(Script):
    """Keeps what it was asked, and answers with its turns in order, whatever it is asked."""

    def __init__(self, world: World, *turns: Any, name: str = "model") -> None:
        super().__init__(*turns, log=world.side, name=name)
        self.seen: list[list[Mapping[str, Any]]] = []
        self.told: list[Any] = []

    def turn(self, input: Any) -> list[Any]:
        self.seen.append([{"role": "user", "content": input}] if isinstance(input, str) else list(input))
        number = min(len(self.seen), len(self.turns)) - 1
        if self.log:
            self.log.add(f"{self.name}:{number}")
        return list(self.turns[number])


class Summarizing(Seeing):
    """Answers requests for a summary with one, and all else with `ok`."""

    def __init__(self, world: World) -> None:
        super().__init__(world, [say("ok")])
        self.summaries: list[str] = []
        self.failing: list[Exception] = []

    def turn(self, input: Any) -> list[Any]:
        if isinstance(input, list) and LONG not in str(input[-1]):
            return super().turn(input)
        text = input if isinstance(input, str) else str(input[-1]["content"])
        if not text.startswith(("Summary so far", "{")):
            return super().turn(input)
        if self.failing:
            raise self.failing.pop(0)
        self.summaries.append(text)
        return [say(f"summary {len(self.summaries)}")]


def texts(seen: Sequence[Mapping[str, Any]]) -> list[str]:
    return [str(item["content"]) for item in seen if item.get("role") in ("user", "system")]


async def talk(it: Harness, count: int, *, thread: Run | None = None, streamed: bool = True) -> Run:
    """So many messages, each long, on one thread; the last run."""
    for n in range(count):
        more = {"thread_id": thread.thread_id} if thread else {}
        thread = await it.run(f"m{n}: {LONG}", deltas=streamed, **more)
        assert (thread.status, thread.error) == ("succeeded", None)
    assert thread is not None
    return thread


# -- the window


def test_without_a_summary_the_model_sees_what_fits(tmp_path: Path, world: World, streamed: bool) -> None:
    async def test(it: Harness) -> None:
        model = Seeing(world, [say("ok")])
        it.agent(Agent(name="main", model=model))
        await talk(it, 8, streamed=streamed)
        assert [text[:2] for text in texts(model.seen[-1])] == ["m4", "m5", "m6", "m7"]
        assert model.seen[-1][0]["role"] == "user"

    on(tmp_path, test, summarize=False, history_tokens=700)


def test_the_number_of_items_loaded_is_bounded(tmp_path: Path, world: World) -> None:
    async def test(it: Harness) -> None:
        model = Seeing(world, [say("ok")])
        it.agent(Agent(name="main", model=model))
        await talk(it, 6)
        assert len(model.seen[-1]) == 5

    on(tmp_path, test, summarize=False, history_items=4)


@pytest.mark.parametrize(("before", "after"), [(700, 100_000), (100_000, 700)])
def test_a_run_sees_the_same_window_after_the_settings_have_changed(
    tmp_path: Path, world: World, streamed: bool, before: int, after: int
) -> None:
    model, runs = Seeing(world, [say("ok")]), list[Run]()

    async def first(it: Harness) -> None:
        it.agent(Agent(name="main", model=model))
        thread = await talk(it, 8, streamed=streamed)
        model.turns, model.seen = ([call("sleep_until", {"when": "1h"}, id="s")], [say("done")]), []
        it.agent(Agent(name="main", model=model, tools=[sleep_until]))
        runs.append(await it.run("now sleep", thread_id=thread.thread_id, deltas=streamed))

    async def second(it: Harness) -> None:
        it.agent(Agent(name="main", model=model, tools=[sleep_until]))
        await it.later(4000)
        left = await it.get(runs[0])
        assert (left.status, left.error) == ("succeeded", None)
        if before < after:
            assert model.seen[1][: len(model.seen[0])] == model.seen[0]

    on(tmp_path, first, summarize=False, history_tokens=before)
    on(tmp_path, second, summarize=False, history_tokens=after)


def test_a_run_that_outgrows_the_window_is_trimmed_while_it_runs(tmp_path: Path, world: World, streamed: bool) -> None:
    async def test(it: Harness) -> None:
        @function_tool
        async def read() -> str:
            return LONG

        model = Seeing(world, *[[call("read", id=f"c{n}")] for n in range(12)], [say("done")])
        it.agent(Agent(name="main", model=model, tools=[read]))
        run = await it.run("the question", deltas=streamed)
        assert (run.status, run.output) == ("succeeded", "done")
        for seen in model.seen:
            assert sum(tokens(item) for item in seen) < 900
            assert texts(seen) == ["the question"]
            _whole(seen)
        assert outputs(await it.history(run)).keys() == {f"c{n}" for n in range(12)}

    on(tmp_path, test, history_tokens=700)


# -- the rolling summary


def test_what_falls_out_is_summarized_once_and_later_turns_see_it(tmp_path: Path, world: World, streamed: bool) -> None:
    async def test(it: Harness) -> None:
        model = Summarizing(world)
        it.agent(Agent(name="main", model=model))
        thread = await talk(it, 5, streamed=streamed)
        while not model.summaries:
            thread = await talk(it, 1, thread=thread, streamed=streamed)
        assert "m0" in model.summaries[0]
        assert texts(model.seen[-1])[0] == "The conversation before, summarized:\nsummary 1"
        thread = await talk(it, 1, thread=thread, streamed=streamed)
        assert texts(model.seen[-1])[0] == "The conversation before, summarized:\nsummary 1"
        assert len(model.summaries) == 1
        stored = await it.store.thread(TENANT, thread.thread_id)
        assert (stored.summary, stored.summary_until > 0) == ("summary 1", True)
        thread = await talk(it, 8, thread=thread, streamed=streamed)
        assert model.summaries[1].startswith("Summary so far:\nsummary 1\n")
        assert max(sum(tokens(item) for item in seen) for seen in model.seen) < 1000

    on(tmp_path, test, history_tokens=800)


def test_the_summary_is_a_step_and_is_not_asked_for_again(tmp_path: Path, world: World, streamed: bool) -> None:
    async def test(it: Harness) -> None:
        model = Summarizing(world)
        it.agent(Agent(name="main", model=model))
        thread = await talk(it, 5, streamed=streamed)

        class Stuck(Summarizing):
            async def get_response(self, *args: Any, **kwargs: Any) -> Any:
                answer = await super().get_response(*args, **kwargs)
                await asyncio.sleep(0 if self.summaries and not self.seen else 3600)
                return answer

            async def stream_response(self, *args: Any, **kwargs: Any) -> Any:
                yield await self.get_response(*args, **kwargs)

        stuck = Stuck(world)
        it.agent(Agent(name="main", model=stuck))
        run = await it.accept(f"again: {LONG}", thread_id=thread.thread_id, deltas=streamed)
        stored: list[str] = []

        async def watch() -> None:
            while not any(key.startswith("model:") for key in stored):
                stored.extend(await it.keys(run))
                await asyncio.sleep(0.01)

        watcher = asyncio.create_task(watch())
        await dies(it, run, lambda: stuck.seen and watcher.done())
        assert len(stuck.summaries) == 1
        it.agent(Agent(name="main", model=model))
        await it.later(31)
        left = await it.get(run)
        assert (left.status, left.error, model.summaries) == ("succeeded", None, [])
        assert texts(model.seen[-1])[0] == "The conversation before, summarized:\nsummary 1"

    on(tmp_path, test, history_tokens=800)


@pytest.mark.parametrize("error", [refused(400), ValueError("bug")])
def test_without_a_summary_that_can_be_made_the_run_goes_on(tmp_path: Path, world: World, error: Exception) -> None:
    async def test(it: Harness) -> None:
        model = Summarizing(world)
        it.agent(Agent(name="main", model=model))
        thread = await talk(it, 5)
        model.failing = [error]
        await talk(it, 1, thread=thread)
        assert (model.failing, model.summaries) == ([], [])
        assert "summarized" not in str(model.seen[-1])

    on(tmp_path, test, history_tokens=800)


def test_a_summary_whose_model_is_away_is_asked_for_again_later(tmp_path: Path, world: World) -> None:
    async def test(it: Harness) -> None:
        model = Summarizing(world)
        it.agent(Agent(name="main", model=model))
        thread = await talk(it, 5)
        model.failing = [refused(503), ConnectionError("gone")]
        await talk(it, 1, thread=thread)
        assert (model.failing, len(model.summaries)) == ([], 1)

    on(tmp_path, test, history_tokens=800)


class Weighing(Summarizing):
    """Weighs what it is asked, and tells nothing if it is to refuse."""

    def __init__(self, world: World, *, refuses: bool) -> None:
        super().__init__(world)
        self.weights: list[int] = []
        self.failing = [refused(400)] * (1000 if refuses else 0)

    def turn(self, input: Any) -> list[Any]:
        self.weights.append(
            sum(tokens(i) for i in ([{"role": "user", "content": input}] if isinstance(input, str) else input))
        )
        return super().turn(input)


class Counting:
    """A store that counts the messages it reads."""

    def __init__(self, store: Any) -> None:
        self.store, self.read = store, 0

    def __getattr__(self, verb: str) -> Any:
        return getattr(self.store, verb)

    async def claim(self, *args: Any, **options: Any) -> Any:
        found = await self.store.claim(*args, **options)
        self.read += len(found.items) if found else 0
        return found

    async def items(self, *args: Any, **options: Any) -> Any:
        found = await self.store.items(*args, **options)
        self.read += len(found)
        return found


@pytest.mark.parametrize("refuses", [False, True], ids=["told", "refused"])
def test_a_turn_costs_the_same_however_long_its_thread_is(tmp_path: Path, world: World, refuses: bool) -> None:
    async def test(it: Harness) -> None:
        model = Weighing(world, refuses=refuses)
        it.agent(Agent(name="main", model=model))
        it.service.store = cast(Any, counting := Counting(it.store))
        thread, costs = None, list[tuple[int, int, int]]()
        for _ in range(30):
            counting.read, model.weights = 0, []
            thread = await talk(it, 1, thread=thread)
            costs.append((counting.read, len(model.weights), max(model.weights)))
        for which, most in enumerate((2 * 12, 2, 1000)):
            assert max(cost[which] for cost in costs) <= most, costs
        assert thread is not None
        assert (await it.store.thread(TENANT, thread.thread_id)).item_count == 60

    on(tmp_path, test, history_tokens=800, history_items=12)


def test_what_one_turn_cannot_tell_is_told_by_the_next_ones_and_once(tmp_path: Path, world: World) -> None:
    async def test(it: Harness) -> None:
        model = Weighing(world, refuses=False)
        it.agent(Agent(name="main", model=model))
        thread = await it.run([{"role": "user", "content": f"m{n}: {LONG}"} for n in range(40)])
        for turn in range(1, 4):
            model.weights = []
            await talk(it, 1, thread=thread)
            assert len(model.weights) <= CHUNKS + 1
            assert max(model.weights) <= 1300  # a chunk, and the summary so far
            assert texts(model.seen[-1])[0].startswith("The conversation before")
            assert len(model.summaries) <= CHUNKS * turn
        told = "".join(model.summaries)
        assert [told.count(f"m{n}:") for n in range(36)] == [1] * 36

    on(tmp_path, test, history_tokens=800)


# -- pure: no history begins in the middle of something


def _item(kind: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, **more}


@st.composite
def histories(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Turns of a user's message and what the model made of it, as the SDK stores them."""
    items: list[dict[str, Any]] = []
    for turn in range(draw(st.integers(1, 5))):
        items.append({"role": "user", "content": "x" * draw(st.integers(0, 200))})
        for step in range(draw(st.integers(0, 4))):
            if draw(st.booleans()):
                items.append(_item("reasoning", id=f"r{turn}.{step}", summary=[]))
            if draw(st.booleans()):
                items.append(_item("message", role="assistant", content="y" * draw(st.integers(0, 200))))
            calls = [f"c{turn}.{step}.{n}" for n in range(draw(st.integers(1, 3)))]
            items += [_item("function_call", call_id=c, name="f", arguments="{}") for c in calls]
            answers = draw(st.permutations(calls))
            items += [_item("function_call_output", call_id=c, output="z" * draw(st.integers(0, 200))) for c in answers]
        items.append(_item("message", role="assistant", content="bye"))
    return items


def _whole(items: Sequence[Mapping[str, Any]]) -> None:
    calls: set[Any] = set()
    for item in items:
        if item.get("type") == "function_call":
            calls.add(item["call_id"])
        if item.get("type") == "function_call_output":
            assert item["call_id"] in calls
            calls.discard(item["call_id"])
    assert not calls, "calls without an output"


def _not_inside_a_response(items: Sequence[Mapping[str, Any]], start: int) -> None:
    """Nothing of a response may be sent without what came before it in the same response."""
    own = {"message", "function_call", "reasoning"}
    if 0 < start < len(items) and items[start].get("type") in own:
        assert items[start - 1].get("type") not in own


@given(histories(), st.integers(0, 600))
@settings(max_examples=150, deadline=None)
def test_a_window_fits_and_begins_at_a_whole_group(items: list[dict[str, Any]], most: int) -> None:
    start = window(items, most)
    assert sum(tokens(item) for item in items[start:]) <= most
    _whole(items[start:])
    _not_inside_a_response(items, start)
    assert window(items, 10**9) == 0


@given(histories(), st.integers(0, 600), st.integers(1, 60))
@settings(max_examples=150, deadline=None)
def test_a_trimmed_run_keeps_its_question_and_whole_groups(items: list[dict[str, Any]], most: int, cut: int) -> None:
    end = next((n for n in range(min(cut, len(items)), len(items)) if _complete(items[:n])), len(items))
    asked = items[:end]  # what a model call in the middle of a run is asked
    trimmed = trim(asked, most)
    assert trimmed
    assert trimmed[-1] == asked[-1]
    _whole(trimmed)
    question = max(n for n, item in enumerate(asked) if item.get("role") == "user")
    assert asked[question] in trimmed
    rest = trimmed[1:] if trimmed[0].get("role") == "user" else trimmed
    _not_inside_a_response(asked, len(asked) - len(rest))


@given(histories(), st.integers(0, 600))
@settings(max_examples=100, deadline=None)
def test_a_trimmed_run_keeps_the_summary_of_its_thread(items: list[dict[str, Any]], most: int) -> None:
    summary = {"role": "system", "content": "The conversation before, summarized:\nAda wants a lamp."}
    trimmed = trim([summary, *items], most)
    assert trimmed[0] == summary
    assert trimmed.count(summary) == 1


def _complete(items: Sequence[Mapping[str, Any]]) -> bool:
    try:
        _whole(items)
    except AssertionError:
        return False
    return items[-1].get("type") not in ("reasoning", "message", "function_call")


# -- pure: the messages of a run that was stopped


def model(key: str, *output: dict[str, Any]) -> Entry:
    return Entry(key=key, kind="model", data={"output": list(output)})


def tool(call_id: str, output: Any, path: str = "0") -> Entry:
    return Entry(key=f"tool:{path}/{call_id}", kind="tool", data={"output": output})


def handoff(call_id: str, output: str, path: str = "0") -> Entry:
    return Entry(key=f"handoff:{path}/{call_id}", kind="handoff", data={"output": output})


def wants(call_id: str) -> dict[str, Any]:
    return {"type": "function_call", "call_id": call_id, "name": "f", "arguments": "{}"}


def gives(call_id: str, output: str) -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": call_id, "output": output}


GO = {"role": "user", "content": "go"}


@pytest.mark.parametrize(
    ("entries", "items"),
    [
        ([], []),
        ([model("model:0/0/0", wants("a"))], [wants("a"), gives("a", UNFINISHED)]),
        ([model("model:0/0/0", wants("a"), wants("b")), tool("b", "B")],
         [wants("a"), wants("b"), gives("a", UNFINISHED), gives("b", "B")]),
        ([model("model:0/0/0", wants("a")), tool("a", {"x": 1})], [wants("a"), gives("a", "{'x': 1}")]),
        ([model("model:0/0/0", wants("a")), model("model:0/0/a/0/0", {"type": "message", "content": [{"text": "in"}]})],
         [wants("a"), gives("a", "in")]),
        ([model("model:0/0/0", wants("a")), model("model:0/0/a/0/0", wants("x")), tool("x", "X", "0/a/0")],
         [wants("a"), gives("a", UNFINISHED)]),
        ([model("model:0/0/0", wants("a")), handoff("a", "to b")], [wants("a"), gives("a", "to b")]),
        ([model("model:0/0/0", wants("a")), handoff("a", "to b", "0/x/0")], [wants("a"), gives("a", UNFINISHED)]),
        ([model("model:0/summary/0/0", {"type": "message", "content": [{"text": "s"}]})], []),
        ([model("model:0/0/0", wants("a")), tool("a", "A"), model("model:1/0/0", wants("b"))],
         [wants("a"), gives("a", "A"), wants("b"), gives("b", UNFINISHED)]),
    ],
)  # fmt: skip
def test_the_messages_of_a_stopped_run_have_no_open_call(entries: list[Entry], items: list[Any]) -> None:
    assert items_of("go", entries) == [GO, *items]


def test_an_input_of_items_is_kept_as_it_is() -> None:
    assert items_of([GO, {"role": "assistant", "content": "x"}], []) == [GO, {"role": "assistant", "content": "x"}]
    assert items_of({"a": 1}, []) == [{"role": "user", "content": '{"a": 1}'}]


@pytest.mark.parametrize("stopped", [False, True])
def test_of_a_tools_result_the_model_is_told_the_same_after_a_stop(
    tmp_path: Path, world: World, streamed: bool, stopped: bool
) -> None:
    results: dict[str, Any] = {
        "text": "øl",
        "mapping": {"a": [1, 2.5, None], "b": "ø"},
        "number": 7,
        "nothing": None,
        "picture": ToolOutputImage(image_url="data:image/png;base64,AAAA", detail="low"),
        "parts": [ToolOutputText(text="look:"), ToolOutputImage(image_url="data:image/png;base64,BBBB")],
        "as MCP gives it": [{"type": "text", "text": "tea costs 7"}],
    }
    seen: dict[str, Any] = {}

    def build() -> Agent[Any]:
        @function_tool
        async def give(what: str) -> Any:
            return results[what]

        class Reading(Script):
            def turn(self, input: Any) -> list[Any]:
                seen.update({i["call_id"]: i["output"] for i in input if i.get("type") == "function_call_output"})
                return super().turn(input)

        calls = [call("give", {"what": what}, id=what) for what in results]
        return Agent(name="main", model=Reading(calls, [call("sleep_until", {"when": "1h"}, id="s")], [say("done")]),
                     tools=[give, sleep_until])  # fmt: skip

    async def test(it: Harness) -> None:
        it.agent(build)
        run = await it.run(deltas=streamed)
        assert run.status == "sleeping"
        if stopped:
            await it.service.cancel(TENANT, run.id)
            await it.work()
        else:
            await it.later(4000)
        assert (await it.get(run)).status == ("cancelled" if stopped else "succeeded")
        found = outputs(await it.history(run))
        assert {what: found[what] for what in results} == {what: seen[what] for what in results}

    on(tmp_path, test)
