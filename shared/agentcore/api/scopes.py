"""What each route takes of its caller, declared in one line above it: `@needs("runs:read")` or `@public`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from fastapi import FastAPI
from fastapi.routing import RouteContext, iter_route_contexts

from agentcore.auth import Scope

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
_DECLARED, _SIGNED = "__agentcore_scope__", "__agentcore_signed__"


def needs(scope: Scope) -> Callable[[Endpoint], Endpoint]:
    """Only callers with this scope get to the route; others are answered 401 or 403 before their body is read."""

    def declare(endpoint: Endpoint) -> Endpoint:
        setattr(endpoint, _DECLARED, scope)
        return endpoint

    return declare


def public(endpoint: Endpoint) -> Endpoint:
    """Anybody gets to the route, and it knows of no caller."""
    setattr(endpoint, _DECLARED, None)
    return endpoint


def signed(endpoint: Endpoint) -> Endpoint:
    """Who signs the request gets to the route too (AGENTCORE_TICK_SECRETS), and to no other one."""
    setattr(endpoint, _SIGNED, True)
    return endpoint


def signable(endpoint: Any) -> bool:
    return getattr(endpoint, _SIGNED, False)


def needed(endpoint: Any) -> Scope | None:
    """The scope that a route declares; None: it is public. A route that declares nothing is a mistake: TypeError."""
    try:
        found: Scope | None = getattr(endpoint, _DECLARED)
    except AttributeError:
        raise TypeError(f'{endpoint!r} declares no scope: write @needs("…") or @public above it.') from None
    return found


def declared(app: FastAPI) -> Iterator[tuple[RouteContext, Scope | None]]:
    """Every route of an application, in the order in which they are tried, with its scope. TypeError, as above."""
    for route in iter_route_contexts(app.routes):
        yield route, needed(route.endpoint)
