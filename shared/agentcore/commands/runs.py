"""`agentcore runs` and `redrive`: what ran, read from the store."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, get_args

from agentcore import app
from agentcore.commands.text import clean, shorten
from agentcore.errors import Invalid
from agentcore.events import public
from agentcore.records import Entry, Run, Status
from agentcore.service import Service
from agentcore.settings import Settings


def runs(args: argparse.Namespace, settings: Settings) -> int:
    """List runs, or show one."""
    if args.state is not None and args.state not in get_args(Status):
        raise Invalid(f"--state {args.state}: it is one of {', '.join(get_args(Status))}.")
    lines = asyncio.run(_show(args, settings) if args.run_id else _list(args, settings))
    for line in lines:
        print(line)
    return 0


def redrive(args: argparse.Namespace, settings: Settings) -> int:
    """Start a run again; print the new one."""
    run = asyncio.run(_redrive(args, settings))
    print(f"{run.id} goes on from where {args.run_id} stopped")
    return 0


def _open(settings: Settings) -> AbstractAsyncContextManager[Service]:
    return app.running(app.build(settings))


async def _redrive(args: argparse.Namespace, settings: Settings) -> Run:
    async with _open(settings) as service:
        return await service.redrive(args.tenant, args.run_id)


async def _list(args: argparse.Namespace, settings: Settings) -> list[str]:
    async with _open(settings) as service:
        found = await service.store.runs(
            args.tenant, thread_id=args.thread, status=[args.state] if args.state else [], limit=args.limit
        )
    return [_json(run_fields(run)) if args.json else _line(run) for run in found] or ["no runs"]


async def _show(args: argparse.Namespace, settings: Settings) -> list[str]:
    after, journal = 0, list[Entry]()
    async with _open(settings) as service:
        while True:
            run, entries = await service.store.entries(args.tenant, args.run_id, after=after)
            journal += entries
            if not entries:
                break
            after = entries[-1].seq
    if args.json:
        return [_json(run_fields(run)), *(_json(vars_of(entry)) for entry in journal)]
    return [*_head(run), *_steps(journal)]


def _line(run: Run) -> str:
    said = shorten(clean(_text(run.input)), 50)
    return f"{run.id}  {run.status:<9}  {_time(run.created_at)}  {run.agent:<16}  {said}"


def _head(run: Run) -> Iterable[str]:
    yield f"run      {run.id}"
    yield f"thread   {run.thread_id} (position {run.position})"
    yield f"agent    {run.agent}, version {run.agent_version}"
    yield f"state    {run.status}" + (f", failures {run.failures}" if run.failures else "")
    if run.wake_at and not run.terminal:
        yield f"wake at  {_time(run.wake_at)}"
    yield f"times    created {_time(run.created_at)}, started {_time(run.started_at)}, ended {_time(run.finished_at)}"
    yield f"input    {shorten(clean(_text(run.input)), 200)}"
    if run.output is not None:
        yield f"output   {shorten(clean(_text(run.output)), 200)}"
    if run.error:
        yield f"error    {run.error.get('code')}: {clean(str(run.error.get('message')))}"
    yield ""


def _steps(journal: Iterable[Entry]) -> Iterable[str]:
    for entry in journal:
        if entry.kind != "delta":  # pieces of a message that is listed whole
            _, data = public(entry)
            told = {k: v for k, v in data.items() if v not in (None, "", [], {}) and k != "step"}
            yield f"{entry.seq:>5}  {_time(entry.created_at)}  {entry.kind:<12}  {shorten(clean(_text(told)), 160)}"


def run_fields(run: Run) -> dict[str, Any]:
    return {name: getattr(run, name) for name in run.__dataclass_fields__}


def vars_of(entry: Entry) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in entry.__dataclass_fields__}


def _json(value: Any) -> str:
    return json.dumps(value, default=str, ensure_ascii=False)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else _json(value)


def _time(at: datetime | None) -> str:
    return at.isoformat(sep=" ", timespec="seconds").removesuffix("+00:00") if at else "-"
