"""`agentcore doctor`: does what the settings name exist, and if not, what to do."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from agentcore import app, auth, registry
from agentcore.bus import open_bus
from agentcore.commands import server
from agentcore.errors import AgentCoreError, Misconfigured
from agentcore.oidc import Oidc
from agentcore.ports import StateStore
from agentcore.redis import open_shared
from agentcore.settings import Settings
from agentcore.store import open_store
from agentcore.urls import masked

_PATIENCE = 20.0  # seconds for a bus to answer


@dataclass(frozen=True)
class Finding:
    what: str
    found: str
    fix: str = ""  # empty: all is well


def doctor(args: argparse.Namespace, settings: Settings) -> int:
    """Print a line for each finding; 1 if something must be fixed."""
    findings = [
        _tried(check, settings)
        for check in (_python, _database, _bus, _redis, _agents, _sdk, _model, _callers, _address)
    ]
    for finding in findings:
        print(f"{'FAIL' if finding.fix else 'ok  '}  {finding.what:<9} {finding.found}")
        if finding.fix:
            print(f"      {'':<9} → {finding.fix}")
    return 1 if any(finding.fix for finding in findings) else 0


def _tried(check: Callable[[Settings], Finding], settings: Settings) -> Finding:
    try:
        return check(settings)
    except AgentCoreError as error:
        return Finding(check.__name__[1:], "cannot be used", str(error))


def _python(settings: Settings) -> Finding:
    found = sys.version.split()[0]
    return Finding("python", found, "" if sys.version_info >= (3, 11) else "Use Python 3.11 or later.")


def _database(settings: Settings) -> Finding:
    started = time.perf_counter()
    asyncio.run(_connect(settings))
    return Finding("database", f"{masked(settings.database_url)}, answers in {time.perf_counter() - started:.2f} s")


async def _connect(settings: Settings) -> None:
    async with app.connected(open_store(settings.database_url, settings), settings):
        pass


def _bus(settings: Settings) -> Finding:
    if settings.bus_url in ("", "store://"):
        return Finding("bus", f"store://: workers poll the database{'' if settings.bus_url else ' (memory:// in dev)'}")
    url = settings.bus_url
    try:
        store = open_store(settings.database_url, settings)
    except Misconfigured:
        return Finding("bus", f"{masked(url)}, not looked at: the database comes first")
    return Finding("bus", f"{masked(url)}, {asyncio.run(_look(url, store, settings))}")


async def _look(url: str, store: StateStore, settings: Settings) -> str:
    bus = open_bus(url, store, settings)
    try:
        async with asyncio.timeout(_PATIENCE):
            return await bus.check()
    except AgentCoreError:
        raise
    except Exception as error:
        said = str(error) or type(error).__name__
        raise Misconfigured(f"AGENTCORE_BUS_URL={masked(url)}: it does not answer ({said}).") from error
    finally:
        await bus.close()


def _redis(settings: Settings) -> Finding:
    if (shared := open_shared(settings)) is None:
        return Finding("redis", "none: hints as far as the database has them, rate limits in each process")

    async def check() -> str:
        try:
            return await shared.check()
        finally:
            await shared.close()

    return Finding("redis", f"{masked(settings.redis_url)}, {asyncio.run(check())}")


def _agents(settings: Settings) -> Finding:
    started = time.process_time()
    found = registry.load(settings.agents)
    cost = f"{time.process_time() - started:.2f} s of CPU"
    if not found.specs:
        return Finding("agents", f"{settings.agents} registers none", "Call agentcore.register(…) in that module.")
    slow = "; it imports the SDK: register paths, and accept and tick start faster" if "agents" in sys.modules else ""
    return Finding("agents", f"{', '.join(sorted(found.specs))} ({settings.agents}, {cost}{slow})")


def _sdk(settings: Settings) -> Finding:
    started = time.process_time()
    from agentcore.preflight import unfit  # imports the SDK, and what that costs is the question

    agents = registry.load(settings.agents)
    for spec in agents.specs.values():
        for what in ("target", "context", "run_config", "hooks"):
            spec.resolve(what)
    if refused := asyncio.run(unfit(agents)):
        return Finding("sdk", f"cannot run: {', '.join(refused)}", " ".join(str(error) for error in refused.values()))
    return Finding("sdk", f"engine and agents load in {time.process_time() - started:.2f} s of CPU, at the first run")


def _model(settings: Settings) -> Finding:
    name = settings.model_name
    if name == "offline":
        return Finding("model", "offline; set OPENAI_API_KEY or OPENAI_BASE_URL for a real one")
    if not settings.openai_api_key and not settings.openai_base_url:
        return Finding("model", f"{name}, and no key", "Set OPENAI_API_KEY, or AGENTCORE_MODEL=offline.")
    base = (settings.openai_base_url or "https://api.openai.com/v1").rstrip("/")
    return _ask(name, base, settings.openai_api_key)


def _ask(name: str, base: str, key: str) -> Finding:
    """Ask the server for its models, which costs nothing."""
    try:
        answer = httpx.get(f"{base}/models", headers={"Authorization": f"Bearer {key}"} if key else {}, timeout=10)
    except httpx.HTTPError as error:
        return Finding("model", f"{name}: {masked(base)} cannot be reached ({error})", "Check OPENAI_BASE_URL.")
    if answer.status_code in (401, 403):
        return Finding("model", f"{name}: {masked(base)} refuses the key", "Check OPENAI_API_KEY.")
    if answer.is_success and name not in answer.text:
        return Finding("model", f"{masked(base)} does not list {name}", "Check AGENTCORE_MODEL.")
    return Finding("model", f"{name} at {masked(base)}")


def _callers(settings: Settings) -> Finding:
    asked, how = auth.methods(settings), server.asks(settings)
    if "oidc" in asked:
        return _provider(settings, how)
    return Finding("callers", f"show {how} (in dev on this machine, nobody is asked)" if asked else how)


def _provider(settings: Settings, how: str) -> Finding:
    try:
        found = asyncio.run(Oidc(settings).jwks.fetch())
    except (httpx.HTTPError, ValueError, TimeoutError) as error:
        why = str(error) or type(error).__name__
        return Finding("callers", f"show {how}, whose keys cannot be fetched ({why})", "Check AGENTCORE_OIDC_ISSUER.")
    return Finding("callers", f"show {how} ({len(found)} public keys there)")


def _address(settings: Settings) -> Finding:
    where = f"{settings.host}:{settings.port}"
    if auth.methods(settings) or settings.host in ("127.0.0.1", "::1", "localhost"):
        return Finding("address", where)
    fix = "Unset AGENTCORE_AUTH, or set AGENTCORE_ALLOW_UNAUTHENTICATED=true where something in front asks."
    told = f"{where}: open to others, and nobody is asked who they are"
    return Finding("address", told, "" if settings.allow_unauthenticated else fix)
