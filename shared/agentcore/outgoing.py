"""Requests to URLs that somebody else chose: to the address that was checked, and to no other."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Mapping
from functools import cache

import httpx

from agentcore.addresses import public
from agentcore.errors import AgentCoreError
from agentcore.webhooks import Target

_MOST_ADDRESSES = 4  # of a name, that are tried one after the other


class Forbidden(AgentCoreError):
    """The name leads to an address that nothing may be sent to."""

    code = "forbidden_address"


async def post(
    to: Target, content: bytes, headers: Mapping[str, str], *, seconds: float, allow_private: bool = False,
    trust: ssl.SSLContext | None = None,
) -> httpx.Response:  # fmt: skip
    """The answer's status and headers; its body is not read.

    Raises Forbidden, httpx.TransportError, OSError (no such name) and TimeoutError.

    The name is resolved once. The connection is made to the address that came out and was checked, so that no second
    answer of the DNS can lead elsewhere; TLS and the Host header still name the host. No redirect is followed, no proxy
    is used, and no connection is kept: another host behind the same address would be taken for this one.
    """
    async with asyncio.timeout(seconds):
        addresses = await resolve(to.host, to.port)
        if not allow_private and not all(public(address) for address in addresses):
            raise Forbidden("The name leads to a private address (AGENTCORE_WEBHOOK_ALLOW_PRIVATE=true allows that).")
        async with httpx.AsyncClient(
            verify=trust or _trust(), trust_env=False, follow_redirects=False,
            timeout=httpx.Timeout(None, connect=seconds / len(addresses)),  # the others want their turn
            limits=httpx.Limits(max_keepalive_connections=0),
        ) as client:  # fmt: skip
            for address in addresses[:-1]:
                try:
                    return await _post(client, to, address, content, headers)
                except (httpx.ConnectError, httpx.ConnectTimeout):
                    continue  # nobody is there, so nothing was sent: the next one may answer
            return await _post(client, to, addresses[-1], content, headers)


async def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host, an IP address being its own. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))[:_MOST_ADDRESSES]


async def _post(
    client: httpx.AsyncClient, to: Target, address: str, content: bytes, headers: Mapping[str, str]
) -> httpx.Response:
    url = httpx.URL(scheme=to.scheme, host=address, port=to.port, raw_path=to.path.encode())
    own = {**headers, "host": to.authority, "content-type": "application/json", "accept-encoding": "identity"}
    request = client.build_request("POST", url, content=content, headers=own, extensions={"sni_hostname": to.host})
    response = await client.send(request, stream=True)
    await response.aclose()  # unread: it says nothing that matters, and it might never end
    return response


@cache
def _trust() -> ssl.SSLContext:
    """Loading the authorities takes longer than a request. SSL_CERT_FILE names others."""
    return httpx.create_ssl_context()
