"""A thread over a WebSocket: commands and subscriptions in, answers and events out (Agent Protocol, operation 21)."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import Annotated, Any
from uuid import uuid4

from pydantic import ConfigDict, Field, ValidationError
from starlette.websockets import WebSocket, WebSocketDisconnect

from agentcore.api import following, sse
from agentcore.api.bodies import Body
from agentcore.api.commands import Desk, answer, checked, refused
from agentcore.api.following import Gate
from agentcore.api.frames import SAFE, CommandError, Frame, Place, Since, Wanted, failed, succeeded
from agentcore.api.trees import nodes_of
from agentcore.errors import AgentCoreError

log = logging.getLogger("agentcore.api")
_MOST = 50  # subscriptions of one connection
_RESTART, _FAILED = 1012, 1011  # the registry of RFC 6455, section 11.7: come back; and an error here


class Command(Body):
    """A command as it comes. The protocol lets clients add fields of their own."""

    model_config = ConfigDict(extra="ignore")

    id: Annotated[int, Field(strict=True, ge=0, le=SAFE)]
    method: Annotated[str, Field(max_length=100)]
    params: dict[str, Any] = Field(default_factory=dict)


class Unsubscribe(Body):
    subscriptionId: Annotated[str, Field(max_length=10_000)]


class Reconnect(Body):
    runId: Annotated[str, Field(max_length=100)]
    lastEventId: Annotated[str, Field(max_length=100)] | None = None
    subscriptions: Annotated[list[Annotated[str, Field(max_length=10_000)]], Field(max_length=_MOST)] = Field(
        default_factory=list
    )


class Connection:
    """One client. It has one reader of the thread, behind a gate for each subscription.

    An event that several subscriptions want is sent once. A new subscription starts the reader again where it begins;
    the gates of the others stay shut until what they have let through is passed.
    """

    def __init__(self, socket: WebSocket, desk: Desk, closing: asyncio.Event, most: int) -> None:
        self._socket, self._desk, self._closing = socket, desk, closing
        self._most = most  # bytes of one command
        self._gates: dict[str, Gate] = {}
        self._reader: asyncio.Task[None] | None = None
        self._last: Place | None = None  # of what the reader has read
        self._sending = asyncio.Lock()

    async def serve(self) -> None:
        """Until the client goes or the server closes."""
        await self._socket.accept()
        hearing = asyncio.create_task(self._hear())
        over = asyncio.create_task(self._closing.wait())
        try:
            await asyncio.wait((hearing, over), return_when=asyncio.FIRST_COMPLETED)
        finally:
            await sse.stop(hearing, over, *((self._reader,) if self._reader else ()))
        with suppress(RuntimeError, WebSocketDisconnect):  # it may have gone
            await self._socket.close(_RESTART)

    async def _hear(self) -> None:
        with suppress(WebSocketDisconnect):
            while True:
                told = await self._socket.receive()
                if told["type"] == "websocket.disconnect":
                    return
                await self._send(await self._answer(told.get("text") or told.get("bytes") or ""))
                self._read()

    async def _answer(self, text: str | bytes) -> dict[str, Any]:
        id: int | None = None
        try:
            if len(text) > self._most:
                raise CommandError("invalid_argument", f"A command has at most {self._most} bytes.")
            given = json.loads(text)
            id = _id(given)
            asked: Command = checked(Command, given if isinstance(given, dict) else {})
            if verb := getattr(self, f"_{asked.method.replace('.', '_')}", None) if _ours(asked.method) else None:
                return succeeded(asked.id, await verb(asked.params))
            return await answer(self._desk, asked.id, asked.method, asked.params)
        except (ValueError, RecursionError):
            return failed(None, CommandError("invalid_argument", "It is not JSON."))
        except CommandError as error:
            return failed(id, error)
        except AgentCoreError as error:
            return failed(id, refused(error))

    # -- subscriptions

    async def _subscription_subscribe(self, params: Mapping[str, Any]) -> dict[str, Any]:
        wanted: Wanted = checked(Wanted, params)
        if len(self._gates) >= _MOST:
            raise CommandError("invalid_argument", f"A connection has at most {_MOST} subscriptions.")
        id = _named(wanted)
        since = await following.current(self._desk.verbs, self._desk.tenant, self._desk.thread_id)
        await self._open({id: Gate(wanted, since)})
        return {"subscriptionId": id}

    async def _subscription_unsubscribe(self, params: Mapping[str, Any]) -> dict[str, Any]:
        asked: Unsubscribe = checked(Unsubscribe, params)
        if self._gates.pop(asked.subscriptionId, None) is None:
            raise CommandError("no_such_subscription", "This connection has no such subscription.")
        return {}

    async def _subscription_reconnect(self, params: Mapping[str, Any]) -> dict[str, Any]:
        asked: Reconnect = checked(Reconnect, params)
        run = await self._desk.run(asked.runId)
        since = following.before(run)
        if asked.lastEventId is not None:
            since = Since(place=Place.parse(asked.lastEventId))
        gates = {id: Gate(_wanted(id), since) for id in asked.subscriptions}
        if len(self._gates | gates) > _MOST:
            raise CommandError("invalid_argument", f"A connection has at most {_MOST} subscriptions.")
        await self._open(gates)
        nodes = await nodes_of(self._desk, run)
        now = [{"namespace": list(where), "status": node["status"]} for where, node in nodes.items()]
        return {"restored": True, "missedEvents": 0, "currentNamespaces": now}

    async def _open(self, gates: Mapping[str, Gate]) -> None:
        """Read again from where the new ones begin; the others have what was read so far."""
        if self._reader is not None:
            await sse.stop(self._reader)
            self._reader = None
        for gate in self._gates.values():
            if gate.open and self._last is not None:
                gate.since, gate.open = Since(place=self._last), False
        self._gates |= gates

    # -- events

    def _read(self) -> None:
        """Once the answer is out, what it promises may come."""
        if self._gates and self._reader is None:
            self._reader = asyncio.create_task(self._follow())

    async def _follow(self) -> None:
        desk = self._desk
        try:
            begins = [gate.begins() for gate in self._gates.values()]
            if any(begins):
                await self._send((await following.snapshot(desk.verbs, desk.tenant, desk.thread_id)).envelope())
            since = min((gate.since for gate in self._gates.values()), key=lambda one: one.cursor().position)
            async for frame in following.follow(desk.verbs, desk.tenant, desk.thread_id, since, self._passes):
                await self._send(frame.envelope())
        except (WebSocketDisconnect, RuntimeError):
            pass  # it has gone
        except Exception as error:
            if not isinstance(error, AgentCoreError):
                log.exception("a stream failed")
            with suppress(RuntimeError, WebSocketDisconnect):
                await self._socket.close(_FAILED, "The stream failed here. Come back with subscription.reconnect.")

    def _passes(self, frame: Frame) -> bool:
        self._last = frame.place or self._last
        passed = [gate.passes(frame) for gate in self._gates.values()]  # each is asked: they keep count
        return any(passed) and not any(gate.had(frame) for gate in self._gates.values())

    async def _send(self, told: Mapping[str, Any]) -> None:
        text = sse.dumps(told)
        async with self._sending:
            await self._socket.send_text(text)


def _ours(method: str) -> bool:
    return method in ("subscription.subscribe", "subscription.unsubscribe", "subscription.reconnect")


def _id(given: Any) -> int | None:
    id = given.get("id") if isinstance(given, dict) else None
    return id if isinstance(id, int) and not isinstance(id, bool) and 0 <= id <= SAFE else None


def _named(wanted: Wanted) -> str:
    """An id that says what the subscription is, so that any process can restore it."""
    told = {**wanted.model_dump(exclude_none=True), "id": uuid4().hex[:8]}
    return base64.urlsafe_b64encode(json.dumps(told).encode()).decode().rstrip("=")


def _wanted(id: str) -> Wanted:
    try:
        return Wanted.model_validate(json.loads(base64.urlsafe_b64decode(id + "=" * (-len(id) % 4))))
    except (ValueError, RecursionError, ValidationError):
        raise CommandError("no_such_subscription", f"{id[:40]!r} is no subscription of this server.") from None
