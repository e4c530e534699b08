"""A Service Bus of our own, at the level of its AMQP 1.0 protocol. Microsoft's real client speaks to it; not theirs.

It has queues with peek-lock, complete, abandon, dead-letter and its sub-queue, lock expiry, delivery counts, scheduled
messages, peek, and shared keys that are refused. It has no sessions, topics, deferral, transactions, TLS or identities.
"""

from __future__ import annotations

import itertools
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import proton._handlers as proton_handlers
from proton import Condition, Delivery, Message, int32, symbol, timestamp
from proton.handlers import MessagingHandler
from proton.reactor import ApplicationEvent, Container, EventInjector

from tests.brokers.broker import PATIENCE, Dead, Traits, fresh
from tests.brokers.proxy import Proxy
from tests.e2e.processes import free_port

_DEAD = "/$deadletterqueue"
_TICK = 0.02  # seconds
_DATA = b"\x00\x53\x75"  # the descriptor of a data section (AMQP 1.0, 3.2.6)


def _received(delivery: Any) -> Any:
    """As proton does it, keeping the bytes: a batch is several data sections, of which it keeps one."""
    raw = delivery.link.recv(delivery.pending)
    message: Any = Message()
    message.decode(raw)
    message.raw = bytes(raw)
    delivery.link.advance()
    return message


proton_handlers.recv_msg = _received


@dataclass(eq=False)
class _Entry:
    message: Any  # proton's types know less than it does
    number: int
    visible: float = 0.0  # when it was scheduled for
    count: int = 0  # deliveries before this one
    until: float = 0.0  # the end of its lock; 0: not locked
    link: Any = None


@dataclass(eq=False)
class _Queue:
    lock: float  # seconds
    entries: dict[int, _Entry] = field(default_factory=dict)
    receivers: list[Any] = field(default_factory=list)


