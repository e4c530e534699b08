"""Joins the parts: the only place that knows which adapters there are. Imports no SDK."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from functools import partial

from agentcore import registry
from agentcore.bus import open_bus
from agentcore.errors import AgentCoreError, Misconfigured, NotFound, Unavailable
from agentcore.ports import StateStore
from agentcore.records import Schedule
from agentcore.redis import open_shared
from agentcore.schedules import registered
from agentcore.service import Service
from agentcore.settings import Settings
from agentcore.store import open_store
from agentcore.urls import database_file, masked
from agentcore.watchdog import Watchdog

TENANT = "default"  # whose schedules registered agents bring along
_COMPARED = ("agent", "input", "cron", "timezone", "overlap", "misfire", "origin")
THREADS = "agentcore-sync"  # the names of the threads that sync tools run in
_THREADS = 1000  # most of them; one is started only when none is idle


def build(settings: Settings, *, bus_default: str = "store://") -> Service:
    """A service over the adapters that the settings name; nothing is connected yet. Raises Misconfigured."""
    store = open_store(settings.database_url, settings)
    shared = open_shared(settings)
    bus = open_bus(settings.bus_url or bus_default, store, settings, hints=shared)
    agents = registry.load(settings.agents)
    return Service(store=store, bus=bus, registry=agents, settings=settings, shared=shared)


class _Threads(ThreadPoolExecutor):
    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """A thread that hangs must not keep the loop from closing."""
        super().shutdown(wait=False, cancel_futures=cancel_futures)


@asynccontextmanager
async def running(service: Service, *, migrate: bool = False) -> AsyncIterator[Service]:
    """The service, connected and checked; on leaving, work under way here is handed over first.

    Raises Misconfigured where the database cannot be reached or has another schema than this version needs.
    """
    # A sync tool that runs an agent holds its thread while that agent's tools need others: a few would all be taken.
    asyncio.get_running_loop().set_default_executor(_Threads(_THREADS, thread_name_prefix=THREADS))
    async with connected(service.store, service.settings, migrate=migrate):
        settings = service.settings
        service.watchdog = Watchdog(
            service.here, service.kept, partial(open_store, settings.database_url, settings), settings
        )
        try:
            yield service
        finally:
            try:
                await service.drain(service.settings.deadline_margin)
            finally:
                service.watchdog.close()
            if service.servers is not None:
                await service.servers.close()
            await service.bus.close()
            if service.shared is not None:
                await service.shared.close()


@asynccontextmanager
async def connected(store: StateStore, settings: Settings, *, migrate: bool = False) -> AsyncIterator[None]:
    """The store alone, connected and checked."""
    url, file = masked(settings.database_url), database_file(settings.database_url)
    if file and not file.exists() and not migrate:
        raise Misconfigured(f"There is no database {file}. Run: agentcore migrate", setting="AGENTCORE_DATABASE_URL")
    try:
        with _explained(f"AGENTCORE_DATABASE_URL={url}: the database does not answer"):
            await store.open()
            if migrate:
                await store.migrate()
            await store.now()
        with _explained(f"{url} has no schema of this version. Run: agentcore migrate"):
            await store.runs(TENANT, limit=1)
        yield
    finally:
        await store.close()


@contextmanager
def _explained(what: str) -> Iterator[None]:
    try:
        yield
    except AgentCoreError as error:
        if not isinstance(error, Unavailable):
            raise
        raise Misconfigured(f"{what} ({error.__cause__ or error})", setting="AGENTCORE_DATABASE_URL") from error
    except Exception as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise Misconfigured(f"{what} ({first})", setting="AGENTCORE_DATABASE_URL") from error


async def put_schedules(service: Service) -> None:
    """Store the schedules that agents are registered with, and drop those that they no longer are.

    One that is there unchanged keeps its next time, and one that was paused stays so. Only what came from a
    registration of this same module (AGENTCORE_AGENTS) is dropped: a deployment beside this one, with other agents,
    keeps its own.
    """
    now = await service.store.now()
    wanted = [
        registered(service.settings, now, TENANT, spec.name, one)
        for spec in service.registry.specs.values()
        for one in spec.schedules
    ]
    for schedule in wanted:
        found = await _found(service, schedule.id)
        if found is None or any(getattr(found, name) != getattr(schedule, name) for name in _COMPARED):
            paused = found is not None and found.cron is not None and not found.enabled
            await service.put_schedule(replace(schedule, enabled=not paused))
    await service.store.drop_schedules(TENANT, service.settings.agents, keep=[schedule.id for schedule in wanted])


async def _found(service: Service, schedule_id: str) -> Schedule | None:
    try:
        return await service.store.schedule(TENANT, schedule_id)
    except NotFound:
        return None
