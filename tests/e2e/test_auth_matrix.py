"""Each operation of the API against each caller who must not get through. Both come from the application itself:

an operation that is added is in here at once, and this file names nothing but the things that operations are about.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, chdir
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from agentcore.auth import SCOPES, Scope
from agentcore.checkpoints import checkpoint_id, position_of
from agentcore.ids import delivery_id
from agentcore.keys import mint
from agentcore.ports import StateStore
from agentcore.records import Schedule
from agentcore.service import Service
from tests.e2e.http import REFUND, Http, api, ok, refused
from tests.e2e.operations import Answer, Operation, app_of, ask, operations

_TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")
EVERYTHING = frozenset(SCOPES) - {"admin"}
FREE = {"agent_id"}  # in paths, and of no tenant
# Who brings an id learns whether it is free: a UUID has one owner. Those that we make cannot be guessed.
TOLD = {"POST /threads": {"thread_id"}}
OPTIONS: dict[str, Any] = {"rate_per_second": 0.0, "webhook_allow_http": True, "webhook_allow_private": True}
HOOK = "http://127.0.0.1:9/"  # nobody listens there
OPERATIONS = 45  # at least so many ask who calls: raise it with each new one
COMPARED = 41  # at least so many ids of another tenant were tried: raise it too


@dataclass
class World:
    """Two tenants: one has things, the other has only a key."""

    http: Http
    store: StateStore
    guarded: list[Operation]
    things: dict[str, str] = field(default_factory=dict)  # of the tenant `acme`, by what parameters call them
    secrets: list[str] = field(default_factory=list)

    async def key(self, *scopes: Scope, tenant: str = "acme", life: timedelta | None = None) -> str:
        key, token = mint(self.store.new_id(), tenant=tenant, name="test", scopes=scopes)
        end = None if life is None else await self.store.now() + life
        await self.store.add_key(replace(key, expires_at=end))
        self.secrets.append(token.rpartition("_")[2])
        return token

    async def ask(self, operation: Operation, *credentials: str, ids: Mapping[str, str] | None = None) -> Answer:
        return await ask(self.http, operation, self.things if ids is None else ids, *credentials)


@asynccontextmanager
async def world(path: Path) -> AsyncIterator[World]:
    async with api(path, auth="keys", **OPTIONS) as http:
        app = app_of(http)
        service: Service = app.state.service
        guarded = [operation for operation in operations(app) if operation.scope is not None]
        made = World(http, service.store, guarded)
        made.things = await things(http, service, await made.key("admin"), "acme")
        yield made


async def things(http: Http, service: Service, key: str, tenant: str) -> dict[str, str]:
    """One of each kind that an operation's path, query or body can name."""
    head = {"Authorization": f"Bearer {key}"}
    thread_id = ok(await http.post("/threads", json={}, headers=head))["thread_id"]
    body = {"agent_id": "support", "thread_id": thread_id}
    run = ok(await http.post("/runs/wait", json={**body, "input": "hello", "webhook": HOOK}, headers=head))["run"]
    (state, *_) = ok(await http.get(f"/threads/{thread_id}/history", headers=head))
    waiting = ok(await http.post("/runs/wait", json={**body, "input": REFUND}, headers=head))
    due = await service.store.now() + timedelta(hours=1)
    schedule = Schedule(id=str(uuid4()), tenant=tenant, agent="support", input="hello", due_at=due)
    checkpoint = state["checkpoint"]["checkpoint_id"]
    return {
        "run_id": run["run_id"], "delivery_id": delivery_id(run["run_id"]), "thread_id": thread_id,
        "checkpoint_id": checkpoint, "before": checkpoint, "approval_id": waiting["questions"][0]["approval_id"],
        "schedule_id": (await service.put_schedule(schedule)).id,
    }  # fmt: skip


def on(path: Path, test: Callable[[World], Awaitable[None]]) -> None:
    async def go() -> None:
        async with asyncio.timeout(90), world(path) as it:
            await test(it)

    with chdir(path):
        asyncio.run(go())


def plain(answer: Answer, ids: Mapping[str, str]) -> Answer:
    """Without the ids that were sent, and the times at which things happened."""
    text = _TIME.sub("then", answer.text)
    for name, value in ids.items():
        text = text.replace(value, name)
    return replace(answer, text=text)


