"""Runs that sleep hold no worker; the clock, an event or a message wakes them, once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from agents import Agent, function_tool

from agentcore import current
from agentcore.errors import LimitExceeded, NotFound
from agentcore.ids import new_id
from agentcore.records import Event, Run, Schedule
from agentcore.registry import EventRule
from agentcore.schedules import new_schedule
from agentcore.testing import advance, call, say
from agentcore.tools import cancel_schedule, list_schedules, schedule, sleep_until, wait_for_event
from tests.engine.world import World, dies, kinds, outputs
from tests.harness import TENANT, Harness, harness, on

TOOLS = [sleep_until, wait_for_event, schedule, list_schedules, cancel_schedule]
HOUR = 3600.0


def using(world: World, *turns: Any, tools: Any = (), **options: Any) -> Callable[[], Agent[Any]]:
    return lambda: world.agent(*turns, [say("done")], tools=[*TOOLS, *tools], **options)


def event(name: str = "order.delivered", id: str = "1", **more: Any) -> Event:
    return Event(**{"tenant": TENANT, "name": name, "source": "shop", "id": id, "data": {"order": 7}, **more})


async def runs(it: Harness, **wanted: Any) -> list[Run]:
    return [r for r in await it.store.runs(TENANT, limit=200) if all(getattr(r, k) == v for k, v in wanted.items())]


# -- sleeping


def test_the_clock_wakes_it(tmp_path: Path, world: World, streamed: bool) -> None:
    async def test(it: Harness) -> None:
        it.agent(using(world, [call("sleep_until", {"when": "2h"}, id="s")]))
        run = await it.run(deltas=streamed)
        assert run.status == "sleeping"
        await it.later(1.9 * HOUR)
        assert (await it.get(run)).status == "sleeping"
        await it.later(0.2 * HOUR)
        left = await it.get(run)
        assert (left.status, left.output, left.error) == ("succeeded", "done", None)
        assert outputs(await it.history(run)) == {"s": "You slept until then: it is time to go on."}
        assert world.side.count() == {"model:0": 1, "model:1": 1}
        assert await it.keys(run, "slept", "woke", "tool") == ["slept:0:tool:0/s", "woke:tool:0/s", "tool:0/s"]

    on(tmp_path, test)


def test_a_time_that_has_passed_is_no_sleep(tmp_path: Path, world: World) -> None:
    async def test(it: Harness) -> None:
        it.agent(using(world, [call("sleep_until", {"when": "2020-01-01T00:00:00Z"}, id="s")]))
        run = await it.run()
        await it.later(1)
        assert (await it.get(run)).status == "succeeded"

    on(tmp_path, test)


def test_sleeping_again_and_again(tmp_path: Path, world: World, streamed: bool) -> None:
    async def test(it: Harness) -> None:
        naps = [[call("sleep_until", {"when": "1d"}, id=f"s{n}")] for n in range(4)]
        it.agent(using(world, *naps))
        run = await it.run(deltas=streamed)
        for n in range(4):
            assert (await it.get(run)).status == "sleeping"
            assert world.side.count() == {f"model:{m}": 1 for m in range(n + 1)}
            await it.later(25 * HOUR)
        assert (await it.get(run)).status == "succeeded"

    on(tmp_path, test)


def test_a_message_wakes_it_and_is_answered_next(tmp_path: Path, world: World, streamed: bool) -> None:
    async def test(it: Harness) -> None:
        it.agent(using(world, [call("sleep_until", {"when": "2h"}, id="s")]))
        first = await it.run(deltas=streamed)
        second = await it.run("hello?", thread_id=first.thread_id, deltas=streamed)
        woken = await it.get(first)
        assert (woken.status, woken.output) == ("succeeded", "done")
        [woke] = kinds(await it.journal(first), "woke")
        assert woke == {"by": "message"}
        assert "a new message" in outputs((await it.history(first))[:4])["s"]
        assert second.status == "sleeping"

    on(tmp_path, test)


def test_while_messages_wait_it_may_not_sleep_again(tmp_path: Path, world: World, streamed: bool) -> None:
    async def test(it: Harness) -> None:
        naps = [[call("sleep_until", {"when": "2h"}, id=f"s{n}")] for n in range(3)]
        it.agent(using(world, *naps))
        it.agent(lambda: world.agent([say("hi")], name="quick"), "quick")
        first = await it.run(deltas=streamed)
        second = await it.run("hello?", "quick", thread_id=first.thread_id)
        left = await it.get(first)
        assert (left.status, left.output, second.status) == ("succeeded", "done", "succeeded")
        assert [woke["by"] for woke in kinds(await it.journal(first), "woke")] == ["message"] * 3

    on(tmp_path, test)


def test_a_schedule_that_rings_meanwhile_does_not_wake_it(tmp_path: Path, world: World) -> None:
    async def test(it: Harness) -> None:
        it.agent(using(world, [call("sleep_until", {"when": "2h"}, id="s")]))
        it.agent(lambda: world.agent([say("rang")], name="quick"), "quick")
        first = await it.run()
        await it.service.put_schedule(
            await clock(it, agent="quick", due=timedelta(minutes=5), thread_id=first.thread_id)
        )
        await it.later(600)
        [rung] = await runs(it, trigger="schedule")
        assert ((await it.get(first)).status, rung.status) == ("sleeping", "queued")
        await it.later(2 * HOUR)
        assert ((await it.get(first)).status, (await it.get(rung)).status) == ("succeeded", "succeeded")

    on(tmp_path, test)


def test_a_call_beside_one_that_sleeps_is_finished_and_not_repeated(
    tmp_path: Path, world: World, streamed: bool
) -> None:
    async def test(it: Harness) -> None:
        turn = [call("sleep_until", {"when": "2h"}, id="s"), call("look", id="l")]
        it.agent(using(world, turn, tools=[world.tool("look")]))
        run = await it.run(deltas=streamed)
        assert (run.status, world.count("look")) == ("sleeping", 1)
        await it.later(3 * HOUR)
        left = await it.get(run)
        assert (left.status, world.count("look")) == ("succeeded", 1)
        assert outputs(await it.history(run))["l"] == "look done"

    on(tmp_path, test)


def test_of_two_sleeps_the_first_to_end_counts_and_then_the_other(tmp_path: Path, world: World, streamed: bool) -> None:
    async def test(it: Harness) -> None:
        turn = [call("sleep_until", {"when": "5h"}, id="long"), call("sleep_until", {"when": "1h"}, id="short")]
        it.agent(using(world, turn))
        run = await it.run(deltas=streamed)
        await it.later(1.1 * HOUR)
        assert (await it.get(run)).status == "sleeping"
        await it.later(5 * HOUR)
        left = await it.get(run)
        assert (left.status, left.error) == ("succeeded", None)
        assert outputs(await it.history(run)).keys() == {"long", "short"}
        assert world.side.count() == {"model:0": 1, "model:1": 1}

    on(tmp_path, test)


def test_inside_an_agent_used_as_a_tool_beside_another_call(tmp_path: Path, world: World, streamed: bool) -> None:
    def build() -> Agent[Any]:
        inner = world.agent([call("sleep_until", {"when": "1h"}, id="s")], [say("slept")], name="inner", tools=TOOLS)
        calls = call("inner", {"input": "q"}, id="i"), call("look", id="l")
        return world.agent(list(calls), [say("done")], tools=[inner.as_tool("inner", "d"), world.tool("look")])

    async def test(it: Harness) -> None:
        it.agent(build)
        run = await it.run(deltas=streamed)
        assert run.status == "sleeping"
        await it.later(2 * HOUR)
        left = await it.get(run)
        assert (left.status, left.error, world.count("look")) == ("succeeded", None, 1)
        assert outputs(await it.history(run))["i"] == "slept"

    on(tmp_path, test)


# -- events


def waiting(world: World, **arguments: Any) -> Callable[[], Agent[Any]]:
    return using(world, [call("wait_for_event", {"name": "order.delivered", **arguments}, id="w")])


def test_an_event_wakes_it_with_its_data(tmp_path: Path, world: World, streamed: bool) -> None:
    async def test(it: Harness) -> None:
        it.agent(waiting(world))
        run = await it.run(deltas=streamed)
        assert run.status == "sleeping"
        assert (await it.service.signal(event("order.sent", "0")))["woken"] == []
        assert (await it.service.signal(event()))["woken"] == [run.id]
        await it.work()
        assert (await it.get(run)).status == "succeeded"
        assert outputs(await it.history(run)) == {"w": 'Event order.delivered came: {"order": 7}'}
        assert world.side.count() == {"model:0": 1, "model:1": 1}

    on(tmp_path, test)


def test_an_event_that_comes_while_a_call_beside_it_is_under_way_is_not_missed(
    tmp_path: Path, world: World, streamed: bool
) -> None:
    async def test(it: Harness) -> None:
        @function_tool
        async def order() -> str:
            await it.service.signal(event())  # the shop is quicker than our pause
            world.side.add("order")
            return "ordered"

        turn = [call("wait_for_event", {"name": "order.delivered"}, id="w"), call("order", id="o")]
        it.agent(using(world, turn, tools=[order]))
        await it.service.signal(event(id="0", data={"order": 6}))  # before the call: it is for others
        await asyncio.sleep(0.01)
        run = await it.run(deltas=streamed)
        assert (run.status, world.count("order")) == ("succeeded", 1)
        assert outputs(await it.history(run))["w"] == 'Event order.delivered came: {"order": 7}'

    on(tmp_path, test)


@pytest.mark.parametrize("order", ["AB", "BA"])
def test_of_two_calls_that_wait_in_parallel_each_hears_its_event(
    tmp_path: Path, world: World, streamed: bool, order: str
) -> None:
    async def test(it: Harness) -> None:
        turn = [call("wait_for_event", {"name": "order.delivered", "correlation": c}, id=c) for c in ("A", "B")]
        it.agent(using(world, turn))
        run = await it.run(deltas=streamed)
        for one in order:
            await it.service.signal(event(id=one, correlation=one, data={"order": one}))
        await it.work()
        left = await it.get(run)
        assert (left.status, left.error) == ("succeeded", None)
        came = {c: f'Event order.delivered came: {{"order": "{c}"}}' for c in ("A", "B")}
        assert outputs(await it.history(run)) == came

    on(tmp_path, test)


def test_an_event_that_does_not_come_times_out(tmp_path: Path, world: World, streamed: bool) -> None:
    async def test(it: Harness) -> None:
        it.agent(waiting(world, timeout="2h"))
        run = await it.run(deltas=streamed)
        await it.later(3 * HOUR)
        assert (await it.get(run)).status == "succeeded"
        assert outputs(await it.history(run)) == {"w": "Event order.delivered has not come within 2h."}
        assert (await it.service.signal(event()))["woken"] == []

    on(tmp_path, test)


def test_only_the_run_the_event_is_for_is_woken(tmp_path: Path, world: World) -> None:
    async def test(it: Harness) -> None:
        ids = {}
        for order in ("A", "B"):
            it.agent(waiting(world, correlation=order))
            ids[order] = (await it.run()).id
        assert (await it.service.signal(event(id="x", correlation="C")))["woken"] == []
        assert (await it.service.signal(event(id="y", correlation="B")))["woken"] == [ids["B"]]
        assert (await it.service.signal(event(id="z", correlation="A", tenant="other")))["woken"] == []

    on(tmp_path, test)


def test_an_event_counts_once_for_its_source_and_id(tmp_path: Path, world: World) -> None:
    async def test(it: Harness) -> None:
        it.agent(waiting(world))
        await it.service.signal(event())
        run = await it.run()
        again = await it.service.signal(event())
        assert (again["duplicate"], again["woken"]) == (True, [])
        assert (await it.get(run)).status == "sleeping"
        other = await it.service.signal(event(source="depot"))
        assert (other["duplicate"], other["woken"]) == (False, [run.id])

    on(tmp_path, test)


def test_a_rule_starts_one_run_for_an_event_however_often_it_comes(tmp_path: Path, world: World) -> None:
    async def test(it: Harness) -> None:
        rule = EventRule(
            name="order.created", thread=lambda e: f"order {e.data['order']}", input=lambda e: f"new {e.data['order']}"
        )
        it.agent(lambda: world.agent([say("noted")]), events=(rule,))
        answers = await asyncio.gather(*(it.service.signal(event("order.created")) for _ in range(5)))
        assert len({tuple(a["started"]) for a in answers}) == 1
        assert sorted(a["duplicate"] for a in answers) == [False, True, True, True, True]
        await it.service.signal(event("order.created", "2"))
        await it.work()
        first, second = await runs(it, trigger="event")
        assert first.thread_id == second.thread_id
        assert {first.input, first.status, second.status} == {"new 7", "succeeded"}
        assert world.count("model:0") == 2

    on(tmp_path, test)


def test_a_rule_without_a_thread_starts_each_event_on_one_of_its_own(tmp_path: Path, world: World) -> None:
    async def test(it: Harness) -> None:
        it.agent(lambda: world.agent([say("noted")]), events=(EventRule(name="order.created"),))
        for id in ("1", "2"):
            await it.service.signal(event("order.created", id))
        found = await runs(it, trigger="event")
        assert len({run.thread_id for run in found}) == 2
        assert found[0].input == 'Event order.created: {"order": 7}'

    on(tmp_path, test)


# -- schedules


async def clock(it: Harness, **wanted: Any) -> Schedule:
    given = {"tenant": TENANT, "agent": "main", "input": "ring", **wanted}
    return new_schedule(it.service.settings, await it.store.now(), **given)


def ringing(world: World) -> Callable[[], Agent[Any]]:
    return lambda: world.agent([say("rang")])


def test_an_agent_schedules_itself_on_its_thread(tmp_path: Path, world: World, streamed: bool) -> None:
    async def test(it: Harness) -> None:
        wanted = {"name": "check", "input": "look again", "when": "2h"}
        it.agent(using(world, [call("schedule", wanted, id="s"), call("list_schedules", id="l")]))
        run = await it.run(deltas=streamed)
        [made] = await it.store.schedules(TENANT, thread_id=run.thread_id)
        assert (made.name, made.input, made.agent) == ("check", "look again", "main")
        assert outputs(await it.history(run))["s"].startswith(f"Scheduled. {made.id} 'check'")
        it.agent(ringing(world))
        await it.later(2.1 * HOUR)
        [rung] = await runs(it, trigger="schedule")
        assert (rung.thread_id, rung.input, rung.status) == (run.thread_id, "look again", "succeeded")
        await it.later(48 * HOUR)
        assert len(await runs(it, trigger="schedule")) == 1

    on(tmp_path, test)


def test_a_schedule_call_that_is_repeated_makes_one_schedule(tmp_path: Path, world: World, streamed: bool) -> None:
    def build() -> Agent[Any]:
        @function_tool
        async def remind() -> str:
            await current().put_schedule(name="n", input="i", due=timedelta(hours=9))
            world.side.add("remind")
            await asyncio.sleep(3600 if world.count("remind") == 1 else 0)
            return "ok"

        return world.agent([call("remind", id="r1"), call("remind", id="r2")], [say("done")], tools=[remind])

    async def test(it: Harness) -> None:
        it.agent(build)
        run = await it.accept(deltas=streamed)
        await dies(it, run, lambda: world.count("remind") == 2)
        await it.later(31)
        assert ((await it.get(run)).status, world.count("remind")) == ("succeeded", 3)
        assert len(await it.store.schedules(TENANT, thread_id=run.thread_id)) == 2

    on(tmp_path, test)


def test_a_schedule_call_that_is_repeated_after_its_ring_does_not_ring_again(
    tmp_path: Path, world: World, streamed: bool
) -> None:
    def build() -> Agent[Any]:
        @function_tool
        async def remind() -> str:
            await current().put_schedule(name="n", input="i", due=timedelta(seconds=20), agent="rung")
            world.side.add("remind")
            await asyncio.sleep(3600 if world.count("remind") == 1 else 0)
            return "ok"

        return world.agent([call("remind", id="r")], [say("done")], tools=[remind])

    async def test(it: Harness) -> None:
        it.agent(build)
        it.agent(lambda: world.agent([say("rung")]), "rung")
        run = await it.accept(deltas=streamed)
        await dies(it, run, lambda: world.count("remind") == 1)
        await it.later(31)  # it rings, and its run waits behind this one, which calls again
        await it.later(60)
        assert ((await it.get(run)).status, world.count("remind")) == ("succeeded", 2)
        assert len(await runs(it, trigger="schedule")) == 1

    on(tmp_path, test)


def test_an_agent_cancels_its_schedules_and_nobody_elses(tmp_path: Path, world: World, streamed: bool) -> None:
    async def test(it: Harness) -> None:
        it.agent(ringing(world))
        run = await it.run()
        mine = await it.service.put_schedule(await clock(it, due="2h", thread_id=run.thread_id))
        other = await it.service.put_schedule(await clock(it, due="2h"))
        calls = [call("cancel_schedule", {"schedule_id": s.id}, id=name) for s, name in ((mine, "m"), (other, "o"))]
        it.agent(using(world, calls))
        await it.run(thread_id=run.thread_id, deltas=streamed)
        found = outputs(await it.history(run))
        assert found["m"] == f"Schedule {mine.id} is cancelled."
        assert found["o"] == f"Error: This thread has no schedule '{other.id}'."
        assert [s.id for s in await it.store.schedules(TENANT)] == [other.id]
        with pytest.raises(NotFound):
            await it.store.delete_schedule("someone-else", other.id)

    on(tmp_path, test)


def test_an_agent_sees_and_cancels_its_schedules_however_many_have_rung(tmp_path: Path, world: World) -> None:
    async def test(it: Harness) -> None:
        it.agent(ringing(world))
        run = await it.run()
        for _ in range(3):
            await it.service.put_schedule(await clock(it, due="1m", thread_id=run.thread_id))
            await it.later(61)
        made = await it.service.put_schedule(await clock(it, due="2h", thread_id=run.thread_id))
        it.agent(
            using(world, [call("list_schedules", id="l"), call("cancel_schedule", {"schedule_id": made.id}, id="c")])
        )
        await it.run(thread_id=run.thread_id)
        listed = outputs(await it.history(run))["l"]
        assert listed.startswith(made.id)
        assert len(listed.splitlines()) == 1
        assert await it.store.ringing(TENANT, run.thread_id, limit=9) == []

    on(tmp_path, test, schedules_per_thread=2)


def test_limits_are_told_to_the_model_with_the_setting(tmp_path: Path, world: World) -> None:
    async def test(it: Harness) -> None:
        often = call("schedule", {"name": "often", "input": "i", "cron": "* * * * *"}, id="often")
        many = [[call("schedule", {"name": f"n{n}", "input": "i", "when": "1h"}, id=f"n{n}")] for n in range(3)]
        it.agent(using(world, [often], *many))
        run = await it.run()
        found = outputs(await it.history(run))
        assert "'* * * * *' rings every 60 s; the least is 300 s (AGENTCORE_SCHEDULE_GAP)" in found["often"]
        assert "AGENTCORE_SCHEDULES_PER_THREAD" in found["n2"]
        assert len(await it.store.schedules(TENANT, thread_id=run.thread_id)) == 2
        with pytest.raises(LimitExceeded):
            await it.service.put_schedule(await clock(it, due="1h", thread_id=run.thread_id))

    on(tmp_path, test, schedule_gap=300.0, schedules_per_thread=2, schedules_per_tenant=2)


def test_a_run_that_a_schedule_started_cannot_ring_itself_again_at_once(
    tmp_path: Path, world: World, streamed: bool
) -> None:
    async def test(it: Harness) -> None:
        def at(when: str, id: str) -> Any:
            return call("schedule", {"name": "n", "input": "i", "when": when}, id=id)

        it.agent(using(world, [at("0s", "first")]))
        first = await it.run(deltas=streamed)
        it.agent(using(world, [at("0s", "soon"), at("61m", "later")]))
        for _ in range(3):
            await it.later(1)
        [rung] = await runs(it, trigger="schedule")
        assert "AGENTCORE_SCHEDULE_GAP" in outputs(await it.history(rung))["soon"]
        [next_one] = await it.store.ringing(TENANT, first.thread_id, limit=9)
        assert rung.created_at is not None
        assert next_one.due_at >= rung.created_at + timedelta(hours=1)

    on(tmp_path, test, schedule_gap=3600.0)


def test_a_cron_rings_again_and_again(tmp_path: Path, world: World) -> None:
    async def test(it: Harness) -> None:
        it.agent(ringing(world))
        made = await it.service.put_schedule(await clock(it, cron="0 * * * *"))
        for n in range(1, 4):
            await it.later(HOUR + n)  # the clock stands still, and a ring at the same time would be the same ring
            assert len(await runs(it, trigger="schedule")) == n
        assert {run.status for run in await runs(it)} == {"succeeded"}
        await it.store.delete_schedule(TENANT, made.id)
        await it.later(2 * HOUR)
        assert len(await runs(it)) == 3

    on(tmp_path, test)


@pytest.mark.parametrize(("overlap", "rang"), [("skip", 1), ("queue", 3)])
def test_what_happens_while_the_last_run_is_still_going(tmp_path: Path, world: World, overlap: str, rang: int) -> None:
    async def test(it: Harness) -> None:
        it.agent(using(world, [call("wait_for_event", {"name": "go", "timeout": "9d"}, id="w")]))
        await it.service.put_schedule(await clock(it, cron="0 * * * *", overlap=overlap, thread_id=new_id()))
        for n in range(3):
            await it.later(HOUR + n)
        assert len(await runs(it)) == rang
        await it.service.signal(event("go"))
        await it.work()
        await it.later(HOUR + 10)
        assert len(await runs(it)) == rang + 1

    on(tmp_path, test)


@pytest.mark.parametrize("misfire", ["once", "all", "skip"])
def test_what_happens_when_its_times_were_missed(tmp_path: Path, world: World, misfire: str) -> None:
    async def test(it: Harness) -> None:
        it.agent(ringing(world))
        made = await it.service.put_schedule(await clock(it, cron="0 * * * *", misfire=misfire))
        now = await it.store.now()
        first = now - timedelta(hours=4, minutes=10)
        await it.later((made.due_at - first).total_seconds())
        full_hours = int(now.timestamp() // HOUR - first.timestamp() // HOUR)
        rang = {"once": 1, "all": 1 + full_hours, "skip": 0}[misfire]
        assert len(await runs(it)) == rang
        made = await it.store.schedule(TENANT, made.id)
        await it.later((made.due_at - await it.store.now()).total_seconds() + 5)
        assert len(await runs(it)) == rang + 1

    on(tmp_path, test)


def test_ten_ticks_at_once_make_one_run_of_each_due_schedule(tmp_path: Path, world: World) -> None:
    async def test() -> None:
        url = f"sqlite:///{tmp_path}/test.db"
        async with AsyncExitStack() as stack:
            hosts = [await stack.enter_async_context(harness(url)) for _ in range(10)]
            for host in hosts:
                host.agent(ringing(world))
            for n in range(20):
                await hosts[0].service.put_schedule(await clock(hosts[0], due="1h", name=str(n)))
            await advance(hosts[0].store, 2 * HOUR)
            done = await asyncio.gather(*(host.service.tick() for host in hosts))
            assert sum(d["rang"] for d in done) == 20
            assert len(await runs(hosts[0])) == 20
            await asyncio.gather(*(host.work() for host in hosts))
            assert {run.status for run in await runs(hosts[0])} == {"succeeded"}
            assert world.side.count() == {"model:0": 20}

    asyncio.run(test())


def test_a_tick_forgets_all_that_retention_lets_go(tmp_path: Path, world: World) -> None:
    async def test(it: Harness) -> None:
        it.agent(ringing(world))
        ended = [await it.run() for _ in range(5)]
        await advance(it.store, 61)
        assert (await it.service.tick(batch=2))["pruned"] == 10  # first their deltas, then the rest
        assert [await it.journal(run) for run in ended] == [[]] * 5
        assert (await it.service.tick(batch=2))["pruned"] == 0

    on(tmp_path, test, retention=60.0)


def test_ten_ticks_at_once_send_a_due_run_once(tmp_path: Path, world: World) -> None:
    async def test() -> None:
        url = f"sqlite:///{tmp_path}/test.db"
        async with AsyncExitStack() as stack:
            hosts = [await stack.enter_async_context(harness(url)) for _ in range(10)]
            for host in hosts:
                host.agent(using(world, [call("sleep_until", {"when": "2h"}, id="s")]))
            await asyncio.gather(*(host.run() for host in hosts))
            await advance(hosts[0].store, 3 * HOUR)
            done = await asyncio.gather(*(host.service.tick() for host in hosts))
            assert sum(d["swept"] for d in done) == 10
            await asyncio.gather(*(host.work() for host in hosts))
            assert world.side.count() == {"model:0": 10, "model:1": 10}

    asyncio.run(test())
