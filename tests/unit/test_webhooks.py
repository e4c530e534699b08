"""Webhooks: which URLs can be one, which addresses may be reached, and the signature."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from agentcore import webhooks
from agentcore.addresses import public
from agentcore.deliveries import Deliverer
from agentcore.errors import Invalid, Misconfigured
from agentcore.ids import delivery_id, new_id
from agentcore.records import Run
from agentcore.settings import Settings

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()


@pytest.mark.parametrize(
    ("url", "host", "port", "path", "authority"),
    [
        ("https://example.com", "example.com", 443, "/", "example.com"),
        ("https://example.com?a=b", "example.com", 443, "/?a=b", "example.com"),
        ("HTTPS://Example.COM:8443/a/b?c=d#e", "example.com", 8443, "/a/b?c=d", "example.com:8443"),
        ("https://93.184.216.34/x", "93.184.216.34", 443, "/x", "93.184.216.34"),
        ("https://[2606:2800:220:1::1]:444/", "2606:2800:220:1::1", 444, "/", "[2606:2800:220:1::1]:444"),
        ("https://xn--bcher-kva.example/%C3%A4", "xn--bcher-kva.example", 443, "/%C3%A4", "xn--bcher-kva.example"),
    ],
)
def test_a_url_is_taken_apart(url: str, host: str, port: int, path: str, authority: str) -> None:
    found = webhooks.target(url, Settings())
    assert (found.scheme, found.host, found.port, found.path) == ("https", host, port, path)
    assert found.authority == authority


@pytest.mark.parametrize(
    "url",
    [
        "", "example.com", "//example.com", "/hook", "ftp://example.com", "file:///etc/passwd", "gopher://example.com/_x",
        "javascript:alert(1)", "http://example.com", "https://", "https://:443/", "https:///x", "https://example.com:0",
        "https://example.com:99999", "https://example.com:port", "https://kim:secret@example.com", "https://kim@example.com",
        "https://:@example.com", "https://exam ple.com", "https://example.com/a b", "https://example.com/\n",
        "https://example.com/\x7f", "https://bücher.example", "https://example.com\\@evil.example", "https://[::1",
        "https://[zz]/", "https://" + "a" * 2000, "https://example.com/{x}", "https://127.0.0.1", "https://localhost",
        "https://LOCALHOST.:8443/", "https://a.localhost", "https://10.0.0.1/", "https://169.254.169.254/latest/meta-data/",
        "https://[::1]/", "https://[::ffff:10.0.0.1]/", "https://[fd00:ec2::254]/", "https://0.0.0.0/",
        "https://168.63.129.16/", "https://[fe80::1%25eth0]/",
    ],
)  # fmt: skip
def test_a_url_that_cannot_be_a_webhook_is_refused_and_named(url: str) -> None:
    with pytest.raises(Invalid) as caught:
        webhooks.target(url, Settings())
    assert caught.value.details == {"field": "webhook"}
    assert str(caught.value).startswith("webhook: ")


def test_settings_allow_http_and_private_addresses() -> None:
    for url in ("http://example.com", "https://10.0.0.1", "https://localhost"):
        webhooks.target(url, Settings(webhook_allow_http=True, webhook_allow_private=True))
    with pytest.raises(Invalid, match="AGENTCORE_WEBHOOK_ALLOW_PRIVATE"):
        webhooks.target("http://10.0.0.1", Settings(webhook_allow_http=True))
    with pytest.raises(Invalid, match="AGENTCORE_WEBHOOK_ALLOW_HTTP"):
        webhooks.target("http://10.0.0.1", Settings(webhook_allow_private=True))


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0", "0.1.2.3", "10.1.2.3", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.254",
        "168.63.129.16", "169.254.169.254", "169.254.170.2", "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.1",
        "192.168.0.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.1.1.1", "240.0.0.1",
        "255.255.255.255",
        "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:0a00:1", "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "2002:0a00:0001::1",
        "2001:0:4136:e378:8000:63bf:f5ff:fffe", "fc00::1", "fd00:ec2::254", "fd12:3456::1", "fe80::1", "fe80::1%eth0",
        "fec0::1", "ff02::1", "ff0e::1", "4000::1", "::ffff:168.63.129.16",
    ],
)  # fmt: skip
def test_an_address_that_is_not_the_public_internets_is_known(address: str) -> None:
    assert not public(address)


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "93.184.216.34", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450::1", "::ffff:1.1.1.1",
     "64:ff9b::101:101", "2002:0101:0101::1"],
)  # fmt: skip
def test_an_address_of_the_public_internet_is_known(address: str) -> None:
    assert public(address)


def test_a_signature_is_that_of_the_standard() -> None:
    # The example of the Standard Webhooks' own libraries.
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    content = b'{"test": 2432232314}'
    headers = webhooks.signed([key], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, content)
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_each_key_signs_and_none_signs_nothing() -> None:
    keys = [b"a" * 24, b"b" * 24]
    both = webhooks.signed(keys, "id", 1, b"x")["webhook-signature"]
    assert both == " ".join(webhooks.signed([key], "id", 1, b"x")["webhook-signature"] for key in keys)
    assert "webhook-signature" not in webhooks.signed([], "id", 1, b"x")


def test_secrets_are_read_from_the_settings() -> None:
    other = base64.b64encode(b"o" * 24).decode()
    assert webhooks.secrets(Settings(webhook_secrets=f"{SECRET}  {other}")) == (b"k" * 32, b"o" * 24)
    assert webhooks.secrets(Settings()) == ()


@pytest.mark.parametrize("secret", ["whsec_", "whsec_c2hvcnQ=", "hunter2hunter2hunter2hunter2hunter2!", "whsec_????"])
def test_a_secret_that_is_none_is_refused_and_not_repeated(secret: str) -> None:
    with pytest.raises(Misconfigured, match="AGENTCORE_WEBHOOK_SECRETS") as caught:
        Deliverer(None, Settings(webhook_secrets=f"{SECRET} {secret}"))  # type: ignore[arg-type]  # none is asked
    assert SECRET not in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_body_is_the_run_as_clients_see_it_and_the_same_each_time() -> None:
    at = datetime(2027, 3, 1, 9, tzinfo=UTC)
    run_id = new_id()
    run = Run(
        id=run_id, tenant="t", thread_id=new_id(), agent="a", input="go", status="failed", finished_at=at,
        created_at=at, webhook="https://example.com", metadata={"order": 7}, error={"code": "x", "message": "y"},
    )  # fmt: skip
    message = delivery_id(run_id)
    told: dict[str, Any] = json.loads(webhooks.body(message, run))
    assert (told["id"], told["type"], told["timestamp"]) == (message, "run.failed", "2027-03-01T09:00:00Z")
    assert (told["data"]["run_id"], told["data"]["status"], told["data"]["state"]) == (run_id, "error", "failed")
    assert (told["data"]["finished_at"], told["data"]["metadata"]) == ("2027-03-01T09:00:00Z", {"order": 7})
    assert webhooks.body(message, run) == webhooks.body(message, run)