class _Protocol(MessagingHandler):
    def __init__(self, port: int) -> None:
        super().__init__(auto_accept=False, auto_settle=False, prefetch=100)
        self.port, self.ready = port, threading.Event()
        self.queues: dict[str, _Queue] = {}
        self._numbers, self._answers, self._refused = itertools.count(1), dict[Any, Any](), list[Any]()
        self.injector = EventInjector()

    def on_start(self, event: Any) -> None:
        self._container = event.container
        event.container.selectable(self.injector)
        self._acceptor = event.container.listen(f"127.0.0.1:{self.port}")
        event.container.schedule(_TICK, self)
        self.ready.set()

    def on_command(self, event: Any) -> None:
        """Something that a test does, in the thread of the broker."""
        do, done = event.subject
        do()
        done.set()

    def on_end(self, event: Any) -> None:
        self._acceptor.close()
        self._container.stop()

    def on_timer_task(self, event: Any) -> None:
        while self._refused:
            self._refused.pop().close()  # after proton's own answer to the attach
        now = time.time()
        for queue in self.queues.values():
            for entry in list(queue.entries.values()):
                if entry.until and entry.until < now:
                    self._release(entry)
            self._pump(queue)
        event.container.schedule(_TICK, self)

    # -- links

    def on_link_opening(self, event: Any) -> None:
        link = event.link
        link.source.address, link.target.address = link.remote_source.address, link.remote_target.address
        address = link.remote_source.address if link.is_sender else link.remote_target.address
        if _special(address):
            if link.is_sender:
                self._answers[event.connection, link.remote_target.address] = link
        elif (queue := self._queue(address)) is None:
            link.condition = Condition("amqp:not-found", f"The messaging entity '{address}' could not be found.")
            self._refused.append(link)
        elif link.is_sender:
            link.snd_settle_mode, link.rcv_settle_mode = link.remote_snd_settle_mode, link.remote_rcv_settle_mode
            queue.receivers.append(link)

    def on_link_closing(self, event: Any) -> None:
        self._drop(lambda link: link == event.link)

    def on_disconnected(self, event: Any) -> None:
        self._drop(lambda link: link.connection == event.connection)

    on_connection_closing = on_disconnected

    def on_sendable(self, event: Any) -> None:
        if (queue := self._queue(event.link.source.address)) is not None:
            self._pump(queue)

    def _drop(self, gone: Any) -> None:
        for queue in self.queues.values():
            queue.receivers = [link for link in queue.receivers if not gone(link)]
            for entry in queue.entries.values():
                if entry.until and entry.link is not None and gone(entry.link):
                    self._release(entry)

    def _queue(self, address: str | None) -> _Queue | None:
        path = (address or "").split("://")[-1]
        path = path.partition("/")[2] if "://" in (address or "") else path
        return self.queues.get(path.lower())

    # -- messages

    def enqueue(self, queue: _Queue, message: Message) -> int:
        annotations = dict(message.annotations or {})
        at = annotations.pop(symbol("x-opt-scheduled-enqueue-time"), 0)
        entry = _Entry(message, next(self._numbers), visible=at / 1000)
        annotations[symbol("x-opt-sequence-number")] = entry.number
        annotations[symbol("x-opt-enqueued-time")] = timestamp(int(time.time() * 1000))
        message.annotations = annotations
        queue.entries[entry.number] = entry
        return entry.number

    def _pump(self, queue: _Queue) -> None:
        now = time.time()
        for link in queue.receivers:
            for entry in list(queue.entries.values()):
                if link.credit > 0 and not entry.until and entry.visible <= now:
                    self._deliver(queue, link, entry)
            if link.drain_mode and link.credit:
                link.drained()

    def _deliver(self, queue: _Queue, link: Any, entry: _Entry) -> None:
        entry.until, entry.link = time.time() + queue.lock, link
        entry.message.annotations[symbol("x-opt-locked-until")] = timestamp(int(entry.until * 1000))
        delivery = link.delivery(uuid.uuid4().bytes)  # its tag is the lock's token
        link.stream(_header(entry.count) + _headless(entry.message.encode()))
        link.advance()
        delivery.held = (queue, entry, entry.count)

    def _release(self, entry: _Entry) -> None:
        entry.until, entry.link = 0.0, None
        entry.count += 1

    def on_delivery(self, event: Any) -> None:
        delivery = event.delivery
        held = getattr(delivery, "held", None)
        if not delivery.link.is_sender or held is None or not delivery.updated or not delivery.remote_state:
            return
        queue, entry, count = held
        if entry.until and entry.count == count:  # the lock is still this delivery's
            self._settle(queue, entry, delivery)
        delivery.update(delivery.remote_state)
        delivery.settle()
        self._pump(queue)

    def _settle(self, queue: _Queue, entry: _Entry, delivery: Any) -> None:
        state = delivery.remote_state
        if state == Delivery.ACCEPTED:
            del queue.entries[entry.number]
        elif state == Delivery.REJECTED:
            del queue.entries[entry.number]
            info = {str(name): value for name, value in dict(delivery.remote.condition.info or {}).items()}
            entry.message.properties = {**dict(entry.message.properties or {}), **info}
            name = next(name for name, one in self.queues.items() if one is queue)
            self.enqueue(self.queues[name + _DEAD], entry.message)
        else:
            self._release(entry)

    def on_message(self, event: Any) -> None:
        address, message = event.link.target.address, event.message
        if _special(address):
            self._answer(event, address, message)
        elif (queue := self._queue(address)) is not None:
            for one in _unbatched(message):
                self.enqueue(queue, one)
            self._pump(queue)
        event.delivery.update(Delivery.ACCEPTED)
        event.delivery.settle()

    def _back(self, connection: Any, address: str, reply_to: str | None) -> Any:
        """The link for answers: the one that was named, or the node's own, as the client has it with CBS."""
        links = {target: link for (where, target), link in self._answers.items() if where == connection}
        return links.get(reply_to) or next(link for link in links.values() if link.source.address == address)

    def _answer(self, event: Any, address: str, message: Message) -> None:
        """A reply on the node's own link: tokens (CBS), and management, of which there is only the peek."""
        link = self._back(event.connection, address, message.reply_to)
        if address == "$cbs":
            good = "skn=test" in str(message.body)
            code, text = (202, "Accepted") if good else (401, "Unauthorized access: the key is not known")
            link.send(_reply(message, {"status-code": int32(code), "status-description": text}))
            return
        queue = self._queue(address.rpartition("/")[0])
        if queue is None:
            link.send(_reply(message, {"statusCode": int32(404), "errorCondition": symbol("amqp:not-found")}))
            return
        found = [{"message": one.message.encode()} for one in list(queue.entries.values())[:1]]
        status = {"statusCode": int32(200 if found else 204), "statusDescription": "OK"}
        link.send(_reply(message, status, {"messages": found} if found else None))


