"""Who calls, and what each route is given. All of it works in WebSocket routes too.

Each is async, though none awaits: FastAPI runs a plain function in a thread, which costs more than all the rest here.
"""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from agentcore.api.scopes import needed
from agentcore.auth import Principal
from agentcore.errors import Unauthenticated
from agentcore.service import Service

CLOSING = "agentcore.closing"  # in a scope: set when this one request must end, as its host's time is up


async def principal(connection: HTTPConnection) -> Principal:
    """Who calls, as the door found out. It must have let them in to this very route."""
    scope = connection.scope
    if "user" not in scope or scope.get("agentcore.scope") != needed(scope["endpoint"]):
        raise Unauthenticated(given=False)
    found: Principal = scope["user"]
    return found


# (These two call it rather than depend on it: what FastAPI does for each dependency takes longer.)
async def tenant(connection: HTTPConnection) -> str:
    return (await principal(connection)).tenant


async def caller(connection: HTTPConnection) -> str:
    return (await principal(connection)).subject


async def service(connection: HTTPConnection) -> Service:
    found: Service = connection.app.state.service
    return found


async def closing(connection: HTTPConnection) -> asyncio.Event:
    found: asyncio.Event = connection.scope.get(CLOSING) or connection.app.state.closing
    return found


Who = Annotated[Principal, Depends(principal)]
Tenant = Annotated[str, Depends(tenant)]
Caller = Annotated[str, Depends(caller)]  # who decides an approval, for the record
Verbs = Annotated[Service, Depends(service)]
Closing = Annotated[asyncio.Event, Depends(closing)]
