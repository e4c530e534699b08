"""What a client changed in a thread is what the next run's model sees."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from agents import Agent

from agentcore.checkpoints import checkpoint_id
from agentcore.errors import LimitExceeded, NotFound
from agentcore.history import SHOWN
from agentcore.testing import say
from tests.engine.test_history import Seeing
from tests.engine.world import World
from tests.harness import TENANT, Harness, on


def said(text: str, role: str = "user", **beside: Any) -> dict[str, Any]:
    return {"role": role, "content": text, **({SHOWN: beside} if beside else {})}


def told(model: Seeing) -> list[str]:
    """The texts of the model's last request."""
    return [one["content"] if isinstance(one["content"], str) else "ok" for one in model.seen[-1]]


@pytest.mark.parametrize("summarize", [True, False])
def test_the_model_sees_messages_that_a_client_added(
    tmp_path: Path, world: World, streamed: bool, summarize: bool
) -> None:
    async def test(it: Harness) -> None:
        model = Seeing(world, [say("ok")])
        it.agent(Agent(name="main", model=model))
        run = await it.run("one", deltas=streamed)
        added = [said("two", id="m2", metadata={"a": 1}), said("three", "assistant")]
        await it.service.patch_thread(TENANT, run.thread_id, values={"k": 1}, items=added)
        await it.run([said("four", id="m4")], thread_id=run.thread_id, deltas=streamed)
        assert told(model) == ["one", "ok", "two", "three", "four"]
        assert all(SHOWN not in item for item in model.seen[-1])
        history = await it.history(run)
        assert [item.get(SHOWN) for item in history] == [
            None, None, {"id": "m2", "metadata": {"a": 1}}, None, {"id": "m4"}, None,
        ]  # fmt: skip

    on(tmp_path, test, summarize=summarize)


@pytest.mark.parametrize("summarize", [True, False])
def test_the_model_sees_the_branch_and_nothing_of_what_was_left(
    tmp_path: Path, world: World, streamed: bool, summarize: bool
) -> None:
    async def test(it: Harness) -> None:
        model = Seeing(world, [say("ok")])
        it.agent(Agent(name="main", model=model))
        run = await it.run("one", deltas=streamed)
        await it.run("two", thread_id=run.thread_id, deltas=streamed)
        first = checkpoint_id(run.thread_id, run.position)
        await it.service.patch_thread(TENANT, run.thread_id, items=[said("again")], checkpoint_id=first)
        await it.run("three", thread_id=run.thread_id, deltas=streamed)
        assert told(model) == ["one", "ok", "again", "three"]
        copy = await it.service.copy_thread(TENANT, run.thread_id, checkpoint_id=first)
        await it.run("elsewhere", thread_id=copy.id, deltas=streamed)
        assert told(model) == ["one", "ok", "elsewhere"]
        assert len((await it.store.thread(TENANT, run.thread_id)).metadata) == 0

    on(tmp_path, test, summarize=summarize)


def test_a_run_may_go_on_from_what_is_there(tmp_path: Path, world: World, streamed: bool) -> None:
    async def test(it: Harness) -> None:
        model = Seeing(world, [say("ok")])
        it.agent(Agent(name="main", model=model))
        thread, _ = await it.service.create_thread(TENANT)
        await it.service.patch_thread(TENANT, thread.id, items=[said("one")])
        run = await it.run([], thread_id=thread.id, deltas=streamed)
        assert (run.status, told(model)) == ("succeeded", ["one"])
        assert len(await it.history(run)) == 2

    on(tmp_path, test)


def test_the_timer_deletes_what_runs_have_deleted_once_retention_has_passed(tmp_path: Path, world: World) -> None:
    async def test(it: Harness) -> None:
        it.agent(Agent(name="main", model=Seeing(world, [say("ok")])))
        run = await it.run("one", request={"on_completion": "delete"})
        assert run.output == "ok"
        await it.later(50)
        assert (await it.get(run)).output == "ok"
        await it.later(51)
        with pytest.raises(NotFound):
            await it.get(run)

    on(tmp_path, test, retention=100.0)


def test_a_tenant_has_so_many_threads(tmp_path: Path, world: World) -> None:
    async def test(it: Harness) -> None:
        it.agent(Agent(name="main", model=Seeing(world, [say("ok")])))
        run = await it.run("one")
        thread, _ = await it.service.create_thread(TENANT)
        for refused in (it.accept("x"), it.service.create_thread(TENANT), it.service.copy_thread(TENANT, thread.id)):
            with pytest.raises(LimitExceeded, match="AGENTCORE_THREADS_PER_TENANT"):
                await refused
        assert (await it.run("two", thread_id=run.thread_id)).status == "succeeded"
        await it.service.create_thread("other")
        await it.store.delete_thread(TENANT, thread.id)
        assert (await it.run("three")).status == "succeeded"

    on(tmp_path, test, threads_per_tenant=2)