class ServiceBusBroker:
    name = "servicebus"
    traits = Traits(delays=True, tells_senders=False, buries=False, prefix="cloudEvents:", refuses="identity")

    def __init__(self) -> None:
        port = free_port()
        self._protocol = _Protocol(port)
        container = Container(self._protocol)
        self._thread = threading.Thread(target=container.run, daemon=True)
        self._thread.start()
        assert self._protocol.ready.wait(PATIENCE)
        self.proxy = Proxy(port)

    @property
    def environment(self) -> Mapping[str, str]:
        return {"AGENTCORE_BUS_PASSWORD": self._connection("test")}

    def _connection(self, key: str) -> str:
        where = f"Endpoint=sb://127.0.0.1:{self.proxy.port};SharedAccessKeyName={key};SharedAccessKey=c2VjcmV0"
        return f"{where};UseDevelopmentEmulator=true;"

    def queue(self, *, again: int = 1) -> str:
        name = fresh()
        self._do(lambda: self._protocol.queues.update({name: _Queue(again), name + _DEAD: _Queue(60)}))
        return f"servicebus://localhost/{name}"

    def missing(self) -> str:
        return f"servicebus://localhost/{fresh()}"

    def stranger(self, url: str) -> tuple[str, Mapping[str, str]]:
        return url, {"AGENTCORE_BUS_PASSWORD": self._connection("wrong")}

    def put(self, url: str, body: bytes, attributes: Mapping[str, str] | None = None) -> None:
        queue = self._protocol.queues[url.rpartition("/")[2]]
        message = Message(body=body, properties=dict(attributes or {}), inferred=True)
        self._do(lambda: self._protocol.enqueue(queue, message))

    def dead(self, url: str) -> list[Dead]:
        queue, found = self._protocol.queues[url.rpartition("/")[2] + _DEAD], list[Dead]()

        def take() -> None:
            for entry in queue.entries.values():
                attributes = {str(name): str(value) for name, value in entry.message.properties.items()}
                reason = attributes.pop("DeadLetterErrorDescription")
                del attributes["DeadLetterReason"]
                found.append(Dead(bytes(entry.message.body), reason, attributes))
            queue.entries.clear()

        self._do(take)
        return found

    def stop(self) -> None:
        self.proxy.cut()
        self._protocol.injector.trigger(ApplicationEvent("end"))
        self._thread.join(PATIENCE)

    def _do(self, work: Any) -> None:
        done = threading.Event()
        self._protocol.injector.trigger(ApplicationEvent("command", subject=(work, done)))
        assert done.wait(PATIENCE)


def _special(address: str | None) -> bool:
    return address == "$cbs" or (address or "").endswith("/$management")


def _reply(message: Message, properties: dict[str, Any], body: Any = None) -> Message:
    return Message(body=body, correlation_id=message.id, properties=properties)


def _header(count: int) -> bytes:
    """A header section with its delivery count spelt out: proton leaves out a zero, which the client takes for none."""
    fields = b"\x42\x40\x40\x40" + (b"\x43" if not count else b"\x52" + bytes([count]))
    return b"\x00\x53\x70\xc0" + bytes([len(fields) + 1, 5]) + fields


def _headless(raw: bytes) -> bytes:
    """A message without the header section that proton wrote."""
    if raw[:3] != b"\x00\x53\x70":
        return raw
    match raw[3]:
        case 0x45:
            return raw[4:]
        case 0xC0:
            return raw[5 + raw[4] :]
        case _:
            return raw[8 + int.from_bytes(raw[4:8], "big") :]


def _unbatched(message: Any) -> list[Message]:
    """The messages of a batch, which are its data sections; a message that is none is itself."""
    raw, found = message.raw, list[Message]()
    at = raw.find(_DATA)
    while at >= 0 and raw[at : at + 3] == _DATA:
        short = raw[at + 3] == 0xA0
        start = at + (5 if short else 8)
        length = raw[at + 4] if short else int.from_bytes(raw[at + 4 : at + 8], "big")
        part = raw[start : start + length]
        if part[:2] not in (b"\x00\x53", b"\x00\x80"):
            return [message]
        one = Message()
        one.decode(part)
        found.append(one)
        at = start + length
    return found or [message]
