"""Requests to other people's URLs reach the address that was checked, and no other. Against real servers."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from agentcore import outgoing
from agentcore.outgoing import Forbidden, post
from agentcore.settings import Settings
from agentcore.webhooks import Target, target
from tests.receiver import certified, receiving, status

pytestmark = pytest.mark.anyio
OPEN = Settings(webhook_allow_http=True, webhook_allow_private=True)


def to(url: str) -> Target:
    return target(url, OPEN)


async def send(url: str, **options: Any) -> httpx.Response:
    return await post(to(url), b"{}", {"x": "y"}, **{"seconds": 20.0, "allow_private": True, **options})


class Resolver:
    """Answers each question with the next of its lists of addresses."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: Sequence[str]) -> None:
        self.answers, self.asked = list(answers), list[str]()
        self.real = asyncio.BaseEventLoop.getaddrinfo
        monkeypatch.setattr(
            asyncio.BaseEventLoop, "getaddrinfo", lambda loop, *args, **kw: self.find(loop, *args, **kw)
        )

    async def find(self, loop: Any, host: str, port: int, **options: Any) -> Any:
        try:
            socket.inet_pton(socket.AF_INET6 if ":" in host else socket.AF_INET, host)
        except OSError:
            self.asked.append(host)
            kind = socket.SOCK_STREAM
            return [
                (socket.AF_INET6 if ":" in one else socket.AF_INET, kind, 6, "", (one, port))
                for one in self.answers.pop(0)
            ]
        return await self.real(loop, host, port, **options)


async def test_a_post_arrives_as_it_was_sent() -> None:
    async with receiving() as there:
        answer = await send(f"http://127.0.0.1:{there.port}/hook?a=%2F&b")
        assert answer.status_code == 204
    [got] = there.received
    assert (got.line, got.body) == ("POST /hook?a=%2F&b HTTP/1.1", b"{}")
    assert got.headers["host"] == f"127.0.0.1:{there.port}"
    assert (got.headers["content-type"], got.headers["x"]) == ("application/json", "y")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0x7f.1", "2130706433", "[::1]", "[::ffff:127.0.0.1]"])
async def test_this_machine_is_not_reached_whatever_it_is_called(host: str) -> None:
    async with receiving() as there:
        with pytest.raises(Forbidden):
            await send(f"http://{host}:{there.port}/", allow_private=False)
        assert there.received == []


async def test_a_name_is_resolved_once_and_the_host_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    async with receiving() as there:
        resolver = Resolver(monkeypatch, ["127.0.0.1"])
        await send(f"http://shop.example:{there.port}/")
        assert (resolver.asked, there.received[0].headers["host"]) == (["shop.example"], f"shop.example:{there.port}")


