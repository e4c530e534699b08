"""Those who talk to the agents: patient, impatient, and some who say everything twice."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx

from tests.soak.api import Api
from tests.soak.options import Options
from tests.soak.readers import Readers
from tests.soak.roles import LONG, SILENT

STRATEGIES = (None, None, "enqueue", "enqueue", "interrupt", "rollback", "reject")
REFUSED = {"input_required", "thread_busy", "effects_happened"}  # lawful answers to a message that comes too soon


@dataclass
class Users:
    """All conversations of a soak. `accepted` has the run that each key was answered with."""

    api: Api
    options: Options
    webhook: str
    readers: Readers
    accepted: dict[str, str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    refused: int = 0
    agents: list[str] = field(default_factory=list)

    async def all(self) -> None:
        """Every conversation, begun one after the other over the time there is."""
        found = (await self.api.ask("POST", "/agents/search", json={"limit": 100})).json()
        self.agents = sorted(agent["agent_id"] for agent in found if agent["agent_id"] not in SILENT)
        sizes, rng = list[int](), self.options.rng("users")
        while sum(sizes) < self.options.runs:
            sizes.append(min(rng.choice((1, 1, 1, 1, 2, 3, 4)), self.options.runs - sum(sizes)))
        pause = self.options.seconds * 0.9 / len(sizes)
        async with asyncio.TaskGroup() as group:
            for number, size in enumerate(sizes):
                group.create_task(_Conversation(self, number).hold(size))
                await asyncio.sleep(pause)


class _Conversation:
    """One thread, and what one user says on it."""

    def __init__(self, users: Users, number: int) -> None:
        self._users, self._api, self._number = users, users.api, number
        self._rng: random.Random = users.options.rng("conversation", number)
        self._thread = str(UUID(int=self._rng.getrandbits(128), version=4))

    async def hold(self, size: int) -> None:
        async with asyncio.TaskGroup() as group:
            for index in range(size):
                agents, stops = self._users.agents, size == 1 and self._rng.random() < 0.15
                if stops:
                    agents = [name for name in agents if name in LONG] or agents
                agent = self._rng.choice(agents)
                run_id = await self._say(f"{self._number}.{index}", agent, self._rng.choice(STRATEGIES))
                if self._rng.random() < 0.3:
                    group.create_task(self._users.readers.follow(run_id))
                if index == 0 and self._rng.random() < 0.1:
                    self._users.readers.watch(self._thread)
                if agent == "waits":
                    group.create_task(self._send_parcel(run_id))
                if stops:
                    await self._stop(run_id)
                await asyncio.sleep(self._rng.uniform(0, 2))

    async def _say(self, key: str, agent: str, strategy: str | None) -> str:
        """Send a message until it is accepted; the run."""
        body = {
            "agent_id": agent, "thread_id": self._thread, "if_not_exists": "create", "input": f"message {key}",
            "metadata": {"key": key}, "multitask_strategy": strategy,
        }  # fmt: skip
        if self._rng.random() < 0.1:
            body["webhook"] = self._users.webhook
        told = await self._accepted(body, key)
        if told is None:  # too soon: then behind the others
            key = f"{key}.again"
            body |= {"multitask_strategy": "enqueue", "metadata": {"key": key}}
            told = await self._accepted(body, key)
        assert told is not None, "a message that waits its turn is never refused"
        self._users.accepted[key] = told
        return told

    async def _accepted(self, body: dict[str, Any], key: str) -> str | None:
        send = self._rng.choice((self._post, self._post, self._post, self._wait, self._stream))
        if self._rng.random() < 0.15:  # twice at the same time
            first, second = await asyncio.gather(send(body, key), self._post(body, key))
            if first and second and first != second:
                self._users.wrong.append(f"key {key} was answered with {first} and with {second}")
            return first or second
        return await send(body, key)

    async def _post(self, body: dict[str, Any], key: str) -> str | None:
        return self._run_of(await self._ask("/runs", body, key))

    async def _wait(self, body: dict[str, Any], key: str) -> str | None:
        """Executed in the process that answers."""
        return self._run_of(await self._ask("/runs/wait?timeout=2", body, key))

    async def _stream(self, body: dict[str, Any], key: str) -> str | None:
        """The same, by a client that goes away at once: others read on."""
        try:
            async with self._api.http.stream("POST", "/runs/stream", json=body, headers=_named(key)) as answer:
                if answer.is_success:
                    async for line in answer.aiter_lines():
                        if line.startswith("data: "):
                            break
        except httpx.TransportError:
            pass
        return await self._post(body, key)

    async def _ask(self, path: str, body: dict[str, Any], key: str) -> httpx.Response:
        return await self._api.ask("POST", path, json=body, headers=_named(key))

    def _run_of(self, answer: httpx.Response) -> str | None:
        told = answer.json()
        if answer.is_success:
            run_id: str = told.get("run", told)["run_id"]
            return run_id
        self._users.refused += 1
        if told.get("code") not in REFUSED:
            self._users.wrong.append(f"a message was refused with {answer.status_code}: {told}")
        return None

    async def _stop(self, run_id: str) -> None:
        await asyncio.sleep(self._rng.uniform(0, 3))
        action = self._rng.choice(("interrupt", "rollback"))
        answer = await self._api.ask("POST", f"/runs/{run_id}/cancel?action={action}")
        if answer.status_code == 409:  # its tools have begun
            await self._api.ask("POST", f"/runs/{run_id}/cancel")

    async def _send_parcel(self, run_id: str) -> None:
        event = {"specversion": "1.0", "id": run_id, "source": "soak", "type": "parcel", "subject": self._thread}
        for _ in range(self._rng.choice((1, 1, 2))):
            await asyncio.sleep(self._rng.uniform(0.2, 3))
            await self._api.ask("POST", "/events", json={**event, "data": {"weight": 1}})


def _named(key: str) -> dict[str, str]:
    return {"Idempotency-Key": key}