# -- who is not known


async def _expired(it: World) -> list[str]:
    return ["Bearer " + await it.key(*EVERYTHING, life=timedelta(hours=-1))]


async def _revoked(it: World) -> list[str]:
    token = await it.key(*EVERYTHING)
    key_id = (await it.store.keys("acme", limit=1))[0].id
    await it.store.revoke_key("acme", key_id)
    return ["Bearer " + token]


async def _wrong_secret(it: World) -> list[str]:
    token, other = await it.key(*EVERYTHING), await it.key(*EVERYTHING)
    return ["Bearer " + token.rpartition("_")[0] + "_" + other.rpartition("_")[2]]


async def _unknown(it: World) -> list[str]:
    _, token = mint(str(uuid4()), tenant="acme", name="nobody", scopes=["admin"])
    return ["Bearer " + token]


async def _twice(it: World) -> list[str]:
    token = await it.key(*EVERYTHING)
    return ["Bearer " + token, "Bearer " + token]


async def _basic(it: World) -> list[str]:
    return ["Basic " + await it.key(*EVERYTHING)]


def _always(*credentials: str) -> Callable[[World], Awaitable[list[str]]]:
    async def given(it: World) -> list[str]:
        return list(credentials)

    return given


UNKNOWN: dict[str, Callable[[World], Awaitable[list[str]]]] = {
    "nothing": _always(),
    "an empty credential": _always("Bearer "),
    "no key at all": _always("Bearer letmein"),
    "half a key": _always("Bearer ac_0199"),
    "a token nobody asked for": _always("Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJtZSJ9."),
    "another scheme": _basic,
    "two credentials": _twice,
    "a key nobody made": _unknown,
    "another key's secret": _wrong_secret,
    "an expired key": _expired,
    "a revoked key": _revoked,
}


