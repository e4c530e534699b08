"""`agentcore keys`: make, list and revoke API keys. Whoever reaches the database may, so this asks for no key."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from dataclasses import replace
from datetime import datetime, timedelta

from agentcore import app, auth
from agentcore.clock import parse_when
from agentcore.commands.text import clean
from agentcore.errors import Invalid
from agentcore.keys import mint
from agentcore.ports import StateStore
from agentcore.records import ApiKey
from agentcore.redis import open_shared
from agentcore.service import EVENTS
from agentcore.settings import Settings
from agentcore.store import open_store

_PAGE = 500


def create(args: argparse.Namespace, settings: Settings) -> int:
    """Print a new key, alone on standard output, so that a script can take it."""
    token, key = asyncio.run(_create(args, settings))
    print(token)
    print(f"{_line(key)}\nThe key is shown this once. Send it as: Authorization: Bearer KEY", file=sys.stderr)
    return 0


def keys(args: argparse.Namespace, settings: Settings) -> int:
    """List a tenant's keys."""
    found = asyncio.run(_list(args, settings))
    for key in found:
        print(json.dumps(_fields(key), default=str) if args.json else _line(key))
    if not found and not args.json:
        print("no keys")
    return 0


def revoke(args: argparse.Namespace, settings: Settings) -> int:
    """End a key's life."""
    key = asyncio.run(_revoke(args, settings))
    print(f"{key.id} ({clean(key.name)}) is revoked; servers notice within {settings.key_cache_seconds:g} s")
    return 0


async def _create(args: argparse.Namespace, settings: Settings) -> tuple[str, ApiKey]:
    tenant, name = auth.name("--tenant", args.tenant), auth.name("--name", args.name)
    scopes = [auth.scope(text) for given in args.scope for text in given.split(",")]
    store = open_store(settings.database_url, settings)
    async with app.connected(store, settings):
        key, token = mint(store.new_id(), tenant=tenant, name=name, scopes=set(scopes))
        expires_at = _end(args.expires, await store.now())
        return token, await store.add_key(replace(key, expires_at=expires_at))


async def _list(args: argparse.Namespace, settings: Settings) -> list[ApiKey]:
    store = open_store(settings.database_url, settings)
    found: list[ApiKey] = []
    async with app.connected(store, settings):
        while page := await store.keys(args.tenant, limit=_PAGE, offset=len(found)):
            found += page
    return found


async def _revoke(args: argparse.Namespace, settings: Settings) -> ApiKey:
    store = open_store(settings.database_url, settings)
    async with app.connected(store, settings):
        key = await store.revoke_key(args.tenant, args.key_id)
        await _tell(key.id, store, settings)
        return key


async def _tell(key_id: str, store: StateStore, settings: Settings) -> None:
    """Have servers look at the key at once. Where they are not reached, it is over when they look next."""
    try:
        if (shared := open_shared(settings)) is None:
            await store.notify(EVENTS, key_id)
        else:
            await shared.notify(EVENTS, key_id)
            await shared.close()
    except Exception as error:
        print(f"servers could not be told: {error}", file=sys.stderr)


def _end(text: str | None, now: datetime) -> datetime | None:
    if text is None:
        return None
    when = parse_when(text)
    end = now + when if isinstance(when, timedelta) else when
    if end <= now:
        raise Invalid(f"--expires {text}: that is past.", field="expires")
    return end


def _fields(key: ApiKey) -> dict[str, object]:
    names = ("id", "tenant", "name", "scopes", "created_at", "expires_at", "revoked_at")
    return {name: getattr(key, name) for name in names}


def _line(key: ApiKey) -> str:
    state = "revoked" if key.revoked_at else f"until {key.expires_at:%Y-%m-%d %H:%M}" if key.expires_at else "no expiry"
    return f"{key.id}  {clean(key.name):<20}  {state:<22}  {' '.join(key.scopes)}"
