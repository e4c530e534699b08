"""Who calls, and what each route is given."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import Depends, Request

from agentcore.service import Service


def tenant(request: Request) -> str:
    """The caller's tenant. AUTHENTICATION GOES HERE: until then everybody is one tenant, and nobody is turned away."""
    return "default"


def caller(request: Request) -> str:
    """Who decides an approval, for the record. AUTHENTICATION GOES HERE too."""
    return "anonymous"


def service(request: Request) -> Service:
    found: Service = request.app.state.service
    return found


def closing(request: Request) -> asyncio.Event:
    found: asyncio.Event = request.app.state.closing
    return found


Tenant = Annotated[str, Depends(tenant)]
Caller = Annotated[str, Depends(caller)]
Verbs = Annotated[Service, Depends(service)]
Closing = Annotated[asyncio.Event, Depends(closing)]