def test_whoever_is_not_known_is_told_the_same_by_every_operation(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def test(it: World) -> None:
        answers = {
            (str(operation), case): await it.ask(operation, *await credentials(it))
            for case, credentials in UNKNOWN.items()
            for operation in it.guarded
        }
        assert len(answers) >= OPERATIONS * len(UNKNOWN)
        assert {(where, answer.status) for where, answer in answers.items() if answer.status != 401} == set()
        assert len({answer.text for answer in answers.values()}) == 1
        told = {case: answer.challenge for (_, case), answer in answers.items()}
        assert told.pop("nothing") == "Bearer"
        assert set(told.values()) == {'Bearer error="invalid_token"'}
        shown = [secret for secret in it.secrets if secret in caplog.text]
        assert (len(it.secrets) > 5, shown) == (True, [])

    caplog.set_level(logging.DEBUG)
    on(tmp_path, test)
    assert "is unknown, revoked or expired" in caplog.text
    assert "is not its secret" in caplog.text


# -- who may not


def test_whoever_has_every_scope_but_the_one_is_refused(tmp_path: Path) -> None:
    async def test(it: World) -> None:
        keys = {scope: await it.key(*EVERYTHING - {scope}) for scope in EVERYTHING}
        refused = 0
        for operation in it.guarded:
            assert operation.scope is not None
            answer = await it.ask(operation, f"Bearer {keys[operation.scope]}")
            missing = await it.ask(operation, f"Bearer {keys[operation.scope]}", ids=nowhere(it.things))
            assert (answer.status, missing) == (403, answer), operation
            assert json.loads(answer.text)["scope"] == operation.scope
            assert answer.challenge == f'Bearer error="insufficient_scope", scope="{operation.scope}"'
            refused += 1
        assert refused >= OPERATIONS

    on(tmp_path, test)


def test_the_one_scope_is_enough(tmp_path: Path) -> None:
    async def test(it: World) -> None:
        for operation in it.guarded:
            assert operation.scope is not None
            answer = await it.ask(operation, "Bearer " + await it.key(operation.scope), ids=nowhere(it.things))
            assert answer.status not in (401, 403), (operation, answer)
            assert answer.status < 500, (operation, answer)

    on(tmp_path, test)


# -- whose it is not


def test_another_tenants_things_look_as_if_they_did_not_exist(tmp_path: Path) -> None:
    """A caller who has one of everything puts another tenant's in the place of each, one at a time and all at once."""

    async def test(it: World) -> None:
        key = await it.key(*EVERYTHING, "admin", tenant="eve")
        mine = await things(it.http, app_of(it.http).state.service, key, "eve")
        before, compared = await owned(it), 0
        for operation in it.guarded:
            assert operation.names <= {*mine, *FREE}, f"{operation}: make one in `things`"
            sent = named(operation, mine)
            for names in [*({name} for name in sorted(sent)), *([sent] if len(sent) > 1 else [])]:
                if names & TOLD.get(str(operation), set()):
                    continue
                found, missing = await both(it, operation, f"Bearer {key}", mine, names)
                assert found == missing, (str(operation), names)
                assert found.status == 404 or not names & operation.names, (str(operation), names)
                assert "acme" not in found.text
                compared += 1
        assert compared >= COMPARED
        assert await owned(it) == before

    on(tmp_path, test)


async def both(
    it: World, operation: Operation, key: str, mine: Mapping[str, str], names: set[str]
) -> tuple[Answer, Answer]:
    """The answers about acme's things of these names, and about things that do not exist."""
    answers = []
    for others in (it.things, nowhere(it.things)):
        ids = {**mine, **{name: others[name] for name in names}}
        answers.append(plain(await it.ask(operation, key, ids=ids), ids))
    return answers[0], answers[1]


def nowhere(things: Mapping[str, str]) -> dict[str, str]:
    """The same of nobody: ids that follow from others do so here too."""
    made = {name: str(uuid4()) for name in things}
    checkpoint = checkpoint_id(made["thread_id"], position_of(things["thread_id"], things["checkpoint_id"]))
    return {**made, "delivery_id": delivery_id(made["run_id"]), "checkpoint_id": checkpoint, "before": checkpoint}


def named(operation: Operation, ids: Mapping[str, str]) -> set[str]:
    """Those that its request carries, in path, query or body."""
    found = set()
    for name in ids:
        marked = {**ids, name: str(UUID(int=1))}
        sent = operation.url(marked) + json.dumps(operation.body(marked))
        found |= {name} if marked[name] in sent else set()
    return found


async def owned(it: World) -> list[Any]:
    """All of acme's things, as they are."""
    return [
        await it.store.thread("acme", it.things["thread_id"]),
        await it.store.items("acme", it.things["thread_id"]),
        await it.store.run("acme", it.things["run_id"]),
        await it.store.question("acme", it.things["approval_id"]),
        await it.store.schedule("acme", it.things["schedule_id"]),
    ]


def test_the_same_place_in_the_store_is_another_one_for_each_tenant(tmp_path: Path) -> None:
    async def test(it: World) -> None:
        ours = {"Authorization": f"Bearer {await it.key('admin')}"}
        theirs = {"Authorization": f"Bearer {await it.key('admin', tenant='eve')}"}
        place: dict[str, Any] = {"namespace": ["notes"], "key": "k"}
        ok(await it.http.put("/store/items", json={**place, "value": {"secret": 7}}, headers=ours), 204)
        refused(await it.http.get("/store/items", params=place, headers=theirs), 404, "not_found")
        refused(await it.http.request("DELETE", "/store/items", json=place, headers=theirs), 404, "not_found")
        found = ok(await it.http.post("/store/items/search", json={}, headers=theirs))
        assert (found["items"], ok(await it.http.post("/store/namespaces", json={}, headers=theirs))) == ([], [])
        assert ok(await it.http.get("/store/items", params=place, headers=ours))["value"] == {"secret": 7}

    on(tmp_path, test)


# -- the routes themselves


def test_every_route_declares_its_scope_and_few_are_public(tmp_path: Path) -> None:
    async def test(it: World) -> None:
        found = list(operations(app_of(it.http)))
        assert {str(o) for o in found if o.scope is None} == {
            "GET /healthz", "GET /readyz", "GET /openapi.json", "HEAD /openapi.json"
        }  # fmt: skip
        assert len(it.guarded) >= OPERATIONS
        for operation in found:
            if operation.told:
                signed: list[dict[str, list[str]]] = [{"signature": []}] if str(operation) == "POST /tick" else []
                wanted = [{"bearer": [operation.scope]}, *signed] if operation.scope else []
                assert operation.told["security"] == wanted

    on(tmp_path, test)