async def test_a_name_that_changes_after_it_was_checked_leads_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: the first answer is public, each further one this machine."""
    tried: list[str] = []
    connect = asyncio.BaseEventLoop.create_connection

    async def connecting(loop: Any, factory: Any, host: str, port: int, **options: Any) -> Any:
        tried.append(host)
        if host != "127.0.0.1":
            raise ConnectionRefusedError("a test reaches nobody outside")
        return await connect(loop, factory, host, port, **options)

    monkeypatch.setattr(asyncio.BaseEventLoop, "create_connection", connecting)
    async with receiving() as there:
        Resolver(monkeypatch, ["93.184.216.34"], ["127.0.0.1"], ["127.0.0.1"])
        with pytest.raises(httpx.ConnectError):
            await send(f"http://rebind.example:{there.port}/", allow_private=False)
        assert set(tried) == {"93.184.216.34"}
        assert there.received == []


@pytest.mark.parametrize(
    "addresses", [["127.0.0.1"], ["93.184.216.34", "10.0.0.1"], ["::ffff:127.0.0.1"], ["fe80::1%lo"]]
)
async def test_a_name_with_any_private_address_is_refused(
    monkeypatch: pytest.MonkeyPatch, addresses: Sequence[str]
) -> None:
    Resolver(monkeypatch, addresses)
    with pytest.raises(Forbidden, match="AGENTCORE_WEBHOOK_ALLOW_PRIVATE"):
        await send("http://shop.example/", allow_private=False)


async def test_the_next_address_is_tried_when_nobody_is_at_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    async with receiving() as there:
        Resolver(monkeypatch, ["127.0.0.9", "127.0.0.1"])
        assert (await send(f"http://shop.example:{there.port}/")).status_code == 204
        assert len(there.received) == 1


async def test_a_redirect_is_not_followed() -> None:
    async with receiving() as private, receiving() as there:
        there.answer = lambda _: status(307, f"location: http://127.0.0.1:{private.port}/secrets")
        assert (await send(f"http://127.0.0.1:{there.port}/")).status_code == 307
        assert (len(there.received), private.received) == (1, [])


async def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with receiving() as proxy, receiving() as there:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        await send(f"http://127.0.0.1:{there.port}/")
        assert (len(there.received), proxy.received) == (1, [])


async def test_an_answer_that_never_ends_is_not_waited_for() -> None:
    async with receiving(lambda _: b"HTTP/1.1 200 OK\r\ncontent-length: 999999999999\r\n\r\nx") as there:
        assert (await send(f"http://127.0.0.1:{there.port}/")).status_code == 200


@pytest.mark.parametrize("answer", [None, b"HTTP/1.1 200", b"HTTP/1.1 100 Continue\r\n\r\n"])
async def test_an_answer_that_does_not_come_is_given_up(answer: bytes | None) -> None:
    async with receiving(lambda _: answer) as there:
        with pytest.raises((TimeoutError, httpx.RemoteProtocolError)):
            await send(f"http://127.0.0.1:{there.port}/", seconds=0.3)


async def test_headers_without_end_are_refused() -> None:
    async with receiving(lambda _: b"HTTP/1.1 200 OK\r\nx: " + b"y" * 10_000_000) as there:
        with pytest.raises(httpx.RemoteProtocolError):
            await send(f"http://127.0.0.1:{there.port}/")


async def test_tls_is_spoken_with_the_host_and_not_with_its_address(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tls, authority = certified(tmp_path, "shop.example")
    trust = ssl.create_default_context(cafile=authority)
    async with receiving(tls=tls) as there:
        Resolver(monkeypatch, ["127.0.0.1"], ["127.0.0.1"])
        assert (await send(f"https://shop.example:{there.port}/", trust=trust)).status_code == 204
        assert there.names == ["shop.example"]
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):  # nobody we know signed it
            await send(f"https://shop.example:{there.port}/")
        assert len(there.received) == 1


async def test_the_certificate_of_another_host_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tls, authority = certified(tmp_path, "evil.example")
    trust = ssl.create_default_context(cafile=authority)
    async with receiving(tls=tls) as there:
        Resolver(monkeypatch, ["127.0.0.1"])
        with pytest.raises(httpx.ConnectError, match="Hostname mismatch"):
            await send(f"https://shop.example:{there.port}/", trust=trust)
        with pytest.raises(httpx.ConnectError, match="IP address mismatch"):
            await send(f"https://127.0.0.1:{there.port}/", trust=trust)
        assert there.received == []


async def test_no_connection_is_used_for_another_host_behind_the_same_address(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tls, authority = certified(tmp_path, "one.example", "two.example")
    trust = ssl.create_default_context(cafile=authority)
    async with receiving(tls=tls) as there:
        Resolver(monkeypatch, ["127.0.0.1"], ["127.0.0.1"])
        for host in ("one.example", "two.example"):
            await send(f"https://{host}:{there.port}/", trust=trust)
        assert there.names == ["one.example", "two.example"]


async def test_the_authorities_of_the_machine_are_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, authority = certified(tmp_path, "shop.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    outgoing._trust.cache_clear()
    try:
        assert len(outgoing._trust().get_ca_certs()) == 1
    finally:
        outgoing._trust.cache_clear()


async def test_a_name_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(socket.gaierror):
        await send("http://nobody.invalid/")
