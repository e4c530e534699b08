"""Fresh databases with the schema in place, as many as a test wants."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from agentcore.settings import Settings
from agentcore.store import open_store


@contextmanager
def databases(url: str) -> Iterator[Iterator[str]]:
    """URLs of fresh databases: SQLite files in a temporary folder, or databases beside the one `url` names.

    They are copies of a template that is migrated once, and are dropped at the end.
    """
    with _files() if url.startswith("sqlite") else _postgres(url) as found:
        yield found


@contextmanager
def _files() -> Iterator[Iterator[str]]:
    with tempfile.TemporaryDirectory(prefix="agentcore-") as folder:
        template = Path(folder, "template.db")
        migrate(f"sqlite:///{template}")

        def copies() -> Iterator[str]:
            while True:
                copy = Path(folder, f"{uuid4().hex}.db")
                shutil.copy(template, copy)
                yield f"sqlite:///{copy}"

        yield copies()


@contextmanager
def _postgres(url: str) -> Iterator[Iterator[str]]:
    import psycopg

    server, _, _ = url.rpartition("/")
    template, made = f"agentcore_{uuid4().hex}", list[str]()
    with psycopg.connect(url, autocommit=True) as admin:

        def create(name: str, like: str) -> str:
            admin.execute(f'create database "{name}" template "{like}"'.encode())
            made.append(name)
            return f"{server}/{name}"

        def copies() -> Iterator[str]:
            while True:
                yield create(f"agentcore_{uuid4().hex}", template)

        try:
            migrate(create(template, "template0"))
            yield copies()
        finally:
            for name in made:
                admin.execute(f'drop database "{name}" with (force)'.encode())


def migrate(url: str) -> None:
    """Bring a database to this version, in a process of its own: what it leaves open is not inherited."""

    async def go() -> None:
        store = open_store(url, Settings(database_url=url))
        await store.open()
        await store.migrate()
        await store.close()

    child = os.fork()
    if child == 0:
        code = 1
        try:
            asyncio.run(go())
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        raise RuntimeError(f"The template database could not be migrated: {url}")
