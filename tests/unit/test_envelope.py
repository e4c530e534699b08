"""What comes off a bus: ids, events, and what is neither."""

from __future__ import annotations

import json

import pytest

from agentcore.bus.offsets import Offsets
from agentcore.bus.url import parse
from agentcore.envelope import LARGEST, opened
from agentcore.errors import Misconfigured
from agentcore.ids import new_id
from agentcore.settings import Settings

EVENT = {"specversion": "1.0", "id": "1", "source": "/shop", "type": "paid", "data": [1]}


def test_an_id_is_a_run() -> None:
    run_id = new_id()
    assert opened(f" {run_id}\n".encode(), attempt=3).run_id == run_id
    assert opened(run_id.encode(), attempt=3).attempt == 3


@pytest.mark.parametrize(
    "body",
    [
        b"", b"\xff\xfe", b"nonsense", b"[]", b"{}", b'"0"', b"0" * (LARGEST + 1), b"[" * 100_000,
        json.dumps({**EVENT, "specversion": "0.3"}).encode(), json.dumps({**EVENT, "source": ""}).encode(),
        json.dumps({**EVENT, "data": "\0"}).encode(), json.dumps({**EVENT, "tenant": 7}).encode(),
        new_id().upper().encode(),
    ],
    ids=range(13),
)  # fmt: skip
def test_what_is_neither_says_why_and_raises_nothing(body: bytes) -> None:
    message = opened(body)
    assert message.flaw
    assert not message.run_id
    assert message.event is None


def test_an_event_may_name_its_tenant() -> None:
    one, other = opened(json.dumps(EVENT).encode()), opened(json.dumps({**EVENT, "tenant": "acme"}).encode())
    assert one.event is not None
    assert other.event is not None
    assert (one.event.tenant, other.event.tenant) == ("default", "acme")


@pytest.mark.parametrize("prefix", ["ce_", "ce-", "cloudEvents:", "cloudEvents_", "CE-"])
def test_attributes_of_every_binding_are_known(prefix: str) -> None:
    attributes = {f"{prefix}{name}": value for name, value in EVENT.items() if name != "data"}
    message = opened(b"plain", attributes, content_type="text/plain")
    assert message.event is not None, message.flaw
    assert (message.event.name, message.event.data) == ("paid", "plain")


# -- URLs


def test_a_password_stays_out_of_what_is_shown() -> None:
    url = parse("amqp://me:hush@host/q", Settings(), "amqp://…", 1)
    assert url.password == "hush"
    assert "hush" not in url.shown + repr(url)


def test_credentials_may_come_from_the_settings() -> None:
    url = parse("kafka://a:1,b:2/topic", Settings(bus_username="me", bus_password="hush"), "kafka://…", 1)
    assert (url.hosts, url.username, url.password) == ("a:1,b:2", "me", "hush")


@pytest.mark.parametrize("url", ["sqs://eu-central-1/queue", "sqs:///1/q", "sqs://r/1/q/more", "sqs://[r/1/q"])
def test_a_url_that_lacks_a_part_shows_the_form(url: str) -> None:
    with pytest.raises(Misconfigured, match="sqs://REGION/ACCOUNT/QUEUE"):
        parse(url, Settings(), "sqs://REGION/ACCOUNT/QUEUE", 2)


# -- offsets


def test_a_partition_goes_on_after_the_last_message_before_which_all_are_done() -> None:
    offsets = Offsets()
    for offset in (5, 6, 7):
        offsets.take(0, offset)
    for done, place in ((6, {}), (5, {0: 7}), (7, {0: 8}), (7, {})):  # 5 was still open; a duplicate
        offsets.settle(0, done)
        assert offsets.moved() == place
    assert offsets.resume() == {0: 8}


def test_what_was_done_of_a_lost_partition_is_its_new_owners_affair() -> None:
    offsets = Offsets()
    offsets.take(0, 1)
    offsets.take(0, 2)
    offsets.take(1, 1)
    offsets.settle(0, 1)
    offsets.lose([0])
    offsets.settle(0, 2)
    assert offsets.moved() == {}
    assert offsets.resume() == {1: 1}
